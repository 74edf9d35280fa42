"""Runs outside of pytest: what a case's test has, from the store where it is there, and ids that name none."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import gen_core
from gen_core import (
    GD,
    Arms,
    AtScale,
    Experiment,
    InvalidClaim,
    InvalidExperiment,
    Linear,
    Run,
    Runs,
    Square,
    Sweep,
    Unfinished,
    UnknownCase,
)
from gen_core.lab import work as trainer
from tests.toy import Points

CLAIMS = """
from gen_core import Arms, AtScale, Mutation, Sweep

SHIFTED = Mutation("shifted", "1 is added to the loss.")
FAST = replace(clean, rule=GD(rate=0.2))
ARMS = Arms(slow=clean, fast=FAST)
SWEEP = Sweep(axis="n", points=((60, clean), (90, replace(clean, data=Points(n=90)))))

@claim(**{**TOY, "first_look": 4, "given": AtScale(standard=clean, quick=FAST), "without": {SHIFTED: clean}})
def test_small(run):
    expect(loss(run) + run.mutated_by(SHIFTED), "loss").always_at_most(0.5)

class TestTogether:
    @claim(**{**TOY, "given": {"arms": ARMS, "a sweep [n]": SWEEP},
              "without": {noiseless: Arms(slow=noisy, fast=replace(noisy, rule=GD(rate=0.2)))}})
    def test_several(self, run):
        "The losses are small."
        expect(sum(map(loss, run)), "loss").at_most(0.5)

def test_plain():
    pass
