"""Hooks that this plugin offers."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.hookspec
def pytest_gen_core_finished(config: pytest.Config, records: Path, unwritten: list[str]) -> Path | None:
    """All records of a run are written; called on the process with the terminal.

    Args:
        config: pytest's configuration.
        records: the folder of the records.
        unwritten: to be extended by a line for each thing that cannot be written, with the option that moves it. It is
            printed at the end, and the run is not green.

    Returns:
        The path of a report made from them, to be printed at the very end of the run.
    """
