"""The progress line: each process writes its progress to a small file, and the one with the terminal shows them all."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import pytest

INTERVAL = 0.5
QUIET_INTERVAL = 30.0
_NAME = "gen_core_progress"


@dataclass
class ProgressFile:
    """The progress file of one process. Calling it is cheap enough for a training loop.

    Attributes:
        path: the file; it exists while something is being trained.
    """

    path: Path
    _written: float = 0.0
    _what: str = ""
    _began: float = 0.0

    def __call__(self, what: str, share: float) -> None:
        """Write what is being trained and the share of it that is done."""
        now = time.time()
        if what != self._what:
            self._what, self._began, self._written = what, now, 0.0
        if now - self._written < INTERVAL and share < 1:
            return
        self._written = now
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps({"what": what, "share": share, "began": self._began}), encoding="utf-8")
        os.replace(part, self.path)

    def clear(self) -> None:
        """Remove the file once nothing is being trained."""
        self._what = ""
        self.path.unlink(missing_ok=True)


@dataclass
class ProgressLine:
    """Shows the progress files of a run: one line below the output on a terminal, an occasional line elsewhere.

    Attributes:
        folder: folder of the progress files.
        out: stream to show them on.
        terminal: whether the stream supports cursor movements.
    """

    folder: Path
    out: TextIO
    terminal: bool
    _shown: bool = False
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Start showing the line."""
        self._thread = threading.Thread(target=self._show, name="gen-core progress", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop, and remove the line."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self.wipe()

    def wipe(self) -> None:
        """Clear the line, before something else is printed."""
        with self._lock:
            if self._shown:
                self._below("")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """Clear the line before pytest prints a file's or a test's name."""
        self.wipe()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self) -> None:
        """Clear the line before pytest prints an outcome."""
        self.wipe()

    def text(self, now: float) -> str:
        """What is being trained: how far, elapsed and expected time, per process."""
        parts = []
        for path in sorted(self.folder.glob("*.json")):
            try:
                status = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue  # replaced or removed at this moment
            elapsed, share = now - status["began"], status["share"]
            expected = f" of about {elapsed / share:.0f}" if share > 0.01 else ""
            parts.append(f"{path.stem} {share:.0%}, {elapsed:.0f}{expected} s: {status['what']}")
        return " | ".join(parts)

    def _show(self) -> None:
        while not self._over.wait(INTERVAL if self.terminal else QUIET_INTERVAL):
            text = self.text(time.time())
            with self._lock:
                if self.terminal and (text or self._shown):
                    self._below(text[: _columns(self.out) - 1])
                elif text:
                    self.out.write(f"\n{text}\n")
                    self.out.flush()

    def _below(self, text: str) -> None:
        # Make room for a line below the cursor, write there, and return, so that pytest's own line stays intact.
        self.out.write(f"\x1bD\x1b[A\x1b7\x1b[B\r\x1b[2K{text}\x1b8")
        self.out.flush()
        self._shown = bool(text)


def begin(config: pytest.Config, folder: Path) -> bool:
    """Show the progress files of a folder until `end`; False if shown already, or without a terminal reporter."""
    manager = config.pluginmanager
    if manager.hasplugin(_NAME) or not manager.hasplugin("terminalreporter"):
        return False
    out = _beside(config)
    line = ProgressLine(folder, out, terminal=out.isatty() and os.environ.get("TERM") != "dumb")
    manager.register(line, _NAME)
    line.start()
    return True


def _beside(config: pytest.Config) -> TextIO:
    """A stream of our own to the terminal, since pytest captures its own while a test runs."""
    writer = config.get_terminal_writer()._file
    try:
        return open(os.dup(writer.fileno()), "w", encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    except (AttributeError, OSError, ValueError):  # printed to something that is not a file
        return open(os.devnull, "w", encoding="utf-8")


def end(config: pytest.Config) -> None:
    """Remove the progress line."""
    line = config.pluginmanager.unregister(name=_NAME) if config.pluginmanager.hasplugin(_NAME) else None
    if isinstance(line, ProgressLine):
        line.stop()
        line.out.close()


def _columns(out: TextIO) -> int:
    try:
        return os.get_terminal_size(out.fileno()).columns
    except (OSError, ValueError):
        return 80
