"""The pytest plugin. This index names every hook and fixture that it offers to pytest, by the module that holds it."""

from __future__ import annotations

import pytest

from gen_core.plugin import hooks
from gen_core.plugin.ending import pytest_sessionfinish, pytest_terminal_summary, pytest_unconfigure
from gen_core.plugin.judging import pytest_pyfunc_call, run
from gen_core.plugin.options import pytest_addoption, pytest_cmdline_main, pytest_configure
from gen_core.plugin.outcomes import (
    pytest_make_collect_report,
    pytest_report_teststatus,
    pytest_runtest_makereport,
)
from gen_core.plugin.selection import (
    pytest_collection_finish,
    pytest_collection_modifyitems,
    pytest_report_collectionfinish,
    pytest_runtestloop,
)
from gen_core.plugin.workers import (
    pytest_configure_node,
    pytest_handlecrashitem,
    pytest_report_from_serializable,
    pytest_report_to_serializable,
    pytest_testnodedown,
    pytest_xdist_auto_num_workers,
    pytest_xdist_node_collection_finished,
)

__all__ = [
    "pytest_addhooks",
    "pytest_addoption",
    "pytest_cmdline_main",
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_configure_node",
    "pytest_handlecrashitem",
    "pytest_make_collect_report",
    "pytest_pyfunc_call",
    "pytest_report_collectionfinish",
    "pytest_report_from_serializable",
    "pytest_report_teststatus",
    "pytest_report_to_serializable",
    "pytest_runtest_makereport",
    "pytest_runtestloop",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "pytest_unconfigure",
    "pytest_xdist_auto_num_workers",
    "pytest_xdist_node_collection_finished",
    "run",
]


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Let other plugins learn when the records of a run are complete."""
    pluginmanager.add_hookspecs(hooks)
