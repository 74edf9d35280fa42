"""Hooks for the workers of pytest-xdist that need no torch: what is sent to one, and what is heard from it."""

from __future__ import annotations

import importlib
import os
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gen_core.plugin.beginning import part_for_claims
from gen_core.plugin.identity import Identity
from gen_core.plugin.options import Options

TOLD = "gen_core"
"""Attribute of a worker's report with the record of its case, in JSON."""

_NAMED = pytest.StashKey[bool]()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One worker per GPU, since seeds are batched on it; xdist's own choice without a GPU or without claims."""
    return _gpus(config) or None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker which run it belongs to, and which GPU is its own."""
    sent, count = Identity.of(node.config).sent(), _gpus(node.config)
    if count:
        visible_gpu = importlib.import_module("gen_core.training.device").visible_gpu
        sent["gpu"] = visible_gpu(node.gateway.id, os.environ.get("CUDA_VISIBLE_DEVICES"), count)
    node.workerinput["gen_core"] = sent


def _gpus(config: pytest.Config) -> int:
    """Number of GPUs for claims; 0 where none of the files to be collected names gen_core, whose GPUs are not ours."""
    if Options.of(config).device == "cpu":
        return 0
    if _NAMED not in config.stash:
        config.stash[_NAMED] = any(b"gen_core" in file.read_bytes() for file in _to_be_collected(config))
    if not config.stash[_NAMED]:
        return 0
    return importlib.import_module("torch").cuda.device_count()  # counts without touching a device


def _to_be_collected(config: pytest.Config) -> Generator[Path]:
    for argument in config.args:
        path = Path(config.invocation_params.dir, str(argument).partition("::")[0])
        if path.is_file():
            yield path
        else:
            yield from (file for pattern in config.getini("python_files") for file in path.rglob(pattern))


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
