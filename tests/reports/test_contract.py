"""Every expectation, from a claim's `expect` to what a reader sees: page, JUnit and evidence say what was judged."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from gen_core.expectation import Expected
from reports.evidence import evidence
from reports.load import load_run
from reports.publish import publish
from reports.rows import page_name
from tests.reports.markup import Page


class Facts(NamedTuple):
    """One call of a method, and what has to be said of it wherever it is judged."""

    call: str
    values: str
    statistic: str
    direction: str
    limits: list[float]
    subject: str
    share: float | None = None
    seed: tuple[float | None, str] = (None, "")


MEAN, MEDIAN = "the mean over {n} seeds", "the median over {n} seeds"
FALLING, RISING = "falling(run)", "1 / falling(run)"
METHODS = {
    "at_most": Facts("(1.5)", "near(run)", "mean", "at most", [1.5], MEAN),
    "at_least": Facts("(0.5)", "near(run)", "mean", "at least", [0.5], MEAN),
    "between": Facts("(0.5, 1.5)", "near(run)", "mean", "between", [0.5, 1.5], MEAN),
    "always_at_most": Facts("(1.25)", "near(run)", "worst", "at most", [1.25], "the worst of {n} seeds"),
    "always_at_least": Facts("(0.75)", "near(run)", "worst", "at least", [0.75], "the worst of {n} seeds"),
    "always_between": Facts("(0.5, 1.5)", "near(run)", "worst", "between", [0.5, 1.5], "the worst of {n} seeds"),
    "typically_at_most": Facts("(1.5)", "near(run)", "median", "at most", [1.5], MEDIAN),
    "typically_at_least": Facts("(0.5)", "near(run)", "median", "at least", [0.5], MEDIAN),
    "typically_between": Facts("(0.5, 1.5)", "near(run)", "median", "between", [0.5, 1.5], MEDIAN),
    "mostly_at_most": Facts(
        *("(1.25, share=0.2)", "near(run)", "share", "at least", [0.2]),
        *("the share of {n} seeds with a value ≤ 1.25", 0.2, (1.25, "at most")),
    ),
    "mostly_at_least": Facts(
        *("(0.75, share=0.2)", "near(run)", "share", "at least", [0.2]),
        *("the share of {n} seeds with a value ≥ 0.75", 0.2, (0.75, "at least")),
    ),
    "decays_in": Facts(
        "(X, exponent_at_most=-0.5)", FALLING, "exponent", "at most", [-0.5], "the mean exponent over {n} seeds"
    ),
    "grows_in": Facts(
        "(X, exponent_at_least=0.5)", RISING, "exponent", "at least", [0.5], "the mean exponent over {n} seeds"
    ),
    "scales_in": Facts(
        *("(X, exponent_between=(-1.5, -0.5))", FALLING, "exponent", "between", [-1.5, -0.5]),
        "the mean exponent over {n} seeds",
    ),
    "increases_in": Facts("(X)", RISING, "trend", "at least", [1e-9], "the median rank correlation over {n} seeds"),
    "decreases_in": Facts("(X)", FALLING, "trend", "at most", [-1e-9], "the median rank correlation over {n} seeds"),
}
"""Method of what `expect` returns -> what it is called with, and what must come out of it."""

HEAD = """
X = (1.0, 2.0, 4.0)

def near(run):
    return torch.linspace(0.9, 1.1, len(run.seeds), dtype=torch.float64)

def falling(run):
    return torch.stack([x ** -near(run) for x in X])
"""
CLAIM = """
@claim(**TOY)
def test_{name}(run):
    expect({values}, "q").{name}{call}
"""


def test_every_method_is_in_the_table():
    public = [name for name, _ in inspect.getmembers(Expected, inspect.isfunction) if not name.startswith("_")]
    assert sorted(METHODS) == sorted(public)


def properties(junit: Path) -> dict[str, Mapping[str, str]]:
    """Method -> properties of its case."""
    cases = ElementTree.parse(junit).iter("testcase")
    return {
        case.get("name", "").removeprefix("test_").partition("[")[0]: {
            one.get("name", ""): one.get("value", "") for one in case.iter("property")
        }
        for case in cases
    }


def test_what_was_judged_is_said_on_page_in_junit_and_in_the_evidence(suite, tmp_path: Path) -> None:
    suite.claims(HEAD + "".join(CLAIM.format(name=name, values=f.values, call=f.call) for name, f in METHODS.items()))
    assert suite.run("-k", "given").ret == 0
    loaded = load_run(suite.folder)
    publish(loaded, tmp_path / "report", None)
    junit = properties(tmp_path / "report" / "junit.xml")
    evidence([replace(loaded, run=replace(loaded.run, exit_status=0))], tmp_path / "evidence", "this test")
    table = (tmp_path / "evidence" / "toy.md").read_text(encoding="utf-8").splitlines()
    assert len(loaded.cases) == len(METHODS)
    for case in loaded.cases:
        name = case.claim.rpartition("::test_")[2]
        facts, n = METHODS[name], len(case.seeds)
        subject = facts.subject.format(n=n)
        assert (case.verdict, case.statistic, case.direction) == ("HOLDS", facts.statistic, facts.direction), name
        assert (case.limits, case.share) == (facts.limits, facts.share), name
        assert (case.seed_limit, case.seed_direction) == facts.seed, name
        assert (case.kind, case.work, case.place, case.year) == ("setting", "trained", "Theorem 1", 2020), name
        assert case.estimate is not None

        page = Page(tmp_path / "report" / "claims" / page_name(case.nodeid)).text
        assert f"Judged {subject} " in page, name
        assert f" of {subject} " in page.partition("Measured")[0], name  # in the sentence on the verdict
        for limit in facts.limits if facts.direction == "between" else [f"{facts.limits[0]:.3g}"]:
            assert f"{limit}" in page.partition("Measured")[0], name
        assert ("Share demanded 0.2 of the seeds" in page) == (facts.share is not None), name
        assert f"{n} by steps at step 20" in page, name

        said = junit[name]
        assert (said["verdict"], said["statistic"], said["direction"]) == ("HOLDS", facts.statistic, facts.direction)
        assert [float(limit) for limit in said["limits"].split()] == facts.limits
        assert said.get("share") == (None if facts.share is None else repr(facts.share))
        assert (said["kind"], said["place"], said["seeds"]) == ("setting", "Theorem 1", str(n))

        (row,) = [line for line in table if line.startswith(f"| {name.replace('_', ' ')} **")]
        cells = [cell.strip() for cell in row.strip("| ").split(" | ")]
        assert (cells[2], cells[5]) == ("1 HOLDS", str(n)), name
        assert cells[3] == f"{sum(value for value in case.values if value is not None) / n:.3g}", name


@pytest.mark.parametrize("limit", [float("inf"), float("nan")])
def test_a_limit_that_is_no_number_is_a_mistake_of_the_claim(suite, limit: float) -> None:
    suite.claims(HEAD + CLAIM.format(name="at_most", values="near(run)", call=f"(float('{limit}'))"))
    suite.run("-k", "given")
    (case,) = [case for case in suite.cases.values() if case.verdict]
    assert (case.verdict, case.reason) == ("ERROR", f"q has the limit {limit}; expected a finite number")
