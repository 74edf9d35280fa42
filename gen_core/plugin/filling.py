"""`--train-only`: train what the plan lacks beside other processes that do the same, and judge nothing."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest

from gen_core.errors import StoreFailure
from gen_core.lab import Lab, fill, first_place
from gen_core.plugin import progress
from gen_core.plugin.options import writable
from gen_core.plugin.outcomes import one_line
from gen_core.plugin.signals import end_as_interrupted
from gen_core.records import visible


def train_only(session: pytest.Session, lab: Lab) -> None:
    """Train all that is missing and say what was done; a training that fails makes the exit status 1.

    Raises:
        UsageError: if the store cannot be written.
    """
    writable(lab.store.root, "--store")
    config, began, trained = session.config, time.monotonic(), list[str]()
    writer = config.get_terminal_writer()
    writer.line()
    end_as_interrupted(config)
    full = ""
    parts = lab.planned.parts
    wanted = {key for members, seeds in parts for each in members for key in lab.keys(each, seeds)}
    missing = sum(not lab.store.has(key) for key in wanted)
    writer.line(f"train only: {len(wanted)} blocks of seeds in {lab.store.root}, {missing} of them missing")
    with tempfile.TemporaryDirectory(prefix="gen-core-") as folder:
        lab.progress = progress.ProgressFile(Path(folder) / "here.json")
        lab.finished = lambda event: trained.append(event.key)
        progress.begin(config, Path(folder))
        try:
            fill(lab, parts, first_place(os.environ))
        except StoreFailure as error:
            full = visible(f"ERROR: {error}")
        finally:
            progress.end(config)
            seconds = time.monotonic() - began
            writer.line(f"trained {len(trained)} blocks here in {seconds:.0f} s; {_rest(lab, wanted)}")
    for note in lab.store.notes:
        writer.line(visible(note), yellow=True)
    unread = {d.data_error for group in lab.planned.groups for d in group if d.data_error}
    for why in sorted(unread):
        writer.line(visible(f"NOT RUN: {' '.join(why.split())}"), yellow=True)
    failed = {key: error for key, error in lab.failures.items() if key in lab.planned.demands}
    for key, error in failed.items():
        label = lab.planned.demands[key].experiment.label()
        writer.line(visible(f"ERROR: training of {label}: {one_line(error)}"), red=True)
    if full:
        writer.line(full, red=True)
    session.testsfailed = len(failed) + bool(full)  # the exit status follows


def _rest(lab: Lab, wanted: set[str]) -> str:
    left = sum(not lab.store.has(key) for key in wanted)
    if not left:
        return "nothing is missing of the first looks: a run without --train-only judges"
    return f"{left} are missing"
