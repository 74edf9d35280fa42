"""Figures drawn once each, by one process or several, to the same bytes."""

from __future__ import annotations

from dataclasses import replace

from gen_core.records import Curve, Figure
from reports.drawings import draw_all


def test_cases_with_the_same_figure_share_a_drawing(case, figure: Figure) -> None:
    cases = [case("norm", "gd", figure=figure), case("norm", "sgd", figure=replace(figure)), case("norm", "none")]
    drawn = draw_all(cases)
    assert set(drawn) == {cases[0].nodeid, cases[1].nodeid}
    assert drawn[cases[0].nodeid] is drawn[cases[1].nodeid]
    assert drawn[cases[0].nodeid].files == [f"{drawn[cases[0].nodeid].name}-{place}.svg" for place in (1, 2)]


def test_a_figure_that_cannot_be_drawn_is_said(case, figure: Figure, monkeypatch) -> None:
    def broken(_: Figure) -> list[str]:
        raise ValueError("no room")

    monkeypatch.setattr("reports.drawings.draw", broken)
    (drawing,) = draw_all([case("norm", "gd", figure=figure)]).values()
    assert (drawing.panels, drawing.defect) == ([], "The figure could not be drawn: no room")


def test_many_figures_are_drawn_by_several_processes_to_the_same_bytes(case, figure: Figure, monkeypatch) -> None:
    wrong = replace(figure, panels=[replace(figure.panels[0], curves=[Curve(x=["a"], y=[1.0])])])  # type: ignore[list-item]
    cases = [case("norm", name, figure=replace(f)) for name, f in {"gd": figure, "same": figure, "bad": wrong}.items()]
    alone = draw_all(cases)
    monkeypatch.setattr("reports.drawings.MANY", 1)
    assert draw_all(cases) == alone
    assert [bool(alone[c.nodeid].defect) for c in cases] == [False, False, True]
