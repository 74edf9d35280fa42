"""What is different between runs: each kind of change, its numbers, and what is no change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gen_core.records import CaseRecord
from reports.changes import KINDS, Change, changes, drift, gone, outcome, since, tolerances_since
from reports.load import Loaded

HOLDS = {"verdict": "HOLDS", "estimate": 0.5, "low": 0.4, "high": 0.6, "tolerance": "<= 1", "limits": [1.0]}
HOLDS |= {"values": [0.45, 0.55], "seeds": [1, 2], "seconds": 2.0}


@pytest.fixture
def compare(run, case):
    def change(*records: dict) -> Change | None:
        """The change of the last of some records of one case since those before it."""
        runs = [Loaded(run, [case("norm", "gd", **HOLDS | record)]) for record in records]
        found = changes(runs[:-1], runs[-1])
        assert set(found) <= {"claims/test_norm.py::test_norm[gd]"}
        return next(iter(found.values()), None)

    return change


REFUTED = {"verdict": "REFUTED", "estimate": 2.0, "low": 1.8, "high": 2.2}
ERROR = {"verdict": "ERROR", "estimate": None, "low": None, "high": None, "values": []}
OPEN = {"verdict": "INCONCLUSIVE"}
NOT_RUN = {**ERROR, "verdict": "NOT RUN"}
STRICT = {"tolerance": "<= 2", "limits": [2.0]}
CONTROL = {"kind": "control"}


@pytest.mark.parametrize(
    ("before", "now", "kind", "text", "verdict", "fails"),
    [
        ({}, REFUTED, "broken", "HOLDS 0.5 [0.4, 0.6] -> REFUTED 2 [1.8, 2.2]", True, True),
        ({}, ERROR, "broken", "HOLDS 0.5 [0.4, 0.6] -> ERROR", True, True),
        ({}, OPEN, "broken", "HOLDS 0.5 [0.4, 0.6] -> INCONCLUSIVE 0.5 [0.4, 0.6]", True, True),
        (NOT_RUN, ERROR, "broken", "NOT RUN -> ERROR", True, True),
        (NOT_RUN, {}, "now run", "NOT RUN -> HOLDS 0.5 [0.4, 0.6]", False, False),
        (REFUTED, {}, "fixed", "REFUTED 2 [1.8, 2.2] -> HOLDS 0.5 [0.4, 0.6]", True, False),
        (OPEN, REFUTED, "changed", "INCONCLUSIVE 0.5 [0.4, 0.6] -> REFUTED 2 [1.8, 2.2]", True, True),
        ({}, NOT_RUN, "not run", "HOLDS 0.5 [0.4, 0.6] -> NOT RUN", False, False),
        (ERROR, NOT_RUN, "not run", "ERROR -> NOT RUN", False, False),
        (CONTROL | REFUTED, CONTROL, "broken", "REFUTED 2 [1.8, 2.2] -> HOLDS 0.5 [0.4, 0.6]", True, True),
        (CONTROL, CONTROL | REFUTED, "fixed", "HOLDS 0.5 [0.4, 0.6] -> REFUTED 2 [1.8, 2.2]", True, False),
        ({}, STRICT, "changed", "tolerance <= 1 -> <= 2; HOLDS 0.5 [0.4, 0.6] -> HOLDS", False, False),
        ({}, {"limits": [1.0 + 1e-9]}, "changed", "limits mean at most 1.0 -> mean at most 1.000000001;", False, False),
        ({}, {"statistic": "worst"}, "changed", "limits mean at most 1.0 -> worst at most 1.0; HOLDS", False, False),
        (
            {},
            {"values": [0.45, 0.56]},
            "changed",
            "1 of 2 seeds have another value, at most 0.55 -> 0.56",
            False,
            False,
        ),
        ({"values": [3e-15, 1]}, {"values": [3.1e-15, 1]}, "changed", "at most 3e-15 -> 3.1e-15", False, False),
        ({}, {"values": [0.45, None]}, "changed", "at most 0.55 -> –", False, False),
        (
            {},
            {"low": 0.55, "high": 0.6, "seeds": [3, 4]},
            "drifted",
            "lies above the range of 1 earlier run",
            False,
            False,
        ),
        ({}, {"seconds": 3.1}, "slower", "2.0 s -> 3.1 s", False, False),
    ],
)
def test_kinds(compare, before, now, kind, text, verdict, fails) -> None:
    change = compare(before, now)
    assert (change.kind, change.verdict, change.fails) == (kind, verdict, fails)
    assert text in change.text
    assert kind in KINDS


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({}, {}),
        ({}, {"values": [0.45 * (1 + 1e-7), 0.55]}),  # the rounding of float32
        ({}, {"values": [0.7, 0.8], "seeds": [3, 4]}),  # other seeds have other values
        ({}, {"values": [0.45], "seeds": [1]}),  # and a run of fewer looks has fewer
        ({"values": [None, 0.55]}, {"values": [None, 0.55]}),
        ({}, {"seconds": 2.9}),  # less than half as long again
        ({"seconds": 0.01}, {"seconds": 1.0}),  # less than a second longer
        ({}, {"seconds": 60.0, "trained": 8}),  # it trained
        ({"trained": 4, "seconds": 60.0}, {"seconds": 2.0}),
        ({}, {"verdict": None}),
        ({}, {"tolerance": "at most 1"}),  # other words for the same
        (REFUTED, REFUTED),
    ],
)
def test_no_change(compare, before, now) -> None:
    assert compare(before, now) is None


def test_a_case_that_no_run_before_reached_is_new(compare) -> None:
    assert compare({}) == Change("new", "HOLDS 0.5 [0.4, 0.6]")
    assert compare({"verdict": None}, REFUTED) == Change("new", "REFUTED 2 [1.8, 2.2]", verdict=True, fails=True)


def test_runs_that_did_not_reach_a_case_are_passed_over(compare) -> None:
    assert compare(REFUTED, {"verdict": None}, {}).kind == "fixed"


def test_slower_than_every_earlier_run_of_its_kind(compare) -> None:
    assert compare({"seconds": 9.0}, {"seconds": 2.0}, {"seconds": 5.0}) is None
    assert compare({"seconds": 9.0, "trained": 8}, {"seconds": 2.0}, {"seconds": 5.0}).kind == "slower"


def interval(case, low: float, high: float, **more) -> CaseRecord:
    return case("norm", "gd", verdict="HOLDS", estimate=(low + high) / 2, low=low, high=high, **more)


def test_drift_is_an_interval_outside_the_range_of_the_estimates(case) -> None:
    earlier = [interval(case, 0.0, 2.0), interval(case, 0.2, 2.2), case("norm", "gd", verdict="ERROR")]
    assert drift(earlier, interval(case, 1.05, 3.0)) == ""
    assert drift(earlier, interval(case, 1.3, 3.0)) == (
        "the interval [1.3, 3] lies above the range of 2 earlier runs, [1, 1.2]"
    )
    assert "lies below the range of 2" in drift(earlier, interval(case, 0.0, 0.9))
    assert drift(earlier[2:], interval(case, 1.3, 3.0)) == ""
    assert drift(earlier, case("norm", "gd", verdict="ERROR")) == ""


def test_drift_without_an_interval_is_of_every_seed(case) -> None:
    earlier = [interval(case, 4.0, 4.0, values=[2.0, 3.0, 4.0])]
    assert drift(earlier, interval(case, 3.5, 3.5, values=[1.0, 3.5])) == ""
    assert drift(earlier, interval(case, 6.0, 6.0, values=[5.0, 6.0])).startswith("every seed [5, 6] lies above")


def test_gone_is_said_of_runs_of_one_command_alone(run, case) -> None:
    two = [case("norm", "gd", verdict="HOLDS"), case("norm", "sgd", verdict="HOLDS")]
    part = replace(run, arguments=["claims", "-k", "gd"])
    other = replace(run, repeat="pytest claims -n auto --seeds-from 1701", exit_status=0)
    assert list(since([Loaded(run, two)], Loaded(other, two[:1]))) == [two[1].nodeid]
    assert since([Loaded(run, two)], Loaded(part, two[:1])) == {}
    assert since([Loaded(run, two)], Loaded(other, two[:1], ["cases.json is damaged"])) == {}
    assert since([Loaded(replace(run, exit_status=2), two)], Loaded(other, two[:1])) == {}
    assert gone(Loaded(run, two), Loaded(part, two[:1]))[two[1].nodeid].text == "was HOLDS"


def test_cases_that_were_not_run_since_the_last_whole_run_are_not_new(run, case) -> None:
    two = [case("norm", "gd", verdict="HOLDS"), case("norm", "sgd", verdict="HOLDS")]
    assert changes([Loaded(run, two), Loaded(run, two[:1])], Loaded(run, two)) == {}


def test_outcome_names_the_standing(cases) -> None:
    said = {case.case: outcome(case) for case in cases}
    assert said["wide"] == "NOT REPRODUCED 0.6 [0.52, 0.68]"
    assert said["sgd"] == "HOLDS 4e-15"
    assert said["resnet"] == "NOT REACHED"


def test_since_when_a_tolerance_is_what_it_is(run, case) -> None:
    def at(day: int, limit: float, scale: str = "standard") -> Loaded:
        made = replace(run, run=f"r{day}", started=f"2026-01-{day:02}T00:00:00+00:00", scale=scale,
                       environment={"revision": f"abc{day}"})  # fmt: skip
        return Loaded(made, [case("norm", "gd", limits=[limit], direction="at most", statistic="mean")])

    runs = [at(1, 1.0), at(2, 2.0), at(3, 1.0), at(4, 3.0, "quick"), at(5, 1.0)]
    assert tolerances_since(runs) == {
        "claims/test_norm.py::test_norm[gd]": "Tolerance unchanged since revision abc3 (2026-01-03 00:00 UTC), 2 runs."
    }
    assert tolerances_since(runs[:2])["claims/test_norm.py::test_norm[gd]"].endswith(
        "abc2 (2026-01-02 00:00 UTC), 1 run."
    )
    assert tolerances_since([]) == {}
    runs[0].run.environment.clear()
    [told] = tolerances_since(runs[:1]).values()
    assert told == "Tolerance unchanged since 2026-01-01 00:00 UTC, 1 run."
