"""Renders the report at the end of a run: the link between the records of `gen_core` and this package."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_gen_core_finished(config: pytest.Config, records: Path) -> Path | None:
    """Render the run's records into `--report-dir`; returns the path of the index, or None if that failed.

    A report that cannot be rendered costs one line of warning, never the run: its records are there already.
    """
    try:
        # Only here, so that workers and runs that end early do not wait for matplotlib.
        from reports.load import load
        from reports.render import render

        return render(load(records), config.invocation_params.dir / str(config.getoption("report_dir")))
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        config.get_terminal_writer().line(f"warning: no report of {records}: {reason}", yellow=True)
        return None
