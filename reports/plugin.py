"""Renders the report at the end of a run: the link between the records of `gen_core` and this package."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from .history import BadHistory, default_history


@pytest.hookimpl(optionalhook=True)
def pytest_gen_core_finished(config: pytest.Config, records: Path, unwritten: list[str]) -> Path | None:
    """Append the run to `--history` and render it into `--report-dir`; returns the index, or None if that failed.

    A history that cannot be used, and a report that cannot be rendered, cost one line each, never the run: its records
    are there already. Where a disk is full, the line goes to `unwritten`, and the run is not green.
    """
    try:
        # Imported here, so that workers and runs that end early do not wait for matplotlib.
        from .load import load_run
        from .publish import publish
        from .spreads import PLACE as EVIDENCE

        given, here = config.getoption("history"), config.invocation_params.dir
        loaded, folder = load_run(records), here / str(config.getoption("report_dir"))
        kept, evidence = here / given if given else default_history(config.rootpath), config.rootpath / EVIDENCE
        try:
            return publish(loaded, folder, kept, evidence)
        except BadHistory as error:
            if _full(error):
                unwritten.append(f"--history {kept}: the run is not in it ({_reason(error.__cause__)})")
            else:
                _warn(config, f"the run is not in the history: {error}")
            return publish(loaded, folder, None)
        finally:
            for problem in loaded.problems:
                _warn(config, f"left out: {problem}")
    except Exception as error:
        if _full(error):
            unwritten.append(f"--report-dir {config.getoption('report_dir')}: no report ({_reason(error)})")
        else:
            _warn(config, f"no report of {records}: {' '.join(str(error).split()) or type(error).__name__}")
        return None


def _full(error: BaseException) -> bool:
    """Whether a disk is full; SQLite says so in words."""
    code = getattr(error.__cause__ or error, "errno", None)
    return code in (errno.ENOSPC, errno.EDQUOT) or "full" in str(error.__cause__)


def _reason(error: BaseException | None) -> str:
    return getattr(error, "strerror", None) or str(error)


def _warn(config: pytest.Config, text: str) -> None:
    config.get_terminal_writer().line(f"warning: {text}", yellow=True)
