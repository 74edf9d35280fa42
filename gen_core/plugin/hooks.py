"""Hooks that this plugin offers."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.hookspec
def pytest_gen_core_finished(config: pytest.Config, records: Path) -> Path | None:
    """All records of a run are written; called on the process with the terminal.

    Returns:
        The path of a report made from them, to be printed at the very end of the run.
    """
