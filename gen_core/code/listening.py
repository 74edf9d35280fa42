"""What this process loads and opens, as the interpreter tells it by its audit events.

A module runs as its file was when it was loaded, which may have been edited since. And no source tells all files that
a function reads, such as through a library.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gen_core.code.locations import installed

OUTSIDE = frozenset(
    (
        "open",
        "os.listdir",
        "os.scandir",
        "os.system",
        "os.posix_spawn",
        "os.fork",
        "os.exec",
        "subprocess.Popen",
        "socket.connect",
        "socket.getaddrinfo",
        "sqlite3.connect",
        "urllib.Request",
        "mmap.__new__",
        "ctypes.dlopen",
    )
)
"""Events of what a function takes from elsewhere than its arguments."""

_since = time.time_ns()
_loaded: dict[str, tuple[int, int]] = {}
_ears: list[list[str]] = []
_loads = 0


def loads() -> int:
    """How many modules and libraries this process has begun to load: the same number, and there are no new ones."""
    return _loads


def stamp_of(path: Path | str) -> tuple[int, int]:
    """Time and size of a file, which an edit changes."""
    seen = os.stat(path)
    return seen.st_mtime_ns, seen.st_size


def is_as_loaded(path: Path) -> bool:
    """Whether the file of a loaded module is the one that was loaded, as far as its time and size tell."""
    stamp = stamp_of(path)
    if (known := _loaded.get(str(path))) is not None:
        return known == stamp
    return not _since < stamp[0] <= time.time_ns()  # loaded before this module was


@contextlib.contextmanager
def opened_outside() -> Iterator[list[str]]:
    """Collects what the code of the block opens, runs and asks for outside the process: what each is, in words.

    What gen_core itself opens for it, such as data and the store, is not among it, nor is the code that is imported.
    """
    heard: list[str] = []
    _ears.append(heard)
    try:
        yield heard
    finally:
        _ears[:] = [each for each in _ears if each is not heard]  # not by what they heard, which may be the same


def _hear(event: str, args: tuple[Any, ...]) -> None:
    global _loads
    if event in ("import", "ctypes.dlopen"):
        _loads += 1
    if event == "exec":
        code = args[0]
        if isinstance(code, types.CodeType) and code.co_name == "<module>" and code.co_filename.endswith(".py"):
            with contextlib.suppress(OSError, ValueError):
                _loaded[code.co_filename] = stamp_of(Path(code.co_filename))
    elif _ears and event in OUTSIDE and _is_told(event, args):
        for heard in _ears:
            heard.append(f"{event} {args[0] if args else ''}")


def _is_told(event: str, args: tuple[Any, ...]) -> bool:
    """Whether an event is by other code than gen_core's, and of no module that is imported or file of a library."""
    if event == "open" and isinstance(args[0], (str, bytes, os.PathLike)):
        path = Path(os.fsdecode(args[0]))
        if installed(path) or path.parts[:2] in (("/", "proc"), ("/", "sys")):
            return False
    frame = sys._getframe(2)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.partition(".")[0] == "gen_core":
            return False
        if name.startswith("importlib._bootstrap"):  # a module counts by its source, and by what its names stand for
            return False
        if not installed(Path(frame.f_code.co_filename)):
            return True
        frame = frame.f_back
    return True


sys.addaudithook(_hear)
