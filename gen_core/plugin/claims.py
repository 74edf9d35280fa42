"""The part of the plugin that works on claims: an index of its hooks. It is registered when a claim has been found."""

from __future__ import annotations

from gen_core.plugin.ending import pytest_sessionfinish, pytest_terminal_summary, pytest_unconfigure
from gen_core.plugin.judging import pytest_pyfunc_call, set_up
from gen_core.plugin.outcomes import pytest_report_teststatus, pytest_runtest_makereport
from gen_core.plugin.selection import (
    pytest_collection_finish,
    pytest_collection_modifyitems,
    pytest_report_collectionfinish,
    pytest_runtestloop,
)
from gen_core.plugin.workers import hear, pytest_handlecrashitem, pytest_testnodedown, say_begun

__all__ = [
    "hear",
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_handlecrashitem",
    "pytest_pyfunc_call",
    "pytest_report_collectionfinish",
    "pytest_report_teststatus",
    "pytest_runtest_makereport",
    "pytest_runtestloop",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "pytest_unconfigure",
    "say_begun",
    "set_up",
]
