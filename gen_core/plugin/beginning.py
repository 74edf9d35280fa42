"""What is done before a claim is found, without torch. The part of the plugin that works on claims is loaded then."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Generator
from pathlib import Path
from types import ModuleType

import pytest

from gen_core.errors import GenCoreError
from gen_core.plugin.engine import start_engine
from gen_core.plugin.identity import Identity
from gen_core.plugin.options import Options, on_worker

DECLARED_BY = "gen_core.declaration"
"""The module that a file with claims imports."""

CLAIMS = "gen_core.plugin.claims"


def part_for_claims(config: pytest.Config) -> ModuleType:
    """Register the part of the plugin that works on claims, which loads torch, and return it."""
    part = importlib.import_module(CLAIMS)
    if not config.pluginmanager.is_registered(part):
        config.pluginmanager.register(part, CLAIMS)
    return part


@pytest.fixture
def run(request: pytest.FixtureRequest) -> None:
    """The finished experiment of a claim; it is trained when the claim is called, look by look."""
    part_for_claims(request.config).set_up(request)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """See whether a file with claims was imported, and report a mistake in it in one line, with its location."""
    report = yield
    if DECLARED_BY in sys.modules:
        part_for_claims(collector.config)
    error = getattr(getattr(report, "call", None), "excinfo", None)
    if report.failed and error is not None and isinstance(error.value, GenCoreError):
        lines = [entry.lineno + 1 for entry in error.traceback if Path(entry.path) == collector.path]
        place = f"{collector.nodeid}:{lines[-1]}" if lines else collector.nodeid
        report.longrepr = f"{place}: {error.typename}: {error.value}"
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Load the part for claims where they are asked for, so that there is an answer even if there are none.

    An engine starts here, while workers collect.
    """
    if not Options.of(session.config).judges:
        part_for_claims(session.config)
    start_engine(session.config)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Close the records of workers that have begun some and then ended before anything of them was heard."""
    config = session.config
    if not on_worker(config) and not config.pluginmanager.has_plugin(CLAIMS) and Identity.of(config).begun:
        part_for_claims(config).pytest_sessionfinish(session, exitstatus)
