"""Pictures of a report's map and of a claim's page, for a README: by Chromium, as small as they can be."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path
from typing import Any

from .load import BadRecords

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
VIEW = {"width": 1280, "height": 800}
COLOURS = 64


def chromium() -> dict[str, Any] | None:
    """What Playwright starts this machine's Chromium with; None where there is none on the path."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    # Its sandbox does not work for root.
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return {"executable_path": found, "args": [*sandbox, "--disable-gpu"]} if found else None


def take_pictures(report: Path, page: str, folder: Path) -> Path:
    """Write `map.png` and `claim.png`, of 1280 by 800 pixels, in a palette of 64 colours.

    Args:
        report: folder of a report, the one with index.html.
        page: words of the claim's page: the first of `claims/` by name whose name has them is taken.
        folder: where the pictures go; made if it is not there.

    Returns:
        The folder.

    Raises:
        BadRecords: if there is no report or no such page, or no Chromium or Playwright.
        OSError: if the pictures cannot be written.
    """
    pages = sorted(path for path in (report / "claims").glob("*.html") if page in path.name)
    if not (report / "index.html").is_file() or not pages:
        raise BadRecords(f"{report}: no report with a page of {page!r} in claims; expected a folder with index.html")
    try:
        from PIL import Image
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise BadRecords(f"pictures need {error.name}; pip install playwright pillow") from error
    if (browser := chromium()) is None:
        raise BadRecords(f"pictures need a browser; expected one of {', '.join(BROWSERS)} on the path")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(**browser)
        for name, path in (("map.png", report / "index.html"), ("claim.png", pages[0])):
            shown = started.new_page(viewport=VIEW)  # type: ignore[arg-type]
            shown.goto(path.resolve().as_uri())
            picture = Image.open(io.BytesIO(shown.screenshot())).convert("RGB").quantize(COLOURS)
            picture.save(folder / name, optimize=True)
        started.close()
    return folder