"""


@pytest.fixture
def file(suite) -> Path:
    suite.claims(CLAIMS)
    return suite.pytester.path


@pytest.fixture
def nothing_is_trained(monkeypatch) -> None:
    def refuse(*_):
        pytest.fail("trained")

    monkeypatch.setattr(trainer, "train_rows", refuse)


def test_the_run_of_a_case_comes_from_the_store(suite, file, monkeypatch):
    suite.run("--seeds-from", "7")
    monkeypatch.setattr(trainer, "train_rows", None)
    for case in suite.cases.values():
        run = gen_core.load(
            f"{case.claim}[{case.case}]",
            seeds=len(case.seeds),
            seeds_from=suite.record.seeds_from,
            device=suite.record.device,
            root=file,
        )
        losses = run.train_loss if isinstance(run, Run) else sum(one.train_loss for one in run)
        assert list(run.seeds) == case.seeds
        assert (losses + (case.kind == "mutation")).tolist() == case.values
        assert isinstance(run, Run) == ("small" in case.claim)
    assert gen_core.load("test_claims.py::test_small[given]", seeds_from=7, root=file).seeds == (7000, 7001, 7002, 7003)


def test_what_is_not_in_the_store_is_trained(file):
    run = gen_core.load("test_claims.py::test_small", root=file, store="elsewhere")
    assert isinstance(run, Run)
    assert run.seeds == (0, 1, 2, 3)
    assert list((file / "elsewhere").rglob("*.safetensors"))
    again = gen_core.load("test_claims.py::test_small[given]", root=file, store=file / "elsewhere")
    assert torch.equal(run.w, again.w)


def test_scales_arms_sweeps_and_mutations_are_as_in_the_test(file):
    quick = gen_core.load("test_claims.py::test_small", scale="quick", root=file)
    assert quick.experiment.rule.rate == 0.2
    mutated = gen_core.load("test_claims.py::test_small[mutated-shifted]", root=file)
    assert mutated.mutation == "shifted"
    arms = gen_core.load("test_claims.py::TestTogether::test_several[arms]", seeds=2, root=file)
    assert isinstance(arms, Runs)
    assert arms["fast"].seeds == (0, 1)
    sweep = gen_core.load("test_claims.py::TestTogether::test_several[a sweep [n]]", seeds=2, root=file)
    assert sweep.x == (60, 90)


@pytest.mark.usefixtures("nothing_is_trained")
@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("", "'' is not the id of a case; expected one like 'claims/test_a.py::test_a[given]'"),
        ("test_claims.py", "'test_claims.py' is not the id of a case"),
        ("notes.txt::test_a[b]", "'notes.txt::test_a[b]' is not the id of a case"),
        ("absent.py::test_a[b]", "/absent.py: no such file; expected the file of a claim, from the root directory /"),
        ("test_claims.py::test_a[b]", "test_claims.py has no claim 'test_a'; expected a test with @claim"),
        ("test_claims.py::test_plain", "test_claims.py has no claim 'test_plain'; expected a test with @claim"),
        ("test_claims.py::clean[x]", "test_claims.py has no claim 'clean'; expected a test with @claim"),
        (None, "None is not the id of a case; expected text"),
        ("test_claims.py::test_small[no]", "test_small has no case 'no'; expected one of given, mutated-shifted"),
        (
            "test_claims.py::TestTogether::test_several",
            "TestTogether::test_several has no case ''; expected one of",
        ),
    ],
)
def test_an_id_that_names_no_case_is_refused(file, case, message):
    with pytest.raises(UnknownCase) as caught:
        gen_core.load(case, root=file)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("nothing_is_trained")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": "huge"}, "scale 'huge'; expected 'quick' or 'standard' or 'paper'"),
        ({"device": "abacus"}, "device 'abacus'; expected 'auto', 'cpu' or 'cuda'"),
        ({"store": None}, "store None; expected the path of a folder"),
        ({"seeds": 0}, "seeds 0; expected an integer from 1 to 1000"),
    ],
)
def test_options_that_are_none_are_refused(file, options, message):
    with pytest.raises(InvalidExperiment, match=message):
        gen_core.load("test_claims.py::test_small", root=file, **options)


def test_a_file_is_imported_with_its_root_in_the_path_and_nothing_stays_there(suite, tmp_path):
    for name, rate in (("one", 0.1), ("two", 0.2)):
        (tmp_path / name / "claims").mkdir(parents=True)
        shutil.copy(suite.pytester.path / "toy.py", tmp_path / name)
        (tmp_path / name / "rates.py").write_text(f"RATE = {rate}\n")
        toy = "from toy import *\nfrom rates import RATE\n\n"
        body = '@claim(**{**TOY, "given": replace(clean, rule=GD(rate=RATE))})\ndef test_small(run):\n    "Small."\n'
        (tmp_path / name / "claims" / "test_rates.py").write_text(toy + body)
    before = list(sys.path)
    found = []
    for name in ("one", "two", "one"):
        sys.modules.pop("rates", None)
        run = gen_core.load("claims/test_rates.py::test_small", root=tmp_path / name)
        assert isinstance(run, Run)
        found.append(run.experiment.rule.rate)
    assert found == [0.1, 0.2, 0.1]
    assert sys.path == before


def test_a_file_that_is_no_python_is_named_with_the_line(suite):
    (suite.pytester.path / "test_broken.py").write_text("x = 1\nif x\n")
    with pytest.raises(InvalidClaim, match=r"test_broken.py:2: expected ':'; expected a file of Python$"):
        gen_core.load("test_broken.py::test_a[b]", root=suite.pytester.path)


def test_a_file_that_cannot_be_imported_says_why_and_is_not_kept(suite):
    (suite.pytester.path / "test_broken.py").write_text("import no_such_module\n")
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError, match="no_such_module"):
            gen_core.load("test_broken.py::test_a[b]", root=suite.pytester.path)
    assert "test_broken" not in sys.modules


TRAINED = Experiment(
    data=Points(), model=Linear(init_std=0.5), rule=GD(rate=0.1), loss=Square(), steps=20, dtype="float64"
)


@pytest.fixture
def empty(tmp_path, monkeypatch) -> Path:
    """The working directory and the place of temporary files, in which nothing is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def by_hand(run: Run, rate: float, steps: int) -> torch.Tensor:
    """The final weights of descent on the mean of squares / 2, written out seed by seed with torch.optim."""
    found = []
    for X, y, start in zip(run.X, run.y, run.initial("w"), strict=True):
        w = start.clone().requires_grad_()
        descent = torch.optim.SGD([w], lr=rate)
        for _ in range(steps):
            descent.zero_grad()
            ((X @ w - y) ** 2).mean().div(2).backward()
            descent.step()
        found.append(w.detach())
    return torch.stack(found)


