"""Verdicts in pytest's reports: the word for a case, errors in one line, values in builtin types."""

from __future__ import annotations

import traceback
import unittest
from collections.abc import Generator
from pathlib import Path

import pytest

from gen_core.declaration import Case
from gen_core.errors import GenCoreError, Inconclusive, Refuted
from gen_core.plugin.nodes import TOLD
from gen_core.plugin.options import on_worker
from gen_core.plugin.session import Session, case_of
from gen_core.records import ERROR, HOLDS, INCONCLUSIVE, NOT_RUN, REFUTED, CaseRecord, standing, visible

RECORD = pytest.StashKey[CaseRecord]()
"""The record of a claim case's attempt, kept with its item."""


def state(record: CaseRecord) -> str:
    """A case's standing as shown on the terminal: the badge of its page, prefixed for controls."""
    badge = standing(record).badge
    return f"CONTROL {badge}" if record.control and record.verdict not in (None, NOT_RUN) else badge


def properties(record: CaseRecord) -> list[tuple[str, object]]:
    """A case's properties in pytest's own report, including JUnit XML."""
    numbers = {key: getattr(record, key) for key in ("estimate", "low", "high", "headroom")}
    values = {"state": state(record), "standing": standing(record).name, "verdict": record.verdict}
    values |= {"tolerance": record.tolerance, **numbers}
    return [(key, value) for key, value in values.items() if value not in (None, "")]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report errors of claims in one line, and send nothing but builtin types to xdist's controller."""
    report = yield
    case = case_of(item)
    if case is None:
        return report
    if report.when == "setup" and not report.passed and (RECORD not in item.stash or not item.stash[RECORD].verdict):
        report.user_properties += _not_begun(item, case, call)
    record = item.stash.get(RECORD, None)
    if record is None:
        return report
    if on_worker(item.config):
        setattr(report, TOLD, Session.of(item.config).journal.tell(record))
    report.user_properties = [(str(key), _builtin(value)) for key, value in report.user_properties]
    if report.when == "teardown":
        return report
    path, line, _ = report.location
    if report.failed and call.excinfo is not None and isinstance(call.excinfo.value, GenCoreError):
        at = [entry.lineno + 1 for entry in call.excinfo.traceback if Path(entry.path) == item.path]
        report.longrepr = f"{path}:{at[-1] if at else (line or 0) + 1}: {call.excinfo.typename}: {record.reason}"
    elif report.failed and record.verdict == HOLDS:
        report.longrepr = f"{path}:{(line or 0) + 1}: {record.reason}"
    elif report.skipped and record.verdict == NOT_RUN:
        report.longrepr = (str(item.path), (line or 0) + 1, f"NOT RUN: {record.reason}")
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """The category, letter and word for a case with a verdict."""
    reported = dict(report.user_properties) if isinstance(report, pytest.TestReport) else {}
    word = str(reported.get("state", ""))
    if not word or report.when == "teardown" or (report.when == "setup" and report.passed):
        return None
    if report.passed:
        return "passed", ".", word
    if report.skipped:
        other = {"not reproduced": ("not reproduced", "n"), "not run": ("skipped", "s")}
        category, letter = other.get(str(reported["standing"]), ("xfailed", "x"))
        return category, letter, word
    letter = {INCONCLUSIVE: "I", ERROR: "E", REFUTED: "R"}.get(str(reported["verdict"]), "F")
    return ("error" if report.when == "setup" else "failed"), letter, word


def _not_begun(item: pytest.Item, case: Case, call: pytest.CallInfo[None]) -> list[tuple[str, object]]:
    """Record a case that a mark or another fixture skipped, or that was not set up because another fixture failed."""
    ours = Session.of(item.config)
    item.stash[RECORD] = record = ours.record(item.nodeid, case)
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, (pytest.skip.Exception, unittest.SkipTest)):
        record.verdict, record.reason = NOT_RUN, visible(str(error))
    else:
        record.verdict = ERROR
        if error is not None:
            record.reason, record.traceback = one_line(error), claim_traceback(item, error)
    ours.journal.attempt(record)
    return properties(record)


def one_line(error: BaseException) -> str:
    """The message of an error in one line, with its type unless it is one of ours."""
    text = " ".join(visible(str(error)).split())
    return text if isinstance(error, (GenCoreError, Refuted, Inconclusive)) else f"{type(error).__name__}: {text}"


def claim_traceback(item: pytest.Item, error: BaseException) -> str:
    """The frames of an error's traceback in the claim's own file, or the claim's location if there are none."""
    path, line, _ = item.location
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == item.path]
    lines = [f"{path}:{frame.lineno}: in {frame.name}\n    {frame.line}" for frame in frames]
    return visible("\n".join([*(lines or [f"{path}:{(line or 0) + 1}: {item.name}"]), one_line(error)]))


def _builtin(value: object) -> object:
    if type(value) in (str, int, float, bool, type(None)):
        return value
    return float(value) if isinstance(value, float) else str(value)
