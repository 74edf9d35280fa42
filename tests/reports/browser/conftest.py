"""The system's Chromium, driven by Playwright: one browser per process, a fresh context per page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from reports.load import load_run
from reports.render import render
from reports.shots import BROWSERS, chromium

Open = Callable[..., Page]
PATIENCE = 300_000  # ms until a page that hangs is given up, on a machine of any speed
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = chromium()
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the path")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(**found, timeout=PATIENCE)
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open an address or a file; `page.requested` has what it asked for, `page.failures` what went wrong."""
    contexts = []

    def opened(address: str | Path, **settings: Any) -> Page:
        contexts.append(browser.new_context(**settings))
        contexts[-1].set_default_timeout(PATIENCE)
        page = contexts[-1].new_page()
        page.requested, page.failures = [], []  # type: ignore[attr-defined]
        page.on("request", lambda request: page.requested.append(request.url))  # type: ignore[attr-defined]
        page.on("pageerror", lambda error: page.failures.append(str(error)))  # type: ignore[attr-defined]
        page.on("console", lambda said: page.failures.append(said.text) if said.type == "error" else None)  # type: ignore[attr-defined]
        page.goto(address.as_uri() if isinstance(address, Path) else address)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def report(records: Path, tmp_path: Path) -> Path:
    """The report of a run with a case of every standing."""
    return render(load_run(records), tmp_path / "report").parent


class Quiet(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/favicon.ico":  # browsers ask every server for it
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def served(report: Path) -> Iterator[str]:
    """The address of the same report on a local web server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(report)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()
