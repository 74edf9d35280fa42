"""Hooks for the workers of pytest-xdist once claims have been found."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from gen_core.plugin import progress, terminal
from gen_core.plugin.outcomes import properties
from gen_core.plugin.session import Session
from gen_core.plugin.signals import end_as_interrupted
from gen_core.records import ERROR, read_cases, read_run


def say_begun(config: pytest.Config) -> None:
    """Print the conditions of a run whose records a worker has begun, once."""
    ours = Session.of(config)
    end_as_interrupted(config)
    if progress.begin(config, ours.journal.progress):
        reporter: Any = config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None and reporter.verbosity >= 0:
            folder = ours.journal.folder
            for line in terminal.conditions(read_run(folder / "run.json"), len(read_cases(folder / "cases.json"))):
                if reporter.isatty():  # over xdist's line on its workers, which it writes again
                    reporter.rewrite(line, erase=True)
                    reporter.line("")
                else:
                    reporter.write_line(line)


def hear(config: pytest.Config, told: str) -> None:
    """Keep the record of a case that a worker has told."""
    Session.of(config).journal.hear(told)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Remove the progress file of a worker that has ended."""
    path = Session.of(node.config).journal.progress / f"{node.gateway.id}.json"
    with contextlib.suppress(OSError):
        path.unlink()


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(crashitem: str, report: pytest.TestReport, sched: Any) -> None:
    """Record the case that was running on a killed worker as an ERROR, with the reason."""
    journal = Session.of(sched.config).journal
    cases = read_cases(journal.folder / "cases.json") if journal.begun else []
    for record in cases:
        if record.nodeid == crashitem:
            record.verdict, record.reason = ERROR, "the worker process was killed or crashed while this case ran"
            journal.attempt(record)
            report.user_properties.extend(properties(record))
