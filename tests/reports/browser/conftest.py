"""Reports to be opened in a browser, as files and from a web server."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import expect

from reports.load import load_run
from reports.render import render
from tests.browsing import PATIENCE

expect.set_options(timeout=PATIENCE)


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
