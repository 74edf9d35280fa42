"""Hooks for runs under pytest-xdist."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from gen_core.plugin import progress, terminal
from gen_core.plugin.options import Options
from gen_core.plugin.outcomes import TOLD, properties
from gen_core.plugin.session import Session
from gen_core.plugin.signals import end_as_interrupted
from gen_core.records import ERROR, read_cases, read_run
from gen_core.training import device


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One worker per GPU, since seeds are batched on it; xdist's own choice without a GPU or without claims."""
    return _gpus(config) or None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker which run it belongs to, and which GPU is its own."""
    sent: dict[str, Any] = Session.of(node.config).sent()
    count = _gpus(node.config)
    if count:
        sent["gpu"] = device.visible_gpu(node.gateway.id, os.environ.get("CUDA_VISIBLE_DEVICES"), count)
    node.workerinput["gen_core"] = sent


def _gpus(config: pytest.Config) -> int:
    """Number of GPUs for claims; 0 where none of the files to be collected names gen_core, whose GPUs are not ours."""
    if Options.of(config).device == "cpu" or not torch.cuda.device_count():  # counts without touching a device
        return 0
    paths = [Path(config.invocation_params.dir, str(argument).partition("::")[0]) for argument in config.args]
    patterns = config.getini("python_files")
    files = [f for path in paths for f in ([path] if path.is_file() else (g for p in patterns for g in path.rglob(p)))]
    return torch.cuda.device_count() if any(b"gen_core" in file.read_bytes() for file in files) else 0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: Sequence[str]) -> None:
    """Print the conditions of the run once the first worker with claims has begun the records."""
    ours = Session.of(node.config)
    if ours.journal.begun:
        end_as_interrupted(node.config)
    if ours.journal.begun and progress.begin(node.config, ours.journal.progress):
        reporter = node.config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None and reporter.verbosity >= 0:
            for line in terminal.conditions(read_run(ours.journal.folder / "run.json")):
                if reporter.isatty():  # over xdist's line on its workers, which it writes again
                    reporter.rewrite(line, erase=True)
                    reporter.line("")
                else:
                    reporter.write_line(line)


@pytest.hookimpl(wrapper=True)
def pytest_report_from_serializable(
    config: pytest.Config, data: dict[str, Any]
) -> Generator[None, pytest.CollectReport | pytest.TestReport | None, pytest.CollectReport | pytest.TestReport | None]:
    """Keep the record that comes with a worker's report: at the end of the run it may not be on the disk."""
    report = yield
    if told := getattr(report, TOLD, ""):
        Session.of(config).journal.hear(told)
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
