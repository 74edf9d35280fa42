"""The end of a run: close the records, print one line per case, and print the path of the report."""

from __future__ import annotations

from pathlib import Path

import pytest

from gen_core.lab import Store
from gen_core.plugin import progress, terminal
from gen_core.plugin.engine import end_engine
from gen_core.plugin.identity import utc_now
from gen_core.plugin.options import on_worker
from gen_core.plugin.pages import find_pages
from gen_core.plugin.session import Session
from gen_core.records import judged_as, unlike_their_claims, visible, worst_first

_LINES = pytest.StashKey[list[str]]()
_MADE = pytest.StashKey[list[str]]()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Close the records once all workers have ended, and let other plugins make reports from them.

    The exit status follows the records: a case that is not as expected makes the run red, whatever pytest has counted.
    """
    config = session.config
    if on_worker(config):
        return
    progress.end(config)
    said = end_engine(config)
    ours = Session.of(config)
    journal = ours.journal
    if not journal.begun:
        return
    cases = journal.outcome()
    red = sum(not case.as_expected for case in cases)
    lines = terminal.case_lines(worst_first(cases))
    otherwise = [
        f"error: {control.nodeid} is judged as {judged_as(control)}, which no setting of its claim is; expected the "
        "same measure, limits and form in both"
        for control in unlike_their_claims(cases)
    ]
    lines += otherwise
    if otherwise and not exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if red and not exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        lines.append(f"exit status 1: {red} not as expected, whatever pytest has counted")
    run = ours.begun_run()
    run.environment |= said
    journal.close(run, (utc_now() - ours.began).total_seconds(), int(session.exitstatus))
    missing = find_pages(config)
    made: list[Path] = config.hook.pytest_gen_core_finished(
        config=config, records=journal.folder, unwritten=journal.unwritten
    )
    if journal.unwritten and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    days = ours.options.store_days
    pruned = [] if days is None else [Store(config.rootpath / ours.options.store).prune(days)]
    repeat = [f"repeat with: {run.repeat}"] if run.fresh else []
    lines += [*terminal.conditions(run, len(cases)), *repeat, *journal.notes(), *pruned, journal.trained_in_words()]
    lines += [f"warning: figure of {case.nodeid}: {why}" for case in cases if (why := case.settings.get("figure"))]
    config.stash[_LINES] = lines + [
        f"warning: {line}; expected room there, or another folder" for line in journal.unwritten
    ]
    config.stash[_MADE] = [f"report: {path}" for path in made] or [*missing, f"records: {journal.folder}"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line per case, worst first, and the guarantee of the error budget."""
    lines = terminalreporter.config.stash.get(_LINES, [])
    if lines:
        terminalreporter.section("claims, worst first")
    for line in lines:
        terminalreporter.line(visible(line), yellow=line.startswith("warning: "))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Print the path of the report, or of the records, as the very last line."""
    for line in config.stash.get(_MADE, []):
        print(visible(line))
