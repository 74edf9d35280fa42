"""What the record of a case says that trains nothing."""

from __future__ import annotations

from types import SimpleNamespace

from gen_core.plugin.session import work_of

DRAWN = """
from gen_core import Arms

@claim(**{**TOY, "given": {"drawn": replace(clean, steps=0), "both": Arms(a=clean, b=replace(clean, steps=0))}})
def test_drawn(run):
    expect(torch.ones(8), "one").always_at_most(2)
"""


def test_what_is_only_drawn_is_told_of_no_training(suite):
    suite.claims(DRAWN)
    suite.run()
    drawn, both = (suite.cases[f"test_drawn[{name}]"] for name in ("drawn", "both"))
    assert (drawn.work, drawn.settings) == ("drawn", {})
    assert (both.work, sorted(both.settings)) == ("trained", ["a ended", "a steps"])


def test_what_has_no_model_is_computed():
    bare, drawn, trained = (SimpleNamespace(steps=steps, model=model) for steps, model in ((0, None), (0, 1), (9, 1)))
    assert [work_of([one]) for one in (bare, drawn, trained)] == ["computed", "drawn", "trained"]
    assert [work_of([bare, one]) for one in (drawn, trained)] == ["drawn", "trained"]
