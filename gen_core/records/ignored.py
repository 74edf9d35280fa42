"""Folders that a run makes for itself, which git is to leave alone."""

from __future__ import annotations

from pathlib import Path


def make_ignored(folder: Path) -> None:
    """Create a folder, with a `.gitignore` in the uppermost one that was not there; one that is there stays as it is.

    Raises:
        OSError: if it cannot be created.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    if missing:
        (missing[-1] / ".gitignore").write_text("*\n", encoding="utf-8")
