"""A Ray cluster as an engine's nodes. This module is loaded in the engine's own process alone: a lost head ends it."""

from __future__ import annotations

import pickle
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import ray  # pyright: ignore[reportMissingImports]
from ray.exceptions import RayError, RayTaskError  # pyright: ignore[reportMissingImports]

from gen_core.engines.cluster import Answer
from gen_core.engines.folder import Unit
from gen_core.engines.parcels import Parcel
from gen_core.errors import GenCoreError
from gen_core.training.device import SLOTS

LOOK_AGAIN = 2.0
"""Seconds between two looks at the nodes."""

EMPTY = 60.0
"""Seconds without a node after which there is no cluster any more."""

FETCH = 30.0
"""Seconds for fetching a result that is there."""


def connect(address: str, processors: int) -> None:
    """Connect to a cluster, or without an address start one of this machine, which listens on loopback alone.

    Raises:
        Exception: of any kind, where there is none that can be reached.
    """
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address:
        ray.init(address=address, **quiet)
        return
    ray.init("local", num_cpus=processors, include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)


@dataclass
class RayCluster:
    """See `gen_core.engines.dispatch.Cluster`.

    Attributes:
        gpu: whether trainings take a GPU.
        seen: a file in the store's folder and what is in it, by which a node tells whether it sees the store.
        nodes: names of the nodes that are alive: of their machines, or numbers where machines have several.
        slots: trainings that run at a time.
    """

    gpu: bool
    seen: tuple[str, str]
    nodes: list[str] = field(default_factory=list)
    slots: int = 0
    _numbers: dict[str, int] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _looked: float = 0.0
    _seen: float = 0.0

    def __post_init__(self) -> None:
        self._task = ray.remote(_at_node_by_value())
        self._options: dict[str, Any] = {"num_cpus": 1, "num_gpus": 1 / SLOTS if self.gpu else 0}
        self._options |= {"max_retries": 3, "retry_exceptions": False, "scheduling_strategy": "SPREAD"}

    def look(self) -> str:
        """Look at the nodes, now and then."""
        if time.monotonic() - self._looked < LOOK_AGAIN and self.nodes:
            return ""
        self._looked = time.monotonic()
        self._seen = self._seen if self.gpu or self._seen else self._looked
        alive = [node for node in ray.nodes() if node["Alive"]]
        for node in alive:
            self._numbers.setdefault(node["NodeID"], len(self._numbers) + 1)
        hosts = [node["NodeManagerHostname"] for node in alive]
        distinct = len(set(hosts)) == len(hosts)
        for node in alive:
            number = str(self._numbers[node["NodeID"]])
            self._names[node["NodeID"]] = node["NodeManagerHostname"] if distinct else number
        able = [node for node in alive if node["Resources"].get("GPU" if self.gpu else "CPU", 0)]
        self.nodes = [self._names[node["NodeID"]] for node in able]
        processors = sum(int(node["Resources"].get("CPU", 0)) for node in able)
        cards = sum(node["Resources"].get("GPU", 0) for node in able)
        self.slots = min(processors, int(cards * SLOTS)) if self.gpu else processors
        if able:
            self._seen = self._looked
        if self.gpu and not self._seen:
            return "the Ray cluster has no GPU; expected one for --device cuda"
        return "" if able or self._looked - self._seen < EMPTY else "the Ray cluster has no node left"

    def share(self, parcel: Parcel) -> Any:
        """Put a result into Ray's object store."""
        return ray.put(parcel)

    def send(self, units: Sequence[Unit], taught: Sequence[Any], avoid: set[str]) -> Hashable:
        """Send units as a task; it is scheduled wherever there is room, but on nodes to be avoided."""
        unwanted = sorted(node for node, name in self._names.items() if name in avoid)
        others = {"label_selector": {"ray.io/node-id": f"!in({','.join(unwanted)})"}} if unwanted else {}
        task = self._task.options(**self._options, **others)
        paths = tuple(dict.fromkeys(path for unit in units for path in unit.paths))
        asked = [(unit.payload, unit.data) for unit in units]
        return task.remote(paths, asked, self.seen, dict(self._names), *taught)

    def answers(self, tickets: Sequence[Hashable]) -> dict[Hashable, Answer]:
        """The answers that are there."""
        if not tickets:
            time.sleep(0.05)
            return {}
        refs: Any = list(tickets)
        ready, _ = ray.wait(refs, num_returns=len(refs), timeout=0)
        if not ready:
            ready, _ = ray.wait(refs, num_returns=1, timeout=1)
        return {ref: self._answer(ref) for ref in ready}

    def _answer(self, ref: Any) -> Answer:
        try:
            got: Any = ray.get(ref, timeout=FETCH)
            node, values = got
        except RayTaskError as error:
            return Answer(raised=_cause(error))
        except RayError as error:
            return Answer(broken=f"Ray has lost it ({type(error).__name__})")
        return Answer(self._names.get(node) or node[:8], values)

    def drop(self, ticket: Hashable) -> None:
        """Cancel a task, where its node hears it."""
        ref: Any = ticket
        ray.cancel(ref, force=True)


def _cause(error: RayTaskError) -> bytes:
    """The exception of a task's own code, or its words where it cannot be made again."""
    try:
        return pickle.dumps(error.cause)
    except Exception:
        return pickle.dumps(GenCoreError(f"{type(error.cause).__name__}: {error.cause}"))


def _at_node_by_value() -> Any:
    """What runs on a node. A function within another is sent by its code: a node may lack this version of gen_core."""

    def train(paths: Any, asked: list[tuple[bytes, str]], seen: Any, names: dict[str, str], *taught: Any) -> Any:
        import sys

        import ray  # pyright: ignore[reportMissingImports]

        node = ray.get_runtime_context().get_node_id()
        sys.path += [path for path in paths if path not in sys.path]
        try:
            from gen_core.engines.at_node import train_units
        except ImportError as error:
            return node, [{"refused": f"it lacks this version of gen_core ({error})"}] * len(asked)
        return node, train_units(asked, seen, names.get(node) or node[:8], taught)

    return train
