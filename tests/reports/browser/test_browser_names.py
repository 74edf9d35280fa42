"""Names with formulas in a browser: typeset without scripts and fonts of their own, and found as they are typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gen_core.records import PaperRecord, Statement
from reports.load import Loaded
from reports.render import page_name, render

PLAIN, NAME = "|Theta_1 - E Theta_1| / (n/d)", r"$\|\Theta_1 - \mathbb{E} \Theta_1\| / (n/d)$"
LOWERED = """(sub) => {
  const [letter, index] = [...sub.children].map((part) => part.getBoundingClientRect());
  return index.bottom > letter.bottom && index.height < letter.height && index.left >= letter.left;
}"""


@pytest.fixture
def report(run, case, tmp_path: Path) -> Path:
    measured = {"estimate": 0.1, "low": 0.05, "high": 0.15, "limits": [0.3], "direction": "at most"}
    cases = [
        case("kernel", "given", verdict="HOLDS", measured=PLAIN, typeset=NAME, **measured),
        case("other", "given", verdict="HOLDS", measured="R^2", **measured),
    ]
    cases[0].statements = ["1"]
    listed = [Statement("1", "section 1", r"The gap is of order $d^{-\alpha}$.")]
    run.papers = [PaperRecord(key="theory3", reference="Theory III", statements=listed)]
    return render(Loaded(run, cases), tmp_path / "report").parent


def test_an_index_is_set_below_its_letter_without_scripts_or_requests(open_page, report: Path) -> None:
    page = open_page(
        report / "claims" / page_name("claims/test_kernel.py::test_kernel[given]"), java_script_enabled=False
    )
    assert page.locator("math").count() == 2  # in the reason and in the facts
    assert page.locator("math msub").first.evaluate(LOWERED)
    assert "math" in page.locator("math").first.evaluate("(math) => getComputedStyle(math).display")
    assert (page.failures, len(page.requested)) == ([], 1)


def test_the_list_is_searched_by_what_an_author_types_and_by_what_a_reader_sees(open_page, report: Path) -> None:
    page = open_page(report / "cases.html")
    for typed in ("theta_1 - e theta_1", "Θ1−𝔼Θ1"):
        page.locator("[name=text]").fill(typed)
        assert page.locator("tr.case:visible td.value").count() == 1, typed
        assert page.locator("tr.case:visible math").get_attribute("alttext") == PLAIN


def test_the_map_says_it_in_plain_text(open_page, report: Path) -> None:
    page = open_page(report / "index.html")
    title = page.locator("a.tile").first.get_attribute("title")
    assert "The gap is of order d^-alpha." in title
    assert f"{PLAIN} 0.1 [0.05, 0.15]" in title
