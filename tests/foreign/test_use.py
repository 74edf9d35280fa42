"""What a user meets in a repository of their own: vocabulary, messages, figures, folders, store, Python."""

from __future__ import annotations

import subprocess

SAID = {
    "test_assumption_of_a_bool": "assumption says_yes returned True; expected whether it holds, and words: ",
    "test_data_of_numpy": "OfNumpy drew X as a ndarray; expected a tensor (torch.from_numpy makes one of an array)",
    "test_not_trained": "parameter 'v' is not trained; use run.initial('v') or run.params()",
    "test_unwatched": "watched quantity 'train_loss' is not in this run; it has none (add 'train_loss' to its watch)",
}
REFUSED = {
    "GD(lambda step: 0.1)": "expected a positive number, or Steps, Cosine or InverseTime",
    "Experiment(data=Points(), model=Plain(), rule=GD(0.1), loss=Square(), steps=3)": (
        "model Plain(); expected a model (it lacks batch_form, size)"
    ),
    "Arms(a=given, b=given)": "arms 'a' and 'b' are one experiment; expected two",
}
ASK = """
from gen_core import *
from mine.data import *
class Plain:
    outputs, trainable = 1, ("w",)
    def init(self, inputs, generator, dtype): ...
    def forward(self, params, X): ...
    def __repr__(self): return "Plain()"
given = about(Points())["given"]
for each in {each}:
    try:
        eval(each)
    except GenCoreError as error:
        print(error)
"""
PLAIN = """
import gen_core
from mine.data import Points, descent
run = gen_core.train(descent(Points()), seeds=4)
print(run.w.shape, run.seeds)
loaded = gen_core.load("test_slopes.py::test_constant_of_another_module[given]", seeds=3)
judgement = gen_core.expect((loaded.w.mean(1) - 1).abs(), "distance").always_at_most(0.1)
print(bool(judgement), judgement)
print(bool(gen_core.expect(loaded.w.mean(1), "w").always_at_most(0.1)))
"""
COMMAND = "from importlib.metadata import entry_points as e; e(group='console_scripts')['gen-core'].load()()"


def test_all_that_can_be_said(foreign):
    foreign.holds("mine", "vocabulary")
    result = foreign.pytest("-q")
    assert result.returncode == 0, result.stdout


def test_mistakes_are_told_in_a_line_and_a_figure_takes_no_verdict_down(foreign):
    foreign.holds("mine", "mistakes")
    result = foreign.pytest("-k", "given")
    found = {name.removesuffix("[given]"): record for name, record in foreign.records().items()}
    said = {name: record.reason for name, record in found.items() if record.verdict == "ERROR"}
    assert set(said) == set(SAID)
    for name, expected in SAID.items():
        assert said[name].startswith(expected)
    assert {name for name, record in found.items() if record.verdict == "HOLDS"} == {"test_rounding", "test_figure"}
    assert found["test_rounding"].figure
    assert "headroom > 1000 sd" in result.stdout
    assert "trained: 4 blocks of seeds of 2 experiments, beside what was in the store" in result.stdout
    figure = (
        "warning: figure of test_mistakes.py::test_figure[given]: not drawn: curve '' has 3 values of x, 8 values of y"
    )
    assert figure in result.stdout
    table = foreign.pytest("--list-claims").stdout
    assert "  test_rounding  " in table
    assert " passed" not in table
    asked = foreign.call("-c", ASK.format(each=list(REFUSED)))
    for line, expected in zip(asked.stdout.splitlines(), REFUSED.values(), strict=True):
        assert expected in line


def test_a_measure_named_as_a_test_is_told_so(foreign):
    foreign.holds("mine")
    (foreign.folder / "test_named.py").write_text("def test_loss(run):\n    return run.train_loss\n")
    result = foreign.pytest()
    said = "test_loss takes `run` and is not a claim; expected the @claim decorator, or for a measure"
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("InvalidClaim")]
    assert said in line


def test_plain_python(foreign):
    foreign.holds("mine", "slopes")
    (foreign.folder / "mine" / "slope.txt").write_text("1.0")
    result = foreign.call("-c", PLAIN)
    assert result.returncode == 0, result.stderr
    first, second, third = result.stdout.splitlines()
    assert first == "torch.Size([4, 3]) (0, 1, 2, 3)"
    assert second.startswith("True HOLDS: distance is ")
    assert third == "False"


def test_folders_ignore_themselves_and_the_store_is_listed_and_pruned(foreign):
    foreign.holds("mine", "slopes")
    (foreign.folder / "mine" / "slope.txt").write_text("1.0")
    subprocess.run(["git", "init", "-q"], cwd=foreign.folder, check=True)
    assert foreign.pytest("-k", "given").returncode == 0
    command = ["git", "status", "--porcelain"]
    seen = subprocess.run(command, cwd=foreign.folder, check=True, capture_output=True, text=True).stdout
    assert ".gen-core" not in seen
    assert "report" not in seen
    listed = foreign.call("-c", COMMAND, "store")
    assert listed.returncode == 0, listed.stderr
    assert "in all: 10 results, " in listed.stdout
    assert "; needed by none: 0 results" in listed.stdout
    text = (foreign.folder / "test_slopes.py").read_text()
    (foreign.folder / "test_slopes.py").write_text(text.partition("@claim(**about(Bent()))")[0])
    pruned = foreign.call("-c", COMMAND, "store", "--prune")
    assert pruned.returncode == 0, pruned.stderr
    assert "removed: 8 results, " in pruned.stdout
    assert len(list((foreign.folder / ".gen-core" / "store").rglob("*.safetensors"))) == 2
