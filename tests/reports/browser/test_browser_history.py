"""Pages over runs as they look, with a case that drifts: wide and narrow, light and dark."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from reports import history
from reports.load import Loaded
from reports.publish import publish
from tests.browsing import AXE, violations
from tests.reports.browser.test_browser_look import OVERFLOWING, OVERLAPPING


@pytest.fixture
def report(tmp_path: Path, run, cases) -> Path:
    """Forty nights of a run with a case of every standing, the last ten two standard deviations lower."""
    rng = np.random.default_rng(1)
    for night in range(40):
        started = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=night)).isoformat()
        drawn = [rng.normal(c.estimate - 2 * (night >= 30), 1, 8).tolist() if c.values else [] for c in cases]
        tonight = [replace(c, values=v, figure=None) for c, v in zip(cases, drawn, strict=True)]
        loaded = Loaded(replace(run, run=f"n{night}", started=started, seeds_from=night), tonight)
        history.append(tmp_path / "h", loaded)
    return publish(loaded, tmp_path / "report", tmp_path / "h", tmp_path / "none").parent


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_over_runs_are_readable(open_page, report: Path, width: int, scheme: str) -> None:
    paths = sorted((report / "history").iterdir())
    assert len(paths) == 5
    for path in paths:
        view = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
        page = open_page(path, bypass_csp=True, **view)
        assert (page.evaluate(OVERFLOWING), page.evaluate(OVERLAPPING)) == ([], []), path.name
        assert not AXE.is_file() or violations(page) == [], path.name


def test_a_drift_is_listed_first_and_drawn_on_the_page_that_the_list_leads_to(open_page, report: Path) -> None:
    page = open_page(report / "history" / "index.html", viewport={"width": 1280, "height": 900})
    listed = page.locator("section[aria-labelledby=drifting] li", has_text="ridge")
    expect(listed).to_contain_text("down by")
    assert page.locator("section").first.get_attribute("aria-labelledby") == "drifting"
    listed.get_by_role("link").click()
    of_case = page.locator("main section", has=page.get_by_role("heading", name="ridge"))
    expect(of_case.locator(".notice")).to_contain_text("Drift alarm: down by")
    sums = of_case.get_by_role("img", name="Sums of drift, 1 alarm")
    expect(sums).to_contain_text("▼")
    # In both pictures, above each other, from the shift to the last night.
    shaded = of_case.locator("rect.drift")
    (x1, w1), (x2, w2) = [(box["x"], box["width"]) for box in (shaded.nth(k).bounding_box() for k in range(2))]
    assert (x1, w1) == (pytest.approx(x2, abs=0.5), pytest.approx(w2, abs=0.5))
    assert w1 == pytest.approx(sums.bounding_box()["width"] * 406 / 480 / 4, rel=0.02)