def test_an_experiment_is_trained_and_nothing_is_kept(empty):
    run = gen_core.train(TRAINED, 3, seeds_from=2, device="cpu")
    assert isinstance(run, Run)
    assert run.seeds == (2000, 2001, 2002)
    torch.testing.assert_close(run.w, by_hand(run, 0.1, 20), rtol=1e-10, atol=1e-12)
    assert list(empty.rglob("*.json")) == list(empty.rglob("*.safetensors")) == list(empty.glob("tmp*")) == []
    assert gen_core.train(TRAINED, seeds_from=2).seeds == tuple(range(2000, 2008))


def test_a_store_keeps_what_is_trained(empty, monkeypatch):
    run = gen_core.train(TRAINED, 2, store="kept")
    assert len(list((empty / "kept").rglob("*.safetensors"))) == 1
    monkeypatch.setattr(trainer, "train_rows", None)
    assert torch.equal(gen_core.train(TRAINED, 2, store=empty / "kept").w, run.w)


def test_arms_and_sweeps_are_trained_together_on_the_same_seeds(monkeypatch):
    asked = []
    train_rows = trainer.train_rows
    monkeypatch.setattr(trainer, "train_rows", lambda rows, *rest: asked.append(len(rows)) or train_rows(rows, *rest))
    arms = gen_core.train(Arms(slow=TRAINED, fast=replace(TRAINED, rule=GD(rate=0.2))), seeds=2)
    assert isinstance(arms, Runs)
    assert asked == [4]
    torch.testing.assert_close(arms["fast"].w, by_hand(arms["fast"], 0.2, 20), rtol=1e-10, atol=1e-12)
    assert torch.equal(arms["slow"].X, arms["fast"].X)
    points = ((20, replace(TRAINED, data=Points(n=20))), (30, replace(TRAINED, data=Points(n=30))))
    sweep = gen_core.train(Sweep(axis="n", points=points), 2)
    assert (sweep.x, [run.X.shape[1] for run in sweep]) == ((20, 30), [20, 30])


def test_what_is_not_trained_is_drawn(empty):
    start = gen_core.train(Experiment(data=Points(), model=Linear(init_std=0.5), dtype="float64"), 2, store="kept")
    assert torch.equal(start.w, gen_core.train(TRAINED, 2).initial("w"))
    assert not (empty / "kept").exists()


def test_a_training_that_diverges_is_unfinished(empty):
    with pytest.raises(Unfinished, match=r"training diverged: the loss is not finite for 2 of 2 seeds"):
        gen_core.train(replace(TRAINED, rule=GD(rate=1e6), steps=200), 2)
    assert list(empty.rglob("*.safetensors")) == []


@pytest.mark.usefixtures("nothing_is_trained")
@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (GD(rate=0.1), {}, r"GD\(rate=0.1.*\) to train; expected an Experiment, Arms or a Sweep"),
        (AtScale(standard=TRAINED), {}, "expected an Experiment, Arms or a Sweep"),
        (TRAINED, {"seeds": 2.0}, "seeds 2.0; expected an integer from 1 to 1000"),
        (TRAINED, {"seeds": 5000}, "seeds 5000; expected an integer from 1 to 1000"),
        (TRAINED, {"seeds_from": -1}, "seeds_from -1; expected an integer >= 0"),
        (TRAINED, {"store": 3}, "store 3; expected the path of a folder"),
        (TRAINED, {"store": ""}, "store ''; expected the path of a folder"),
        (TRAINED, {"device": "abacus"}, "device 'abacus'; expected 'auto', 'cpu' or 'cuda'"),
    ],
)
def test_what_cannot_be_trained_is_refused(given, options, message):
    with pytest.raises(InvalidExperiment, match=message):
        gen_core.train(given, **options)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_shows_the_progress_and_is_left_clean(monkeypatch, terminal):
    shown = io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", shown)
    gen_core.train(TRAINED, 2)
    if not terminal:
        assert shown.getvalue() == ""
        return
    assert "% Linear on Points, GD, 2 seeds" in shown.getvalue()
    assert shown.getvalue().endswith("\r\x1b[2K")
