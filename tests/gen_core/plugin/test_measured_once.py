"""A second run measures nothing that it need not: values, hypotheses and figures are those of the first."""

from __future__ import annotations

import pytest

from gen_core.measuring.folder import FOLDER
from gen_core.plugin import checking

CLAIM = """
from gen_core import measure
from gen_core.records import Curve, Figure, Panel

@measure
def size(run):
    return run.train_loss * {factor}

@assumption
def finite(run):
    "The loss is finite."
    return run.train_loss.isfinite(), "{said}"

@assumption
def drawn(experiment, data):
    "There are 60 points."
    return len(data.X) == 60, "{counted}"

@assumption
def started(experiment, data, start):
    "All weights are finite."
    return all(value.isfinite().all() for value in start.values()), "finite"

def curve(run):
    points = Curve(x=[1.0], y=[float(size(run).mean())])
    return Figure(title="{title}", panels=[Panel(xlabel="x", ylabel="y", curves=[points])])

@claim(**{{**TOY, "assuming": (*TOY["assuming"], drawn, started, finite), "figure": curve}})
def test_small(run):
    expect(size(run), "loss").at_most({limit})
"""
FIRST = {"factor": "1", "said": "finite", "counted": "60 points", "title": "Loss", "limit": "1"}


@pytest.fixture
def files(suite):
    """How many values are kept."""
    return lambda: {path.name for path in (suite.pytester.path / ".gen-core/store" / FOLDER).glob("*/*")}


@pytest.fixture
def asked(monkeypatch):
    """The hypotheses of draws that are asked, one entry for each of them and each seed."""
    names = []

    def ask(assumption, experiment, seed, checked=checking._checked):
        names.append(assumption.name)
        return checked(assumption, experiment, seed)

    monkeypatch.setattr(checking, "_checked", ask)
    return names


def run(suite, **changes: str):
    suite.claims(CLAIM.format(**{**FIRST, **changes}))
    result = suite.run("--device", "cpu", "--keep-measures")
    return result, suite.cases["test_small[given]"]


def test_nothing_is_measured_or_asked_twice(suite, files, asked):
    _, first = run(suite)
    assert {"drawn", "started"} < set(asked)
    asked.clear()
    kept = files()
    result, second = run(suite)
    assert asked == []
    assert (second.verdict, second.values, second.figure) == ("HOLDS", first.values, first.figure)
    assert [hypothesis.checked for hypothesis in second.hypotheses] == ["noise 0", "60 points", "finite", "finite"]
    assert files() == kept
    result.stdout.fnmatch_lines(["*trained: nothing new*"])


@pytest.mark.parametrize(
    ("change", "new"),
    [
        ({"factor": "2"}, 6),
        ({"said": "not infinite"}, 2),
        ({"counted": "three score"}, 2),
        ({"title": "Losses"}, 2),
        ({"limit": "2"}, 0),
    ],
    ids=["measure", "hypothesis-of-the-run", "hypothesis-of-draws", "figure", "limit"],
)
def test_what_is_changed_is_measured_anew_and_nothing_else(suite, files, change, new):
    run(suite)
    kept = files()
    _, after = run(suite, **change)
    assert len(files() - kept) == new
    said = [hypothesis.checked for hypothesis in after.hypotheses]
    assert said == ["noise 0", change.get("counted", "60 points"), "finite", change.get("said", "finite")]
    assert after.figure.title == change.get("title", "Loss")
    assert after.tolerance == f"<= {change.get('limit', '1')}"


def test_a_fault_in_a_measure_is_seen_beside_what_was_kept(suite):
    _, before = run(suite)
    assert before.verdict == "HOLDS"
    _, after = run(suite, factor="1 + 5")
    assert after.verdict == "REFUTED"
    _, again = run(suite)
    assert (again.verdict, again.values) == (before.verdict, before.values)


def test_a_hypothesis_that_does_not_hold_is_said_again(suite):
    for _ in range(2):
        _, after = run(suite, counted="60 points", said="finite")
        assert after.verdict == "HOLDS"
    for _ in range(2):
        suite.claims(CLAIM.format(**FIRST).replace("== 60", "== 61"))
        suite.run("--keep-measures")
        assert suite.cases["test_small[given]"].verdict == "ERROR"
        assert "60 points" in suite.cases["test_small[given]"].reason
