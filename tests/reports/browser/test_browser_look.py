"""Pages as they look: wide and narrow, light and dark, nothing overlaps or scrolls sideways, contrast meets WCAG AA."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.changes import Change
from reports.load import load_run
from reports.render import page_name, render
from tests.browsing import needs_axe, violations

PAGES = {
    "map": "index.html",
    "paper": f"papers/{page_name('theory2b')}",
    "cases": "cases.html",
    "gallery": "gallery.html",
    "passing": f"claims/{page_name('claims/test_norm.py::test_norm[gd]')}",
    "control": f"claims/{page_name('claims/test_norm.py::test_norm[gd-without-zero]')}",
    "refuted": f"claims/{page_name('claims/test_rate.py::test_rate[ridge]')}",
    "inconclusive": f"claims/{page_name('claims/test_rate.py::test_rate[lasso]')}",
    "error": f"claims/{page_name('claims/test_fit.py::test_fit[mlp]')}",
    "not reproduced": f"claims/{page_name('claims/test_width.py::test_width[wide]')}",
}
OVERFLOWING = """() => {
  const page = document.documentElement;
  if (page.scrollWidth > page.clientWidth) return [`the page is ${page.scrollWidth} wide`];
  return [...document.querySelectorAll("body *")]
    .filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth)
    .filter((e) => !["auto", "scroll"].includes(getComputedStyle(e).overflowX))
    .filter((e) => !e.closest("svg, math, select, [hidden]") && getComputedStyle(e).display !== "inline")
    .map((e) => `${e.tagName}.${e.className}: ${e.scrollWidth} > ${e.clientWidth}`);
}"""
OVERLAPPING = """() => {
  const texts = [], range = document.createRange();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const aside = "svg, math, script, style, option, details:not([open]) > :not(summary)";
  for (let node; (node = walker.nextNode());) {
    const parent = node.parentElement;
    if (!node.data.trim() || parent.closest(aside)) continue;
    range.selectNodeContents(node);
    const about = { text: node.data.trim().slice(0, 40), box: parent.closest(".box, pre") };
    for (const r of range.getClientRects()) if (r.width > 1) texts.push({ r, ...about });
  }
  const found = [];
  for (let i = 0; i < texts.length; i++) for (let j = i + 1; j < texts.length; j++) {
    const a = texts[i], b = texts[j];
    if (a.box || b.box) continue; // what a box has scrolled out of sight is not drawn
    const wide = Math.min(a.r.right, b.r.right) - Math.max(a.r.left, b.r.left);
    const high = Math.min(a.r.bottom, b.r.bottom) - Math.max(a.r.top, b.r.top);
    if (wide > 1 && high > 4) found.push(`${a.text} | ${b.text}`);
  }
  return found;
}"""


@pytest.fixture
def report(records: Path, tmp_path: Path, cases) -> Path:
    """With a change in every kind of row, formulas in all names, and a formula wider than a telephone."""
    told = {case.nodeid: Change("changed", "REFUTED 0.51 [0.43, 0.58] -> HOLDS 0.42 [0.4, 0.44]") for case in cases}
    loaded = load_run(records)
    for case in loaded.cases:
        case.formula = (
            r"\frac{1}{n} \sum_{i=1}^{n} \left(f_t(x_i) - f_t^{\mathrm{lin}}(x_i)\right)^2 \leq c" + "+ d^{-1}" * 20
        )
        case.measured = "|Theta_1(T) - Theta_1(0)| / |Theta_1(0)|"
        case.typeset = r"$\|\Theta_1(T) - \Theta_1(0)\| / \|\Theta_1(0)\|$"
        if case.figure:
            case.figure.title = case.figure.panels[0].ylabel = rf"Gap {case.typeset}"
        case.traceback = (
            'claims/test_rate.py:31: in test_rate\n    expect(slope(run), "exponent").between(-1.2, -0.8)\nRefuted'
        )
    return render(loaded, tmp_path / "report", told).parent


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_are_readable(open_page, report: Path, width: int, scheme: str) -> None:
    for name, path in PAGES.items():
        page = open_page(report / path, viewport={"width": width, "height": 900}, color_scheme=scheme)
        assert (page.evaluate(OVERFLOWING), page.evaluate(OVERLAPPING)) == ([], []), name
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == {
            "light": "rgb(255, 255, 255)",
            "dark": "rgb(20, 23, 27)",
        }.get(scheme)


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_serious_violation_of_accessibility(open_page, report: Path, width: int, scheme: str) -> None:
    for name, path in PAGES.items():
        view = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
        page = open_page(report / path, bypass_csp=True, **view)
        assert violations(page) == [], name


@needs_axe
def test_a_page_of_grey_on_grey_has_a_violation(open_page, tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text("<p style='color:#aaa;background:#ccc'>faint", encoding="utf-8")
    assert any("color-contrast" in line for line in violations(open_page(tmp_path / "bad.html")))


def test_what_overlaps_or_sticks_out_is_found(open_page, tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text(
        "<p style='width:9999px'>wide</p><p style='height:0;margin:0'>one</p><p style='margin:0'>two", encoding="utf-8"
    )
    page = open_page(tmp_path / "bad.html")
    assert page.evaluate(OVERLAPPING) == ["one | two"]
    assert page.evaluate(OVERFLOWING)
