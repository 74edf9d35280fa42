"""The list of cases in a browser: filter, order, deep links, keyboard, no request beyond the report."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from reports.changes import Change
from reports.load import load_run
from reports.render import page_name, render

WORST_FIRST = ["mlp", "mlp-true-labels", "resnet", "alexnet", "ridge", "lasso", "noisefree", "wide"]
WORST_FIRST += ["gd", "sgd", "gd-without-zero"]


def shown(page: Page) -> list[str]:
    return page.locator("tr.case:visible td.name a").all_inner_texts()


@pytest.fixture
def index(open_page, report: Path) -> Page:
    page = open_page(report / "cases.html")
    assert shown(page) == WORST_FIRST
    return page


def test_it_is_filtered_by_verdict_paper_and_text(index: Page) -> None:
    index.locator("[name=verdict]").select_option("refuted")
    assert shown(index) == ["ridge"]
    assert index.get_by_role("status").inner_text() == "1 shown"
    index.locator("[name=verdict]").select_option("attention")
    assert shown(index) == ["mlp", "mlp-true-labels", "resnet", "ridge", "lasso"]
    index.locator("[name=paper]").select_option("theory2b")
    assert shown(index) == ["ridge", "lasso"]
    index.locator("[name=text]").fill("RATE lasso")  # one word of the claim, one of the case
    assert shown(index) == ["lasso"]
    index.locator("[name=text]").fill("absent")
    assert shown(index) == []
    expect(index.get_by_text("No case fits this filter.")).to_be_visible()
    assert index.locator("tr.claim-head:visible").count() == 0


def test_it_is_sorted_by_columns_with_the_mouse_and_from_the_keyboard(index: Page) -> None:
    head = index.get_by_role("columnheader", name="Seeds")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    # Rows stay with their claim, which goes by its first row; what has no seeds comes last either way.
    assert shown(index) == ["mlp-true-labels", "mlp", "resnet", "alexnet", "noisefree", "ridge", "lasso",
                            "gd", "sgd", "gd-without-zero", "wide"]  # fmt: skip
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert shown(index)[:3] == ["lasso", "ridge", "noisefree"]
    head.get_by_role("button").press("Space")
    assert head.get_attribute("aria-sort") == "none"
    assert shown(index) == WORST_FIRST
    index.get_by_role("columnheader", name="Measured").get_by_role("button").click()
    measured = [float(t) for t in index.locator("tbody:first-of-type tr.case td.value b").all_inner_texts()]
    assert measured == sorted(measured) == [-2.1, -0.84, -0.51]
    assert index.get_by_role("columnheader", name="Against").get_attribute("aria-sort") is None


def test_the_address_keeps_filter_and_order(open_page, report: Path, served: str) -> None:
    for place in ((report / "cases.html").as_uri(), f"{served}/cases.html"):
        page = open_page(place)
        page.locator("[name=text]").fill("rate 1/n & <b>")
        page.locator("[name=text]").fill("rate 1/n")
        page.locator("[name=paper]").select_option("theory2b")
        page.get_by_role("columnheader", name="Headroom").get_by_role("button").click()
        page.get_by_role("columnheader", name="Case").get_by_role("button").dblclick()
        before = shown(page)
        assert before == ["ridge", "noisefree", "lasso"]
        again = open_page(page.url)
        assert shown(again) == before
        assert again.locator("[name=text]").input_value() == "rate 1/n"
        assert again.get_by_role("columnheader", name="Case").get_attribute("aria-sort") == "descending"
        again.evaluate("location.hash = '#verdict=holds&sort=nonsense&paper=absent'")
        expect(again.get_by_role("status")).to_have_text("2 shown")
        assert shown(again) == ["gd", "sgd"]
        page.get_by_role("link", name="noisefree").click()
        page.go_back()
        assert shown(page) == before


def test_it_is_used_from_the_keyboard(index: Page) -> None:
    index.keyboard.press("/")
    index.keyboard.type("decays")
    assert shown(index) == ["ridge", "lasso", "noisefree"]
    index.keyboard.type("/jk")  # letters in the box are text
    assert index.locator("[name=text]").input_value() == "decays/jk"
    index.locator("[name=text]").fill("decays")
    index.keyboard.press("Escape")
    for key, focused in (("j", "ridge"), ("j", "lasso"), ("j", "noisefree"), ("j", "noisefree"), ("k", "lasso")):
        index.keyboard.press(key)
        assert index.evaluate("document.activeElement.textContent") == focused
    index.keyboard.press("Enter")
    index.wait_for_url(f"**/{page_name('claims/test_rate.py::test_rate[lasso]')}")


def test_focus_goes_through_filter_columns_and_cases_in_reading_order(index: Page) -> None:
    seen = []
    index.get_by_role("link", name="RO-Crate").focus()
    for _ in range(12):
        index.keyboard.press("Tab")
        seen.append(index.evaluate("document.activeElement.name || document.activeElement.textContent.trim()"))
    columns = ["Verdict", "Case", "Measured, with interval", "Tolerance", "Headroom", "Seeds"]
    assert seen == ["verdict", "paper", "text", *columns, "mlp", "mlp-true-labels", "resnet"]


def test_without_scripts_it_is_complete(open_page, report: Path) -> None:
    page = open_page(report / "cases.html", java_script_enabled=False)
    assert page.locator("tr.case:visible").count() == len(WORST_FIRST)
    assert not page.locator("form").is_visible()
    assert page.locator("thead button").count() == 0


def test_changes_have_a_column_of_their_own(open_page, records: Path, tmp_path: Path, cases) -> None:
    told = {
        cases[0].nodeid: Change("fixed", "REFUTED 1 -> HOLDS 3.1e-15"),
        "claims/a.py::b[<i>]": Change("gone", "was HOLDS"),
    }
    page = open_page(render(load_run(records), tmp_path / "report", told).with_name("cases.html"))
    page.get_by_role("columnheader", name="Change").get_by_role("button").click()
    assert shown(page)[0] == "gd"
    assert page.locator("tr.case:visible td.change").first.inner_text() == "fixed\nREFUTED 1 -> HOLDS 3.1e-15"
    assert "Since the runs before: 1 gone, 1 fixed." in page.locator("header").inner_text()
    assert page.locator("i").count() == 0


@pytest.mark.parametrize(
    "name", ["index.html", "cases.html", "gallery.html", f"claims/{page_name('claims/test_norm.py::test_norm[gd]')}"]
)
def test_no_request_leaves_the_report(open_page, report: Path, served: str, name: str) -> None:
    for base in (report.as_uri(), served):
        page = open_page(f"{base}/{name}")
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        page.wait_for_load_state("networkidle")
        assert page.requested[0] == f"{base}/{name}"
        assert all(url.startswith(f"{base}/") for url in page.requested)
        assert page.failures == []
        if name == "gallery.html":
            assert len(page.requested) == 3
            assert page.evaluate("[...document.images].every((i) => i.complete && i.naturalWidth > 0)")
