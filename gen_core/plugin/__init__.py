"""The pytest plugin. This index names what it offers before a claim is found; `gen_core.plugin.claims` names the rest.

Everything here is loaded at every start of pytest, so nothing here loads torch, scipy or numpy.
"""

from __future__ import annotations

import pytest

from gen_core.plugin import hooks
from gen_core.plugin.beginning import pytest_collection, pytest_make_collect_report, pytest_sessionfinish, run
from gen_core.plugin.nodes import (
    pytest_configure_node,
    pytest_report_from_serializable,
    pytest_report_to_serializable,
    pytest_xdist_node_collection_finished,
)
from gen_core.plugin.options import pytest_addoption, pytest_cmdline_main, pytest_configure

__all__ = [
    "pytest_addhooks",
    "pytest_addoption",
    "pytest_cmdline_main",
    "pytest_collection",
    "pytest_configure",
    "pytest_configure_node",
    "pytest_make_collect_report",
    "pytest_report_from_serializable",
    "pytest_report_to_serializable",
    "pytest_sessionfinish",
    "pytest_xdist_node_collection_finished",
    "run",
]


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Let other plugins learn when the records of a run are complete."""
    pluginmanager.add_hookspecs(hooks)
