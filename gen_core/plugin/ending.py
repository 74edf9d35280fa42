"""The end of a run: close the records, print one line per case, and print the path of the report."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gen_core.plugin import progress, terminal
from gen_core.plugin.options import on_worker
from gen_core.plugin.session import Session
from gen_core.records import last_attempts, read_run, worst_first

_MADE = pytest.StashKey[list[str]]()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Close the records once all workers have ended, and let other plugins make reports from them."""
    config = session.config
    if on_worker(config):
        return
    progress.end(config)
    ours = Session.of(config)
    if not ours.journal.begun:
        return
    ours.journal.close(seconds=time.time() - ours.began, exit_status=int(exitstatus))
    folder = ours.journal.folder
    made: list[Path] = config.hook.pytest_gen_core_finished(config=config, records=folder)
    config.stash[_MADE] = [f"report: {path}" for path in made] or [f"records: {folder}"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line per case, worst first, and the guarantee of the error budget."""
    journal = Session.of(terminalreporter.config).journal
    if not journal.begun:
        return
    run = read_run(journal.folder / "run.json")
    terminalreporter.section("claims, worst first")
    for line in terminal.case_lines(worst_first(last_attempts(journal.folder)[0])):
        terminalreporter.line(line)
    for line in terminal.conditions(run):
        terminalreporter.line(line)
    if run.fresh:
        terminalreporter.line(f"repeat with: {run.repeat}")
    for note in journal.notes():
        terminalreporter.line(note)
    terminalreporter.line(f"trainings: {run.trainings}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Print the path of the report, or of the records, as the very last line."""
    for line in config.stash.get(_MADE, []):
        print(line)
