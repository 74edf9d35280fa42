"""What an engine says of itself: in the run's progress line, its records, its notes, and as a sign of life."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from gen_core.engines.folder import EngineFolder


class Resources(Protocol):
    """What a cluster has."""

    nodes: list[str]
    slots: int


@dataclass
class Ledger:
    """Counts of blocks, and what is written of them.

    Attributes:
        folder: the engine's folder.
        records: the folder of the run's records; nothing is written there before they have begun.
        name: name and version of the engine.
        asked: blocks asked for; `done`, `failed` and `refused` of them have ended.
        again: units that were sent again, as the cluster had lost them.
        copies: units that were sent again, as they were overdue.
    """

    folder: EngineFolder
    records: Path
    name: str
    asked: int = 0
    done: int = 0
    failed: int = 0
    refused: int = 0
    again: int = 0
    copies: int = 0
    _began: float = 0.0
    _beat: int = 0
    _told: set[str] = field(default_factory=set)
    _most: int = 0
    _slots: int = 0

    def trained(self, event: dict[str, Any]) -> None:
        """Log a finished block."""
        self.done += 1
        self._append("trainings", json.dumps(event))

    def note(self, line: str) -> None:
        """Write a note for the end of the run, once."""
        if line not in self._told:
            self._told.add(line)
            self._append("notes", line)

    def refusal(self, node: str, why: str) -> None:
        """Note that a node would train otherwise than who asks; once for each node."""
        if node not in self._told:
            self._told.add(node)
            self.note(f"warning: --engine: node {node} trains nothing of this run: {why}")

    def say(self, flying: int, cluster: Resources) -> None:
        """Say how far it is."""
        self._beat, self._most = self._beat + 1, max(self._most, len(cluster.nodes))
        self._slots = max(self._slots, cluster.slots)
        state = {"beat": self._beat, "pid": os.getpid(), "name": self.name}
        state |= {"nodes": self._most, "slots": self._slots, "done": self.done, "asked": self.asked}
        self.folder.say_state(state | {"flying": flying, "failed": self.failed})
        ended = self.done + self.failed + self.refused
        path = self.records / "progress" / "engine.json"
        if not self.records.is_dir() or ended >= self.asked:
            self._began = 0.0
            path.unlink(missing_ok=True)
            return
        self._began = self._began or time.time()
        counts = f"{self.done} of {self.asked} blocks, {flying} units in flight, {self.failed} failed"
        what = f"{counts}, {len(cluster.nodes)} node{'s' * (len(cluster.nodes) != 1)}"
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps({"what": what, "share": ended / self.asked, "began": self._began}), encoding="utf-8")
        os.replace(part, path)

    def close(self) -> None:
        """Sum up."""
        (self.records / "progress" / "engine.json").unlink(missing_ok=True)
        if self.asked:
            again = (
                f", {self.again} units sent again, {self.copies} copies of late ones"
                if self.again + self.copies
                else ""
            )
            counts = f"{self.done} of {self.asked} blocks on {self._most} node{'s' * (self._most != 1)}"
            self.note(f"--engine: {self.name}, {counts}, {self.failed} failed, {self.refused} left{again}")

    def _append(self, kind: str, line: str) -> None:
        if self.records.is_dir():
            path = self.records / kind / f"engine-{os.getpid()}.jsonl"
            path.parent.mkdir(exist_ok=True)
            with path.open("a", encoding="utf-8") as out:
                out.write(line + "\n")
