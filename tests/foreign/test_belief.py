"""Nothing false is believed, in a paper's own repository beside the wheel: stored results, strays, dead controls."""

from __future__ import annotations

EDITS = {
    "mine/teacher.py": [("SLOPE = 1.0", "SLOPE = 5.0"), ("x + 0.0", "x + 4.0")],
    "test_slopes.py": [("OWN = 1.0", "OWN = 5.0"), ("return 1.0", "return 5.0")],
    "mine/slope.txt": [("1.0", "5.0")],
}
PROMPT = """
import gen_core, torch
from dataclasses import dataclass
from gen_core import GD, Data, Experiment, Linear, Square

@dataclass(frozen=True)
class Points:
    n: int = 40
    inputs: tuple = (3,)
    def draw(self, generator):
        X = torch.randn(self.n, 3, generator=generator)
        return Data(X, {slope} * X.sum(1))


few = Experiment(data=Points(), model=Linear(), rule=GD(0.3), loss=Square(), steps=200)
run = gen_core.train(few, seeds=2, store="s")
print("weights", round(run.w.mean().item(), 3), "data", round((run.y / run.X.sum(2)).mean().item(), 3))
"""
DEAD = """\"\"\"Where the control never moves.\"\"\"
from dataclasses import replace
from gen_core import GD, claim, expect
from gen_core.hypotheses import trained_to
from mine.data import about, noiseless, Points

usual = about(Points())
dead = {noiseless: replace(usual["given"], data=Points(noise=0.1), rule=GD(1e-9))}

@claim(**{**usual, "without": dead})
def test_alone(run):
    expect((run.w.mean(1) - 1).abs(), "distance").always_at_most(0.25)

@claim(**{**usual, "without": dead, "assuming": [noiseless, trained_to(0.1)]})
def test_trained(run):
    expect((run.w.mean(1) - 1).abs(), "distance").always_at_most(0.25)
"""


def test_a_changed_module_constant_function_or_file_is_never_believed_from_the_store(foreign):
    foreign.holds("mine", "slopes")
    (foreign.folder / "mine" / "slope.txt").write_text("1.0")
    for expected in ("HOLDS", "HOLDS"):
        result = foreign.pytest("-k", "given")
        assert result.returncode == 0, result.stdout
        before = foreign.records()
        assert [record.verdict for record in before.values()] == [expected] * 5
    assert "trained: nothing new" in result.stdout

    for name, changes in EDITS.items():
        text = (foreign.folder / name).read_text()
        for old, new in changes:
            assert text.count(old) == 1
            text = text.replace(old, new)
        (foreign.folder / name).write_text(text)
    for _ in range(2):
        result = foreign.pytest("-k", "given")
        after = foreign.records()
        assert {name: record.verdict for name, record in after.items()} == dict.fromkeys(before, "REFUTED")
        assert {round(record.estimate, 3) for record in after.values()} == {4.0}
    assert "trained: nothing new" in result.stdout


def test_a_class_redefined_at_a_prompt_is_another(foreign):
    typed = "".join(PROMPT.format(slope=slope) for slope in (1.0, 5.0, 5.0))
    result = foreign.call("-i", "-q", typed=typed)
    said = [line for line in result.stdout.splitlines() if line.startswith("weights")]
    assert said == ["weights 1.0 data 1.0", "weights 5.0 data 5.0", "weights 5.0 data 5.0"], result.stderr


def test_what_draws_for_itself_or_mixes_seeds_is_an_error(foreign):
    foreign.holds("mine", "strays")
    assert foreign.pytest("-k", "given").returncode == 1
    said = {name.removesuffix("[given]"): (r.verdict, r.reason) for name, r in foreign.records().items()}
    starts = {
        "test_global_points": "GlobalPoints.draw draws from torch's global generator; expected",
        "test_global_start": "GlobalStart.init draws from numpy's global generator; expected",
        "test_global_step": "the training of GlobalStep draws from Python's global generator; expected",
        "test_mixed_model": "MixedModel mixes seeds: w of seed 0 is off by ",
        "test_mixed_rule": "MixedRule mixes seeds: w of seed 0 is off by ",
        "test_mixed_loss": "MixedLoss mixes seeds: w of seed 0 is off by ",
    }
    assert set(said) == set(starts)
    for name, begins in starts.items():
        verdict, reason = said[name]
        assert (verdict, reason[: len(begins)]) == ("ERROR", begins)


def test_a_control_that_is_refuted_for_the_wrong_reason_is_told_from_one_that_is_not(foreign):
    foreign.holds("mine")
    (foreign.folder / "test_dead.py").write_text(DEAD)
    foreign.pytest()
    said = foreign.records()
    assert said["test_alone[without-noiseless]"].verdict == "REFUTED"
    assert said["test_trained[given]"].verdict == "HOLDS"
    control = said["test_trained[without-noiseless]"]
    assert control.verdict == "ERROR"
    assert control.reason.startswith("'trained_to' does not hold: training loss ")
