"""Numbers, statements, recipes and verdicts as text."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from reports.wording import blocks, duration, moment, number, outline, plural, power_of_ten, recipe_of, tolerance


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
    assert [plural(n, "seed") for n in (0, 1, 8)] == ["0 seeds", "1 seed", "8 seeds"]


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
        "steps:",
        "  - 0:",
        "    lr: 0.1",
        "  - 1:",
        "    lr: 0.2",
        "flag: true",
        "e: {}",
    ]


def test_a_recipe_without_a_training_tells_of_none() -> None:
    recipe = {"recipe": "Experiment", "model": {"width": 3}, "rule": {"rate": 1}, "loss": {}, "steps": 0, "stop": {}}
    assert recipe_of(recipe, "trained") == recipe_of(recipe, "") == recipe
    assert recipe_of(recipe, "drawn") == {"recipe": "Experiment", "model": {"width": 3}}
    assert outline(recipe_of({**recipe, "model": None}, "computed")) == "recipe: Experiment"
