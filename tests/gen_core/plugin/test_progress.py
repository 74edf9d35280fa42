"""The progress line, alone and on a terminal."""

from __future__ import annotations

import io
import os
import pty
import re
import struct
import subprocess
import sys
import time
from fcntl import ioctl
from termios import TIOCSWINSZ

import pytest

from gen_core.plugin.progress import ProgressFile, ProgressLine

SLOW = """
import time
from dataclasses import dataclass
from gen_core import Linear

@dataclass(frozen=True)
class Patient(Linear):
    def forward(self, params, X):
        time.sleep(0.01)
        return super().forward(params, X)

@claim(**{**TOY, "given": replace(clean, model=Patient(), steps=400)})
def test_slow(run):
    expect(loss(run), "loss").at_most(2)

@claim(**TOY)
def test_quick(run):
    expect(loss(run), "loss").at_most(2)
"""


def test_a_file_says_what_is_trained_and_not_too_often(tmp_path, monkeypatch):
    monkeypatch.setattr("gen_core.plugin.progress.INTERVAL", 1e9)  # however long this process has to wait
    file = ProgressFile(tmp_path / "progress" / "gw0.json")
    line = ProgressLine(file.path.parent, io.StringIO(), terminal=False)
    assert line.text(time.time()) == ""
    file("Linear on Points, 8 seeds", 0.25)
    file("Linear on Points, 8 seeds", 0.5)  # within the interval: not written
    assert re.fullmatch(r"gw0 25%, 10 of about 40 s: Linear on Points, 8 seeds", line.text(file._began + 10))
    file("another", 0.0)
    assert line.text(file._began + 3) == "gw0 0%, 3 s: another"
    (tmp_path / "progress" / "gw1.json").write_text("{half")
    assert line.text(file._began) == "gw0 0%, 0 s: another"
    file.clear()
    file.clear()
    assert line.text(time.time()) == ""


def test_a_line_is_drawn_below_the_cursor_and_taken_away(tmp_path):
    out = io.StringIO()
    line = ProgressLine(tmp_path, out, terminal=True)
    line.wipe()
    assert out.getvalue() == ""
    ProgressFile(tmp_path / "main.json")("Linear", 0.0)
    line.start()
    while not out.getvalue():
        time.sleep(0.05)
    line.stop()
    assert re.fullmatch(r"main 0%, \d+ s: Linear", screen(out.getvalue().split("\x1b8")[0], 40)[1])
    assert screen(out.getvalue(), 40) == ["", ""]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_terminal_shows_what_is_trained_and_keeps_its_own_lines_whole(suite, workers):
    suite.claims(SLOW)
    shown = _on_a_terminal(suite.pytester.path, "-v", "-n", workers)

    name = r"gw\d" if workers == "2" else "main"
    frames = re.findall(rf"{name} \d+%, \d+ of about \d+ s: Patient on Points, GD, 8 seeds", shown)
    assert frames
    final = screen(shown, 160)
    assert not [line for line in final if "of about" in line]
    outcomes = [line for line in final if "test_claims.py::" in line and "%]" in line]
    assert len(outcomes) == 4
    where = (
        r"\[gw\d\] \[ *\d+%\] [A-Z ]+ test_claims.py::\S+ *"
        if workers == "2"
        else r"test_claims.py::\S+ [A-Z ]+.*\[ *\d+%\]"
    )
    assert all(re.fullmatch(where, line) for line in outcomes), outcomes


def _on_a_terminal(folder, *arguments: str) -> str:
    """What a run of pytest writes to a terminal of 160 columns."""
    ours, its = pty.openpty()
    ioctl(its, TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", *arguments]
    process = subprocess.Popen(
        command, cwd=folder, stdin=its, stdout=its, stderr=its, env=os.environ | {"TERM": "xterm"}
    )
    os.close(its)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 0, shown.decode()
    return shown.decode()


def screen(text: str, columns: int) -> list[str]:
    """The lines of a terminal after these characters, for the few controls that a run uses; long lines are cut."""
    lines, row, column, saved = [""], 0, 0, (0, 0)
    for part in re.findall(r"\x1b\[[\d;?]*[A-Za-z]|\x1b.|[\r\n]|[^\x1b\r\n]+", text):
        if part == "\r":
            column = 0
        elif part in ("\n", "\x1bD", "\x1b[B"):
            row += 1
        elif part == "\x1b[A":
            row -= 1
        elif part == "\x1b7":
            saved = (row, column)
        elif part == "\x1b8":
            row, column = saved
        elif part == "\x1b[2K":
            lines[row] = ""
        elif not part.startswith("\x1b"):
            line = lines[row].ljust(column)
            lines[row] = line[:column] + part + line[column + len(part) :]
            column += len(part)
        lines += [""] * (row + 1 - len(lines))
    return [line[:columns] for line in lines]
