"""`--engine`: starts the engine's process beside pytest's, and tells labs of it. Nothing here loads torch by itself."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gen_core
from gen_core.engines.folder import EngineFolder
from gen_core.plugin.identity import Identity
from gen_core.plugin.options import Options, on_worker

if TYPE_CHECKING:
    from gen_core.engines.asking import Asking
    from gen_core.lab import Lab

START = 180.0
"""Seconds for a cluster to start or to be reached."""

LEAVE = 20.0
"""Seconds for the engine's process to end once it is told to."""

_KEY = pytest.StashKey["EngineProcess"]()


@dataclass
class EngineProcess:
    """The engine's process; it ends when this one does, however that ends.

    Attributes:
        folder: what is between the two.
        process: the process; it reads its standard input until the end.
    """

    folder: EngineFolder
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, folder: EngineFolder, settings: dict[str, str]) -> EngineProcess:
        """Start it."""
        folder.create()
        (folder.root / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
        package = str(Path(str(gen_core.__file__)).parents[1])
        path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH", "")]))
        with (folder.root / "engine.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "gen_core.engines", str(folder.root)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,  # Ctrl-C is for pytest, which ends it
            )
        begun = cls(folder, process)
        threading.Thread(target=begun._mourn, name="gen-core engine", daemon=True).start()
        return begun

    def _mourn(self) -> None:
        """Say that the process has ended where it cannot say so itself."""
        status = self.process.wait()
        if self.folder.root.is_dir():
            how = f"by signal {-status}" if status < 0 else f"with status {status}"
            reached = "the head of the Ray cluster may be lost" if self.folder.state() else "it has reached no cluster"
            self.folder.say_over(f"its process has ended {how}: {reached}")

    def wait(self) -> str:
        """Wait until it has its cluster; why it has none, in one line, or ""."""
        until = time.monotonic() + START
        while not self.folder.state():
            if why := self.folder.over():
                return why
            if time.monotonic() > until:
                return f"it has not started in {START:.0f} s"
            time.sleep(0.1)
        return ""

    def end(self) -> None:
        """Have it end, and remove the folder."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(LEAVE)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)  # what it has started as well
            self.process.wait()
        self.folder.remove()


def start_engine(config: pytest.Config) -> None:
    """Start the engine that is asked for, in the process with the terminal, and wait until it has its cluster.

    Raises:
        UsageError: if it is not installed, or has no cluster that trains.
    """
    options = Options.of(config)
    looks_only = options.list_claims or options.check_claims or config.getoption("collectonly")
    if options.engine is None or on_worker(config) or looks_only:
        return
    found = importlib.util.find_spec("ray")
    if found is None or found.origin is None:  # a folder of that name is no Ray
        raise pytest.UsageError("--engine ray: Ray is not installed; expected it from pip install 'gen-core[ray]'")
    known = Identity.of(config)
    settings = {
        "address": options.engine.partition(":")[2],
        "device": _kind(options.device),
        "store": str(config.rootpath / options.store),
        "records": str(known.records),
    }
    config.stash[_KEY] = begun = EngineProcess.start(EngineFolder.of_run(known.run), settings)
    config.add_cleanup(functools.partial(_end, config))
    if why := begun.wait():
        raise pytest.UsageError(f"--engine {options.engine}: {why}")


def _kind(name: str) -> str:
    if name == "cpu":
        return name
    from gen_core.training.device import resolve

    return resolve(name).type


def end_engine(config: pytest.Config) -> dict[str, str]:
    """End the engine of a run, if there is one; what it was, for the versions and settings of the run's record."""
    if _KEY not in config.stash:
        return {}
    engine = config.stash[_KEY]
    del config.stash[_KEY]
    state = engine.folder.state()
    engine.end()
    return {"engine": _resources(state)} if state else {}


def _end(config: pytest.Config) -> None:
    end_engine(config)


def engine_of(config: pytest.Config, lab: Lab) -> Asking | None:
    """A lab's side of the engine of its run, if there is one."""
    if Options.of(config).engine is None:
        return None
    from gen_core.engines.asking import Asking

    return Asking(EngineFolder.of_run(Identity.of(config).run), lab, config.rootpath)


def engine_lines(config: pytest.Config, lab: Lab) -> list[str]:
    """What the plan takes on the engine's resources, in a line; none where there is no engine."""
    asking = engine_of(config, lab)
    if asking is None:
        return []
    state, units = asking.folder.state(), asking.units()
    seconds = [unit.seconds for unit in units]
    slots = max(1, state.get("slots", 1))
    time_taken = max([sum(seconds) / slots, *seconds])
    from gen_core.plugin.planning import in_time

    blocks = sum(len(unit.keys) for unit in units)
    what = f"{blocks} blocks of seeds in {len(units)} units, the longest of {in_time(max(seconds, default=0.0))}"
    return [f"on {_resources(state)}: about {in_time(time_taken)} for {what}"]


def _resources(state: dict[str, int]) -> str:
    nodes, slots = state.get("nodes", 0), state.get("slots", 0)
    return f"{state.get('name', 'the engine')}, {nodes} node{'s' * (nodes != 1)}, {slots} trainings at a time"
