"""Verdicts in sentences, from what a record has as fields."""

from __future__ import annotations

import pytest

from reports.explanations import decided, explanation, outside, position


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
    control = case("norm", "turned", kind="mutation", drops="sign", verdict=verdict, estimate=1.0, values=[1.0])
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
    assert "the lower bound -0.58 of the mean exponent over 16 seeds is above -0.8" in said["ridge"]
    assert (
        "-0.8 lies inside the interval [-0.95, -0.73] of the mean exponent over 64 seeds; about 8 seeds would decide"
        in said["lasso"]
    )
    assert "does not notice a difference" in said["mlp-true-labels"]
    assert "run ended before it was reached" in said["resnet"]
    assert "did not finish" in said["mlp"]
    assert "skipped" in said["alexnet"]


@pytest.mark.parametrize(
    ("statistic", "direction", "limits", "interval", "headroom", "told"),
    [
        (
            "mean",
            "at most",
            [0.1],
            (0.04, 0.052),
            9.6,
            "the upper bound 0.052 MEAN is below 0.1; headroom 9.6 standard deviations",
        ),
        (
            "mean",
            "at most",
            [0.1],
            (0.2, 0.3),
            -2.0,
            "the lower bound 0.2 MEAN is above 0.1; the estimate is 2 standard deviations beyond the limit",
        ),
        (
            "worst",
            "at least",
            [1.0],
            (1.0, 1.0),
            8.3,
            "the value 1 of the worst of 8 seeds is not below 1",
        ),
        ("mean", "at least", [3.0], (1.0, 2.0), None, "the upper bound 2 MEAN is below 3"),
        (
            "exponent",
            "at most",
            [-0.5],
            (-1.0, -0.50001),
            None,
            "the upper bound -0.50001 of the mean exponent over 8 seeds is below -0.5",
        ),
        (
            "share",
            "at least",
            [0.9],
            (0.93, 1.0),
            None,
            "the lower bound 0.93 of the share of 8 seeds with a value ≤\N{NO-BREAK SPACE}0.1 is above 0.9",
        ),
        ("mean", "between", [1.0, 2.0], (1.2, 1.8), None, "the interval [1.2, 1.8] MEAN lies between 1 and 2"),
        ("mean", "between", [1.0, 2.0], (0.1, 0.2), None, "the upper bound 0.2 MEAN is below 1"),
        ("mean", "between", [1.0, 2.0], (2.1, 2.2), None, "the lower bound 2.1 MEAN is above 2"),
        ("mean", "between", [1.0, 2.0], (1.9, 2.2), None, "2 lies inside the interval [1.9, 2.2] MEAN"),
        (
            "trend",
            "at least",
            [1e-9],
            (0.5, 0.9),
            None,
            "the lower bound 0.5 of the median rank correlation over 8 seeds is above 1e-09",
        ),
    ],
)
def test_the_bound_and_the_limit_that_decide_are_named(case, statistic, direction, limits, interval, headroom, told):
    low, high = interval
    seed = {"seed_limit": 0.1, "seed_direction": "at most"} if statistic == "share" else {}
    numbers = {"estimate": (low + high) / 2, "low": low, "high": high, "values": [0.0] * 8, "headroom": headroom}
    record = case("a", "b", verdict="HOLDS", statistic=statistic, direction=direction, limits=limits, **numbers, **seed)
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
    ("direction", "statistic", "value", "out"),
    [
        ("at most", "mean", 1.1, True),
        ("at most", "worst", 1.0, False),
        ("at least", "mean", 0.9, True),
        ("between", "exponent", 0.9, True),
        ("at least", "share", 0.5, False),
        ("", "", 9.0, False),
    ],
)
def test_a_seed_outside_the_tolerance(case, direction, statistic, value, out) -> None:
    assert outside(case("a", "b", direction=direction, statistic=statistic, limits=[1.0]), value) is out
