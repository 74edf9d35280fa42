"""Pages of what is drawn or computed, and never trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.load import Loaded
from reports.render import render
from reports.rows import page_name
from tests.reports.markup import Page

TRAINED = ("rule:", "loss:", "rate", "steps", "checkpoints", "Seeds trained for it", "What is not in the store")


@pytest.mark.parametrize(
    ("work", "told", "model"),
    [
        ("trained", "", True),
        ("drawn", "Drawn, not trained.", True),
        ("computed", "Computed from the data; nothing is trained.", False),
    ],
)
@pytest.mark.parametrize("null", [True, False])
def test_a_page_tells_of_no_training_that_never_was(tmp_path: Path, run, case, work, told, model, null) -> None:
    rule, loss = {"recipe": "GD", "rate": 1}, {"recipe": "Square"}
    recipe = {"recipe": "Experiment", "data": {"recipe": "Points"}, "model": {"recipe": "Linear"} if model else None}
    recipe |= {"rule": rule, "loss": loss, "steps": 9, "checkpoints": {"ratio": 2}, "dtype": "float64", "after": None}
    if work != "trained":
        recipe |= {"steps": 0, **({"rule": None, "loss": None} if null else {})}
    record = case(
        "norm", "gd", verdict="HOLDS", work=work, recipes={"experiment": recipe}, settings={}, title="A title."
    )
    record.statement = "A statement."
    render(Loaded(run, [record]), tmp_path)
    said = Page(tmp_path / "claims" / page_name(record.nodeid)).text
    assert [words for words in TRAINED if words in said] == (list(TRAINED) if work == "trained" else [])
    assert told in said
    assert ("model:" in said) == model
    assert "data: recipe: Points" in said
    assert "after" not in said.partition("Recipe")[2]  # a null field
    assert "none" not in said.partition("Recipe")[2]
