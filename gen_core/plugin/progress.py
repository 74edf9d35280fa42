"""The progress line: workers write what they train to small files, the process with the terminal shows them."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

INTERVAL = 0.5
QUIET_INTERVAL = 30.0


@dataclass
class ProgressFile:
    """Where one process says what it trains. `update` is cheap enough for a training loop."""

    path: Path
    _written: float = 0.0
    _what: str = ""
    _began: float = 0.0

    def update(self, what: str, share: float) -> None:
        """Say what is trained and which share of it is done."""
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
        """Nothing is trained now."""
        self._what = ""
        self.path.unlink(missing_ok=True)


@dataclass
class ProgressLine:
    """Shows the progress files of a run: one line below the output on a terminal, a line now and then elsewhere."""

    folder: Path
    out: TextIO
    terminal: bool
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to show."""
        self._thread = threading.Thread(target=self._show, name="gen-core progress", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take the line away and end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self.wipe()

    def wipe(self) -> None:
        """Clear the line, before something else is printed."""
        if self.terminal:
            self._below("")

    def _show(self) -> None:
        while not self._stop.wait(INTERVAL if self.terminal else QUIET_INTERVAL):
            text = self.text(time.time())
            if self.terminal:
                self._below(text[: max(20, _columns(self.out) - 1)])
            elif text:
                self.out.write(f"\n{text}\n")
                self.out.flush()

    def text(self, now: float) -> str:
        """What is being trained: how far, elapsed and expected time, per process."""
        parts = []
        for path in sorted(self.folder.glob("*.json")):
            try:
                told = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue  # replaced or removed at this moment
            elapsed, share = now - told["began"], told["share"]
            expected = f" of about {elapsed / share:.0f} s" if share > 0.01 else ""
            done = f", {share:.0%}" if share > 0 else ""
            parts.append(f"{path.stem}: {told['what']}{done}, {elapsed:.0f} s{expected}")
        return " | ".join(parts)

    def _below(self, text: str) -> None:
        # Make room for a line below the cursor, write there, and come back: pytest's own line stays whole.
        self.out.write(f"\x1bD\x1b[A\x1b7\x1b[B\r\x1b[2K{text}\x1b8")
        self.out.flush()


def _columns(out: TextIO) -> int:
    try:
        return os.get_terminal_size(out.fileno()).columns
    except (OSError, ValueError):
        return 80
