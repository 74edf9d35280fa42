"""The gallery: papers and figures in order, shared figures once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reports.drawings import draw_all
from reports.gallery import gallery, order
from reports.rows import claims_of

PAPER = 'A. Author, "On toys", Venue ({year})'


@pytest.fixture
def chapters(case, figure):
    def of(claim: str, name: str, year: int, place: str, title: str, **more):
        shown = replace(figure, panels=[replace(figure.panels[0], title=title)])
        told = {"paper": f"toys{year}", "reference": PAPER.format(year=year), "place": place, "year": year}
        told |= {"title": f"Claim {claim}."}
        return case(claim, name, figure=shown, verdict="HOLDS", **told, **more)

    cases = [
        of("late", "x", 2020, "Theorem 1", "t"),
        of("late", "y", 2020, "section 2", "s"),
        of("ten", "x", 2018, "section 1 and Figure 10", "ten"),
        of("two", "x", 2018, "section 7 (3) and Figures 2 (b), 12", "two"),
        of("shared", "x", 2018, "section 3", "two"),
        of("one", "control", 2018, "Figure 1", "control", kind="control"),
        of("one", "given", 2018, "Figure 1", "one"),
        case("none", "x", verdict="HOLDS"),
    ]
    return gallery(claims_of(cases, {}), draw_all(cases))


def test_papers_stand_by_year_and_figures_by_number(chapters) -> None:
    assert [c.paper for c in chapters] == ["toys2018", "toys2020"]
    assert chapters[0].reference == 'A. Author, "On toys", Venue (2018)'
    assert [(g.titles, g.place) for g in chapters[0].groups] == [
        (["Claim one."], "Figure 1"),
        (["Claim shared.", "Claim two."], "section 7 (3) and Figures 2 (b), 12"),
        (["Claim ten."], "section 1 and Figure 10"),
    ]


def test_a_shared_figure_is_there_once_and_settings_come_before_controls(chapters) -> None:
    one, shared, _ = chapters[0].groups
    shown = [[row.case.case for rows in plate.claims.values() for row in rows] for plate in one.plates]
    assert shown == [["given"], ["control"]]
    (plate,) = shared.plates
    assert {title: len(rows) for title, rows in plate.claims.items()} == {"Claim two.": 1, "Claim shared.": 1}


def test_places_without_figures_come_by_section_then_by_words() -> None:
    ordered = ["Figures 2 (b), 9", "Figure 3", "sections 9.6 and 10", "section 10.1", "Claim 1", "Theorem 1"]
    assert sorted(set(ordered), key=order) == ordered
