"""The map in a browser: all statements on one screen, filters, keys, addresses, and complete without scripts."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from fixtures import papers
from gen_core import Paper
from gen_core.records import CaseRecord, PaperRecord, RunRecord
from reports.load import Loaded
from reports.render import page_name, render
from tests.run_records import many_of

ALL = sorted((paper for paper in vars(papers).values() if isinstance(paper, Paper)), key=lambda paper: paper.key)
CASES = 3_000


@pytest.fixture
def theory(run: RunRecord) -> RunRecord:
    """A run of the five papers."""
    run.papers = [PaperRecord(key=p.key, reference=str(p), statements=list(p.statements)) for p in ALL]
    return run


@pytest.fixture
def index(theory: RunRecord, case, tmp_path: Path) -> Path:
    """Of one claim that holds, with its control, one that is refuted, and one that is not reproduced."""
    held = {"estimate": 0.1, "low": 0.05, "high": 0.15, "limits": [0.3], "direction": "at most", "verdict": "HOLDS"}
    beyond = held | {"estimate": 0.6, "low": 0.5, "high": 0.7, "verdict": "REFUTED"}
    cases = [
        case("kernel", "given", paper="hu2020", statements=["5"], measured="spectral gap", **held),
        case("kernel", "without", paper="hu2020", statements=["5"], kind="control", drops="wide", **beyond),
        case("start", "given", paper="li_liang2018", statements=["26"], **beyond),
        case("slope", "given", paper="puzzles2019", statements=["14"], not_reproduced="few points", **beyond),
    ]
    return render(Loaded(theory, cases), tmp_path / "report")


def shown(page: Page) -> list[tuple[str, str]]:
    """(paper, id) of the tiles that are to be seen."""
    return [
        tuple(one)
        for one in page.evaluate(
            """[...document.querySelectorAll(".theory:not([hidden]) li:not([hidden])")].map((item) =>
               [item.closest(".theory").dataset.paper, item.querySelector("b").textContent])"""
        )
    ]


def test_all_statements_stand_on_one_screen(open_page, index: Path) -> None:
    page = open_page(index, viewport={"width": 1280, "height": 800})
    assert len(shown(page)) == sum(len(paper.statements) for paper in ALL)
    bottoms = page.evaluate("[...document.querySelectorAll('.tile')].map((t) => t.getBoundingClientRect().bottom)")
    assert max(bottoms) <= 800
    assert index.stat().st_size < 300_000


def test_it_is_filtered_and_the_address_keeps_the_filter(open_page, index: Path) -> None:
    page = open_page(index)
    page.locator("[name=verdict]").select_option("attention")
    assert shown(page) == [("li_liang2018", "26")]
    page.locator("[name=verdict]").select_option("not reproduced")
    assert shown(page) == [("puzzles2019", "14")]
    page.locator("[name=verdict]").select_option("")
    page.locator("[name=text]").fill("spectral GAP")  # what is measured
    assert ("hu2020", "5") in shown(page)
    page.locator("[name=paper]").select_option("nakkiran2019")
    page.locator("[name=text]").fill("null model")
    assert {paper for paper, _ in shown(page)} == {"nakkiran2019"}
    again = open_page(page.url)
    assert shown(again) == shown(page)
    page.locator("[name=text]").fill("absent")
    expect(page.get_by_text("No statement fits this filter.")).to_be_visible()


def test_it_is_used_from_the_keyboard(open_page, index: Path) -> None:
    page = open_page(index)
    page.keyboard.press("/")
    page.keyboard.type("frobenius")
    page.keyboard.press("Escape")
    first = shown(page)[0]
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.querySelector('b').textContent") == first[1]
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/papers/{page_name(first[0])}#n{first[1]}")


def test_without_scripts_it_is_complete(open_page, index: Path) -> None:
    page = open_page(index, java_script_enabled=False)
    assert page.locator(".tile:visible").count() == sum(len(paper.statements) for paper in ALL)
    assert not page.locator("form").is_visible()


def test_thousands_of_cases_leave_it_small_and_whole(
    open_page, theory: RunRecord, cases: list[CaseRecord], tmp_path: Path
) -> None:
    many = many_of(cases, CASES)
    for k, one in enumerate(many):
        paper = ALL[k // 6 % len(ALL)]
        one.paper, one.statements = paper.key, [paper.statements[k // 6 % len(paper.statements)].id]
    index = render(Loaded(theory, many), tmp_path)
    assert index.stat().st_size < 300_000
    page = open_page(index)
    assert page.evaluate("document.readyState") == "complete"
    assert page.locator(".tile:visible").count() == sum(len(paper.statements) for paper in ALL)
    assert page.get_by_text(f"in {CASES} cases").is_visible()
    assert (page.failures, page.requested) == ([], [index.as_uri()])
