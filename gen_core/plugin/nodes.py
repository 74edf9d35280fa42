"""Hooks for the workers of pytest-xdist that need no torch: what is sent to one, and what is heard from it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import pytest

from gen_core.plugin.beginning import part_for_claims
from gen_core.plugin.identity import Identity

TOLD = "gen_core"
"""Attribute of a worker's report with the record of its case, in JSON."""


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker which run it belongs to."""
    node.workerinput["gen_core"] = Identity.of(node.config).sent()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: Sequence[str]) -> None:
    """Print the conditions of the run once the first worker with claims has begun the records."""
    if Identity.of(node.config).begun:
        part_for_claims(node.config).say_begun(node.config)


@pytest.hookimpl(wrapper=True)
def pytest_report_from_serializable(
    config: pytest.Config, data: dict[str, Any]
) -> Generator[None, pytest.CollectReport | pytest.TestReport | None, pytest.CollectReport | pytest.TestReport | None]:
    """Keep the record that comes with a worker's report: at the end of the run it may not be on the disk."""
    report = yield
    if told := getattr(report, TOLD, ""):
        part_for_claims(config).hear(config, told)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, dict[str, Any] | None, Any]:
    """Escape what is no character in a worker's report, as in undecodable names of files: it could not be sent."""
    return _encodable((yield))


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return type(value)(map(_encodable, value)) if type(value) in (list, tuple) else value
