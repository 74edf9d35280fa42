"""Numbers, statements, recipes and verdicts as text."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.wording import (
    blocks,
    decided,
    duration,
    explanation,
    moment,
    number,
    outline,
    outside,
    position,
    power_of_ten,
    tolerance,
)


def test_numbers() -> None:
    assert [number(v) for v in (3.1415, 1e-15, 0.0, None, math.nan, math.inf)] == ["3.14", "1e-15", "0", "–", "–", "–"]
    assert power_of_ten(-12) == "10⁻¹²"
    assert [duration(s) for s in (4.21, 42.4, 872.0, 7325.0, None)] == [
        "4.2 s",
        "42 s",
        "14 min 32 s",
        "2 h 2 min",
        "–",
    ]
    assert duration(59.7) == "60 s"
    assert tolerance("<= 1e-10") == "≤\N{NO-BREAK SPACE}1e-10"
    assert moment("2026-01-02T03:04:05+00:00") == "2026-01-02 03:04 UTC"
    assert moment("yesterday") == "yesterday"


def test_a_docstring_is_split_into_paragraphs_items_and_indented_blocks() -> None:
    docstring = """First line
    goes on.

        x = 1

          y = 2

    Then a list:
    - one
      more
    - two
    """
    assert blocks(docstring) == [
        (False, "First line\ngoes on."),
        (True, "x = 1\n\n  y = 2"),
        (False, "Then a list:"),
        (False, "- one\nmore"),
        (False, "- two"),
    ]
    assert blocks("") == []


@given(st.text(alphabet="ab -\n\t", max_size=60))
@settings(deadline=None)
def test_no_word_of_a_docstring_is_lost(docstring: str) -> None:
    assert "".join(text for _, text in blocks(docstring)).split() or not docstring.split()
    assert " ".join(text for _, text in blocks(docstring)).split() == docstring.split()


def test_recipes_are_indented() -> None:
    recipe = {
        "data": {"n": 20, "shape": [1, 2], "extra": None},
        "steps": [{"lr": 0.1}, {"lr": 0.2}],
        "flag": True,
        "e": {},
    }
    assert outline(recipe).splitlines() == [
        "data:",
        "  n: 20",
        "  shape: [1, 2]",
        "  extra: none",
        "steps:",
        "  - 0:",
        "    lr: 0.1",
        "  - 1:",
        "    lr: 0.2",
        "flag: true",
        "e: {}",
    ]


@pytest.mark.parametrize(
    ("direction", "limits", "low", "high", "where"),
    [
        ("at most", [1.0], 0.5, 1.0, "inside"),
        ("at most", [1.0], 0.5, 1.1, "across"),
        ("at most", [1.0], 1.1, 1.2, "outside"),
        ("at most", [1.0], None, 0.9, "inside"),
        ("at least", [1.0], 1.0, None, "inside"),
        ("at least", [1.0], 0.1, 0.2, "outside"),
        ("between", [1.0, 2.0], 1.2, 1.8, "inside"),
        ("between", [1.0, 2.0], 0.8, 1.8, "across"),
        ("between", [1.0, 2.0], 2.1, 2.2, "outside"),
        ("sideways", [1.0], 0.0, 1.0, ""),
        ("at most", [], 0.0, 1.0, ""),
        ("at most", [1.0], None, None, ""),
    ],
)
def test_position_of_the_interval(case, direction, limits, low, high, where) -> None:
    assert position(case("a", "b", direction=direction, limits=limits, low=low, high=high)) == where


@pytest.mark.parametrize(("verdict", "told"), [("REFUTED", "As it must be"), ("HOLDS", "It should have been refuted")])
def test_a_mutated_measure_is_called_one(case, verdict, told) -> None:
    control = case("norm", "mutated-sign", control=True, drops="sign", verdict=verdict, estimate=1.0, values=[1.0])
    assert explanation(control).endswith(f" {told}: this control mutates the measure, “sign”.")


def test_verdicts_are_explained_with_their_numbers(cases) -> None:
    said = {c.case: explanation(c) for c in cases}
    assert said["gd"] == (
        "|w - w+| / |w+|: the upper bound 4.4e-15 of the mean over 8 seeds is below 1e-10; "
        "headroom 3.4 standard deviations."
    )
    assert "the value 4e-15 of the mean over 8 seeds is below 1e-10" in said["sgd"]
    assert said["gd-without-zero"].endswith("this control drops the hypothesis “starts at zero”.")
    assert "the lower bound 18.2 of the mean over 8 seeds is above 1e-10" in said["gd-without-zero"]
    assert "the lower bound -0.58 of the mean over 16 seeds is above -0.8" in said["ridge"]
    assert (
        "-0.8 lies inside the interval [-0.95, -0.73] of the mean over 64 seeds; about 8 seeds would decide"
        in said["lasso"]
    )
    assert "does not notice a difference" in said["mlp-true-labels"]
    assert "run ended before it was reached" in said["resnet"]
    assert "did not finish" in said["mlp"]
    assert "skipped" in said["alexnet"]


@pytest.mark.parametrize(
    ("tolerance", "direction", "limits", "interval", "headroom", "told"),
    [
        (
            "<= 0.1",
            "at most",
            [0.1],
            (0.04, 0.052),
            9.6,
            "the upper bound 0.052 MEAN is below 0.1; headroom 9.6 standard deviations",
        ),
        (
            "<= 0.1",
            "at most",
            [0.1],
            (0.2, 0.3),
            -2.0,
            "the lower bound 0.2 MEAN is above 0.1; the estimate is 2 standard deviations beyond the limit",
        ),
        (
            ">= 1 in every seed",
            "at least",
            [1.0],
            (1.0, 1.0),
            None,
            "the value 1 of the worst of 8 seeds is not below 1",
        ),
        (">= 3", "at least", [3.0], (1.0, 2.0), None, "the upper bound 2 MEAN is below 3"),
        (
            "exponent <= -0.5",
            "at most",
            [-0.5],
            (-1.0, -0.50001),
            None,
            "the upper bound -0.50001 of the mean exponent over 8 seeds is below -0.5",
        ),
        (
            "<= 0.1 in at least 90% of seeds",
            "at least",
            [0.9],
            (0.93, 1.0),
            None,
            "the lower bound 0.93 of the share of 8 seeds with a value ≤\N{NO-BREAK SPACE}0.1 is above 0.9",
        ),
        ("in [1, 2]", "between", [1.0, 2.0], (1.2, 1.8), None, "the interval [1.2, 1.8] MEAN lies between 1 and 2"),
        ("in [1, 2]", "between", [1.0, 2.0], (0.1, 0.2), None, "the upper bound 0.2 MEAN is below 1"),
        ("in [1, 2]", "between", [1.0, 2.0], (2.1, 2.2), None, "the lower bound 2.1 MEAN is above 2"),
        ("in [1, 2]", "between", [1.0, 2.0], (1.9, 2.2), None, "2 lies inside the interval [1.9, 2.2] MEAN"),
        (
            "rank correlation > 0",
            "at least",
            [1e-9],
            (0.5, 0.9),
            None,
            "the lower bound 0.5 of the mean rank correlation over 8 seeds is above 1e-09",
        ),
    ],
)
def test_the_bound_and_the_limit_that_decide_are_named(case, tolerance, direction, limits, interval, headroom, told):
    low, high = interval
    numbers = {"estimate": (low + high) / 2, "low": low, "high": high, "values": [0.0] * 8, "headroom": headroom}
    record = case("a", "b", verdict="HOLDS", tolerance=tolerance, direction=direction, limits=limits, **numbers)
    assert explanation(record) == f"|w - w+| / |w+|: {told.replace('MEAN', 'of the mean over 8 seeds')}."


def test_without_limits_the_numbers_are_told(case) -> None:
    record = case("a", "b", verdict="HOLDS", estimate=1.0, low=0.5, high=2.0, limits=[], values=[1.0])
    assert explanation(record) == (
        "|w - w+| / |w+| is 1 over 1 seed, with the interval [0.5, 2]; the tolerance is ≤\N{NO-BREAK SPACE}1e-10."
    )


def test_when_a_case_was_decided(cases) -> None:
    said = {c.case: decided(c) for c in cases}
    assert said["ridge"] == "Decided at look 1, with 16 seeds."
    assert said["lasso"] == "Not decided by the last look, at 64 seeds."
    assert said["mlp"] == ""


@pytest.mark.parametrize(
    ("direction", "tolerance", "value", "out"),
    [
        ("at most", "<= 1", 1.1, True),
        ("at most", "<= 1", 1.0, False),
        ("at least", ">= 1", 0.9, True),
        ("between", "in [1, 1]", 0.9, True),
        ("at least", "<= 5 in at least 90% of seeds", 0.5, False),
        ("", "", 9.0, False),
    ],
)
def test_a_seed_outside_the_tolerance(case, direction, tolerance, value, out) -> None:
    assert outside(case("a", "b", direction=direction, tolerance=tolerance, limits=[1.0]), value) is out
