"""A Ray cluster of three nodes on loopback, of processes and ports of these tests' own, and an engine on it."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from gen_core.engines.asking import Asking
from gen_core.engines.folder import EngineFolder
from gen_core.experiment import Experiment
from gen_core.lab import Event, Lab, Store
from gen_core.plugin.engine import EngineProcess

ROOT = Path(__file__).parents[3]
CPU = torch.device("cpu")
OURS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
PATIENCE = {"RAY_gcs_rpc_server_reconnect_timeout_s": "8"}
"""Of the engine with a head that is lost."""
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}


def children(pid: int) -> list[int]:
    """The processes below one, nearest first."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return [*found, *(each for child in found for each in children(child))]


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def send(pid: int, number: int) -> None:
    """Send a signal to a process and all below it."""
    for each in [pid, *children(pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, number)


@dataclass
class Nodes:
    """The cluster. Tests may kill what they like: it is made whole for the next one.

    Attributes:
        folder: Ray's own folder.
        address: of the head.
        head: the head's processes.
        nodes: the process of each node that starts its workers.
    """

    folder: Path
    address: str = ""
    head: list[int] = field(default_factory=list)
    nodes: list[int] = field(default_factory=list)
    _holder: subprocess.Popen[str] | None = None

    def make_whole(self) -> None:
        """Start what is missing of a head and three nodes."""
        if not self.head or not all(map(alive, self.head)):
            self.end()
            script = Path(__file__).with_name("three_nodes.py")
            with (self.folder / "log").open("ab") as log:
                self._holder = subprocess.Popen(
                    [sys.executable, str(script), str(self.folder)],
                    env=os.environ | OURS | LOOPBACK | {"RAY_TMPDIR": str(self.folder)},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
            self.address, self.head = self._told()
        self.nodes = [node for node in self.nodes if alive(node)]
        while len(self.nodes) < 3:
            assert self._holder is not None
            assert self._holder.stdin is not None
            self._holder.stdin.write("\n")
            self._holder.stdin.flush()
            self.nodes += self._told()[1]

    def at_work(self) -> tuple[int, int]:
        """A node that trains now, and the process that does."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            for node in self.nodes:
                for pid in children(node):
                    with contextlib.suppress(OSError):
                        if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::train"):
                            return node, pid
            time.sleep(0.02)
        raise AssertionError("nothing was trained in 60 s")

    def end(self) -> None:
        """End all of it."""
        for pid in (*self.nodes, *self.head):
            send(pid, signal.SIGKILL)
        if self._holder is not None:
            self._holder.kill()
            self._holder.communicate()
        self.nodes, self.head, self._holder = [], [], None

    def _told(self) -> tuple[str, list[int]]:
        assert self._holder is not None
        assert self._holder.stdout is not None
        for line in self._holder.stdout:
            if line.startswith('{"'):
                told = json.loads(line)
                return told.get("address", ""), told["pids"]
        raise AssertionError((self.folder / "log").read_text())


@pytest.fixture(scope="session")
def _all_nodes() -> Iterator[Nodes]:
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed; pip install 'gen-core[ray]'")
    folder = Path(tempfile.mkdtemp(prefix="gc-ray-"))  # short: the paths of sockets are
    nodes = Nodes(folder)
    yield nodes
    nodes.end()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def nodes(_all_nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> Nodes:
    for name, value in (OURS | PATIENCE).items():
        monkeypatch.setenv(name, value)
    _all_nodes.make_whole()
    return _all_nodes


@dataclass
class Engine:
    """An engine's process with a store of its own.

    Attributes:
        root: the folder of all that it reads and writes.
        process: the process.
        trained_here: what labs that ask it have trained themselves.
    """

    root: Path
    process: EngineProcess
    trained_here: list[Event] = field(default_factory=list)

    @classmethod
    def start(cls, root: Path, address: str, **settings: str) -> Engine:
        for name in ("records", "store"):
            (root / name).mkdir(parents=True)
        known = {"address": address, "device": "cpu", "store": str(root / "store"), "records": str(root / "records")}
        return cls(root, EngineProcess.start(EngineFolder(root / "engine"), known | settings))

    @property
    def store(self) -> Store:
        return Store(self.root / "store")

    def lab(self, *experiments: Experiment) -> Lab:
        """A lab that has asked for the first eight seeds of some experiments."""
        self.trained_here.clear()
        lab = Lab(self.store, CPU, finished=self.trained_here.append)
        lab.engine = asking = Asking(self.process.folder, lab, ROOT)
        lab.plan(("case", each, 8) for each in experiments)
        for order, unit in enumerate(asking.units()):
            asking.folder.put(unit, order, unit.keys[0][:16])
        return lab

    def lines(self, kind: str) -> list[str]:
        return [line for path in self.root.glob(f"records/{kind}/*") for line in path.read_text().splitlines()]


_running: list[Engine] = []


@pytest.fixture(scope="session")
def _engines() -> Iterator[list[Engine]]:
    yield _running
    for engine in _running:
        engine.process.end()


@pytest.fixture
def engine(nodes: Nodes, _engines: list[Engine], tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An engine on the cluster, one for all tests until its head is lost."""
    if not _engines or _engines[-1].process.folder.over():
        _engines.append(Engine.start(tmp_path_factory.mktemp("engine"), nodes.address, grace="20"))
    assert _engines[-1].process.wait() == ""
    return _engines[-1]
