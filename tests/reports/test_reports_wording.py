"""Numbers, statements, recipes and verdicts as text."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.wording import blocks, duration, explanation, moment, number, outline, position, power_of_ten, tolerance


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
        "|w - w+| / |w+| is 3.1e-15 over 8 seeds, with the interval [2.2e-15, 4.4e-15]; "
        "the whole interval lies inside the tolerance ≤\N{NO-BREAK SPACE}1e-10."
    )
    assert "the value lies inside" in said["sgd"]
    assert said["gd-without-zero"].endswith("this control drops the hypothesis “starts at zero”.")
    assert "reaches across the limit" in said["lasso"]
    assert "does not notice a difference" in said["mlp-true-labels"]
    assert "run ended before it was reached" in said["resnet"]
    assert "did not finish" in said["mlp"]
    assert "skipped" in said["alexnet"]
