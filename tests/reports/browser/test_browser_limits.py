"""What makes an index of thousands of cases quick: a small page, one pass over its rows, no question about its layout.

How long it takes beside a page without a script is measured in `benchmarks/bench_report.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from reports.load import Loaded
from reports.render import render
from tests.run_records import many_of

COUNTED = """(() => {
  const counts = window.counts = { read: 0, layout: 0, hidden: 0, moved: 0 };
  const count = (owner, name, what, counted = () => true) => {
    const own = Object.getOwnPropertyDescriptor(owner, name);
    const kind = own.value ? "value" : own.set && what === "hidden" ? "set" : "get";
    const call = own[kind];
    own[kind] = function (...given) {
      if (counted(this)) counts[what] += 1;
      return call.apply(this, given);
    };
    Object.defineProperty(owner, name, own);
  };
  const part = (node) => node instanceof HTMLTableRowElement || node instanceof HTMLTableSectionElement;
  count(Node.prototype, "textContent", "read", part);
  count(HTMLElement.prototype, "hidden", "hidden", part);
  count(Element.prototype, "append", "moved", (node) => part(node) || node instanceof HTMLTableElement);
  for (const name of ["getBoundingClientRect", "getClientRects", "scrollIntoView", "checkVisibility",
                      "clientWidth", "clientHeight", "clientTop", "clientLeft",
                      "scrollWidth", "scrollHeight", "scrollTop", "scrollLeft"])
    count(Element.prototype, name, "layout");
  for (const name of ["offsetWidth", "offsetHeight", "offsetTop", "offsetLeft", "offsetParent", "innerText"])
    count(HTMLElement.prototype, name, "layout");
  count(window, "getComputedStyle", "layout");
})();"""
FILTERED = """(text) => {
  Object.keys(counts).forEach((name) => { counts[name] = 0; });
  const field = document.querySelector("[name=text]");
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  return counts;
}"""
NOTHING = {"read": 0, "layout": 0, "hidden": 0, "moved": 0}
CASES, CLAIMS = 300, 50


@pytest.fixture
def index(open_page, tmp_path: Path, run, cases) -> Page:
    """The index of many cases, six of a claim, which counts what its script does."""
    page = open_page("about:blank")
    page.add_init_script(COUNTED)
    page.goto(render(Loaded(run, many_of(cases, CASES)), tmp_path).with_name("cases.html").as_uri())
    return page


def test_it_is_opened_with_one_pass_over_its_rows(index: Page) -> None:
    assert index.evaluate("counts") == NOTHING | {"read": CASES + CLAIMS}


def test_its_filter_reads_no_row_and_touches_only_those_that_change(index: Page) -> None:
    assert index.evaluate(FILTERED, "case-7") == NOTHING | {"hidden": CASES - 11 + CLAIMS - 4}
    assert index.get_by_role("status").inner_text() == "11 shown"  # 7 and 70 to 79
    assert index.evaluate(FILTERED, "case-77") == NOTHING | {"hidden": 10 + 3}
    assert index.evaluate(FILTERED, "") == NOTHING | {"hidden": CASES - 1 + CLAIMS - 1}


def test_its_order_moves_each_row_once(index: Page) -> None:
    index.evaluate("Object.keys(counts).forEach((name) => { counts[name] = 0; })")
    index.get_by_role("columnheader", name="Seeds").get_by_role("button").evaluate("(button) => button.click()")
    assert index.evaluate("counts") == NOTHING | {"moved": CLAIMS + 1}


def test_a_case_is_a_few_nodes_and_a_few_bytes(index: Page, tmp_path: Path) -> None:
    assert index.evaluate("document.querySelectorAll('*').length") <= 25 * CASES
    assert (tmp_path / "cases.html").stat().st_size <= 1_500 * CASES
    assert index.evaluate("document.scripts.length") == 1
