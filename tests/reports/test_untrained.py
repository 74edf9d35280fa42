"""Pages of what is drawn or computed, and never trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.failure import nearest
from reports.load import Loaded, load_run
from reports.render import render
from reports.rows import page_name
from tests.reports.markup import Page

TRAINED = ("rule:", "loss:", "rate", "steps", "checkpoints", "Seeds trained for it", "What is not in the store")


@pytest.mark.parametrize(
    ("work", "told", "model"),
    [
        ("trained", "", True),
        ("drawn", "Drawn, not trained.", True),
        ("computed", "Computed from the data alone.", False),
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


UNTRAINED = """
from gen_core import Arms

drawn = replace(clean, steps=0, rule=None, loss=None)
computed = replace(drawn, model=None)

@claim(**{**TOY, "given": {"drawn": drawn, "computed": computed, "mixed": Arms(a=drawn, b=computed),
                           "both": Arms(a=clean, b=drawn)}})
def test_untrained(run):
    expect(torch.ones(8), "one").always_at_most(2)
"""


def test_what_is_only_drawn_or_computed_is_told_of_no_training(suite, tmp_path):
    suite.claims(UNTRAINED)
    suite.run()
    cases = suite.cases
    said = {name: cases[f"test_untrained[{name}]"] for name in ("drawn", "computed", "mixed", "both")}
    assert {name: case.work for name, case in said.items()} == {
        "drawn": "drawn",
        "computed": "computed",
        "mixed": "drawn",
        "both": "trained",
    }
    assert {name: sorted(case.settings) for name, case in said.items()} == {
        "drawn": [],
        "computed": [],
        "mixed": [],
        "both": ["a ended", "a steps"],
    }
    near = nearest(said["drawn"], [said["computed"]])
    assert near is not None
    assert {one.field.split(".")[1] for one in near.differences} == {"model"}

    render(load_run(suite.folder), tmp_path)
    pages = {name: Page(tmp_path / "claims" / page_name(case.nodeid)).text for name, case in said.items()}
    told = ("Drawn, not trained.", "Computed from the data alone.", "rule:", "loss:", "Seeds trained")
    assert {name: [words for words in told if words in page] for name, page in pages.items()} == {
        "drawn": ["Drawn, not trained."],
        "computed": ["Computed from the data alone."],
        "mixed": ["Drawn, not trained."],
        "both": ["rule:", "loss:", "Seeds trained"],
    }
    assert "model:" not in pages["computed"]
