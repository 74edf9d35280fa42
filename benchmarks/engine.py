"""What an engine takes beside the trainings: blocks of a second, tiny blocks, and its process's own time and memory.

Processor time is counted besides: of the engine's process, of all processes of the nodes, and of a lab of one process
without an engine, which trains a seventh of the same experiments right after, for six seconds at most. Where other
programs keep the machine busy, what the lab takes grows as well.

    python -m benchmarks.engine

starts a Ray cluster of three nodes on this machine (`pip install 'gen-core[ray]'`), each for one training at a time.
The blocks of a second wait and compute nothing; their ideal time is the sum of what they take over three.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from gen_core import GD, Data, Experiment, Linear, Square
from gen_core.engines.asking import Asking
from gen_core.engines.folder import EngineFolder
from gen_core.lab import Lab, Store
from gen_core.plugin.engine import EngineProcess

ROOT = Path(__file__).parents[1]
NODES, SEEDS, FIRST, PLAIN, PATIENCE = 3, 4, 6, 6.0, 120.0
NODE_SCRIPT = ROOT / "tests" / "gen_core" / "engines" / "three_nodes.py"


@dataclass(frozen=True)
class Points:
    """Points whose training waits so many seconds for each draw."""

    wait: float = 0.0
    n: int = 8
    inputs: tuple[int, ...] = (4,)

    def draw(self, generator: torch.Generator) -> Data:
        time.sleep(self.wait)
        X = torch.randn(self.n, *self.inputs, generator=generator)
        return Data(X, X[:, 0])


def blocks(number: int, wait: float) -> list[Experiment]:
    """Experiments whose first four seeds are a unit each: by numbers of points and steps, none trains with another."""
    alike: dict[str, Any] = {"model": Linear(), "rule": GD(0.1), "loss": Square()}
    waits = [wait and wait + 1e-6 * i for i in range(number)]  # others, as draws of one data set are kept
    return [Experiment(**alike, data=Points(each, 8 + i // 20), steps=1 + i % 20) for i, each in enumerate(waits)]


def cluster(folder: str) -> Iterator[tuple[str, int]]:
    """The address of a cluster and the process that holds it, for as long as the generator lives."""
    environment = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    os.environ |= environment | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    command = [sys.executable, str(NODE_SCRIPT), folder]
    own = {**os.environ, "RAY_TMPDIR": folder}  # there Ray notes the newest cluster of a machine
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=own, start_new_session=True) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write("\n" * NODES)
        holder.stdin.flush()
        told: list[dict[str, Any]] = []
        while len(told) < 1 + NODES:
            told += [json.loads(line)] if (line := holder.stdout.readline()).startswith('{"') else []
        try:
            yield told[0]["address"], holder.pid
        finally:
            holder.stdin.close()
            os.killpg(holder.pid, signal.SIGKILL)


def resident(pid: int) -> float:
    """Memory of a process, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 2**10


def processor(pid: int) -> float:
    """Processor time of a process, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def below(pid: int) -> float:
    """Processor time of all that runs below a process, in seconds."""
    took = 0.0
    with contextlib.suppress(OSError):  # one that has just ended
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                took += processor(child) + below(child)
    return took


def plain(experiments: list[Experiment], root: Path) -> float:
    """Processor time of a lab without an engine for each experiment, in seconds: of every seventh, for some seconds."""
    lab, count, until = Lab(Store(root / "plain"), torch.device("cpu")), 0, time.monotonic() + PLAIN
    lab.run(experiments[0], SEEDS)
    began = time.process_time()
    for experiment in experiments[1::7]:
        if time.monotonic() < until:
            lab.run(experiment, SEEDS)
            count += 1
    return (time.process_time() - began) / count


def wait_for(folder: EngineFolder, number: int) -> None:
    """Wait until so many blocks are trained."""
    done, since = -1, time.monotonic()
    while done < number:
        if (now := folder.state()["done"]) > done:
            done, since = now, time.monotonic()
        if folder.over() or time.monotonic() - since > PATIENCE:
            raise SystemExit(folder.over() or f"nothing was trained for {PATIENCE:.0f} s")
        time.sleep(0.05)


def measure(address: str, holder: int, what: str, experiments: list[Experiment], root: Path) -> None:
    """Have an engine train some experiments, and print what it took."""
    for name in ("records", "store"):
        (root / name).mkdir(parents=True)
    settings = {"address": address, "device": "cpu", "store": str(root / "store"), "records": str(root / "records")}
    folder = EngineFolder(root / "engine")
    process = EngineProcess.start(folder, settings)
    try:
        if why := process.wait():
            raise SystemExit(why)
        _measure(process, holder, what, experiments, root)
    finally:
        process.end()


def _measure(process: EngineProcess, holder: int, what: str, experiments: list[Experiment], root: Path) -> None:
    folder = process.folder
    lab = Lab(Store(root / "store"), torch.device("cpu"))
    lab.plan((str(i), experiment, SEEDS) for i, experiment in enumerate(experiments))
    asking = Asking(folder, lab, ROOT)
    planning = time.process_time()
    units = asking.units()
    planning = time.process_time() - planning
    for unit in units[:FIRST]:  # workers load torch, and read the code once
        folder.put(unit, 0, unit.keys[0][:16])
    wait_for(folder, FIRST)
    pid = process.process.pid
    before, used, nodes, began = resident(pid), processor(pid), below(holder), time.monotonic()
    for order, unit in enumerate(units[FIRST:], 1):
        folder.put(unit, order, unit.keys[0][:16])
    wait_for(folder, len(units))
    took, after, used = time.monotonic() - began, resident(pid), processor(pid) - used
    nodes = below(holder) - nodes
    lines = [line for path in root.glob("records/trainings/*") for line in path.read_text().splitlines()]
    ideal = sum(json.loads(line)["seconds"] for line in lines[FIRST:]) / NODES
    count = len(units) - FIRST
    alone = plain(experiments, root)
    print(
        f"{what}: {count} blocks in {took:.1f} s, {1000 * took / count:.1f} ms each, {took / ideal:.2f} of the ideal; "
        f"the engine's process: {before:.0f} MiB, then {after:.0f} MiB; of a processor each: "
        f"{1000 * planning / len(units):.1f} ms for asking, {1000 * used / count:.1f} ms the engine's process, "
        f"{1000 * nodes / count:.1f} ms the nodes, {1000 * alone:.1f} ms a lab without one",
        flush=True,
    )


def main() -> None:
    """Measure all of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--slow", type=int, default=64, help="blocks of a second (default: 64)")
    parser.add_argument("--tiny", type=int, default=2000, help="tiny blocks (default: 2000)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gc-ray-") as folder:
        for address, holder in cluster(folder):
            measure(address, holder, "a second", blocks(FIRST + chosen.slow, 0.25), Path(folder) / "a")
            measure(address, holder, "tiny", blocks(FIRST + chosen.tiny, 0.0), Path(folder) / "b")


if __name__ == "__main__":
    import_module("benchmarks.engine").main()  # nodes find no types of __main__
