"""Asking an engine for trainings: the plan's missing blocks as units, and the wait for what it has in hand."""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from gen_core.engines.at_node import describe_blocks
from gen_core.engines.folder import FAILED, EngineFolder, Unit
from gen_core.experiment import Experiment
from gen_core.lab import Block, Lab
from gen_core.lab.plan import whole, with_teachers
from gen_core.lab.work import Progress, batches_of, names
from gen_core.training.cost import group_seconds

POLL = 0.05
"""Seconds between two looks for a result."""

SILENT = 120.0
"""Seconds without a sign of life after which an engine counts as gone."""

LATER = 10_000_000
"""Places of units of later looks begin here, after those of the first."""


@dataclass
class Asking:
    """A lab's side of an engine; it is the lab's `engine`.

    Attributes:
        folder: what the engine reads.
        lab: the lab that asks.
        root: the folder of the claims, where modules of recipes are looked for.
    """

    folder: EngineFolder
    lab: Lab
    root: Path
    _known: set[str] = field(default_factory=set)
    _heard: tuple[object, float] = (None, 0.0)

    def plan(self) -> None:
        """Ask for the missing blocks of the plan's first looks; of a run's processes the first one does."""
        with FileLock(self.folder.root / "plan.lock"):
            if not self.folder.planned:
                for order, unit in enumerate(self.units()):
                    self.folder.put(unit, order, _name(unit))
                self.folder.say_planned()

    def units(self) -> list[Unit]:
        """The units of the plan's first looks that nobody has asked for, longest group first."""
        plan, units = self.lab.planned, []
        for members, seeds in plan.parts:
            units += self._units(members, seeds)
        return units

    def awaited(self, group: Sequence[Experiment], seeds: int, progress: Progress) -> dict[str, Exception]:
        """See `gen_core.lab.work.Engine`."""
        missing = self._missing(group, seeds)
        if not missing or self._gone():
            return {}
        self._read_units()
        if any(block.key not in self._known for block in missing):
            members, look = self.lab.planned.together(group[0], seeds) if len(group) == 1 else (group, seeds)
            for unit in self._units(members, look):  # of its whole group, as without an engine
                self.folder.put(unit, LATER, _name(unit))
        failures: dict[str, Exception] = {}
        while True:
            waiting = []
            for block in missing:
                end = self.folder.ended(block.key)
                if end is None and block.key in self._known and not self.lab.store.has(block.key):
                    waiting.append(block)
                elif end is not None and end[0] == FAILED:
                    failures[block.experiment.key] = pickle.loads(end[1])
            if not waiting or self._gone():
                return failures
            progress(f"waiting for the engine to train {names(waiting)}", 0.0)
            time.sleep(POLL)

    def _missing(self, group: Sequence[Experiment], seeds: int) -> list[Block]:
        """The blocks of a group that are to be trained and that an engine can train: whose keys tell all."""
        wanted = [e for e in group if e.key not in self.lab.failures]
        blocks = [block for e in wanted for block in self.lab.blocks(e, seeds)]
        return [block for block in blocks if not block.reads and not self.lab.store.has(block.key)]

    def _units(self, group: Sequence[Experiment], seeds: int) -> Iterator[Unit]:
        """The units of a group's missing blocks that are not asked for yet, after those of its teachers."""
        blocks = [block for block in self._missing(group, seeds) if block.key not in self._known]
        for batch in batches_of(blocks, self.lab.device):
            teachers = {key: each for block in batch for key, each in self._teachers(block, seeds).items()}
            absent = [each for key, each in teachers.items() if not self.lab.store.has(key) and key not in self._known]
            for each in absent:
                if each.key not in self._known:
                    yield from self._units(*self.lab.planned.together(each.experiment, whole(seeds)))
            if all(self.lab.store.has(each.key) or each.key in self._known for each in absent):
                try:
                    payload = describe_blocks(batch, list(teachers.values()))
                except Exception:  # a batch with a recipe that cannot be pickled is trained here
                    continue
                self._known.update(block.key for block in batch)
                yield self._unit(batch, tuple(teachers), payload)

    def _unit(self, batch: Sequence[Block], needs: tuple[str, ...], payload: bytes) -> Unit:
        rows = [(block.experiment, len(block.seeds)) for block in batch]
        return Unit(
            tuple(block.key for block in batch),
            needs,
            group_seconds(rows, self.lab.device.type),
            names(list(batch)),
            _paths(self.root),
            os.environ.get("GEN_CORE_DATA", ""),
            self.lab.device.type == "cuda",
            payload,
        )

    def _teachers(self, block: Block, seeds: int) -> dict[str, Block]:
        """The blocks of the trainings that label a block's data, by key, in a run over the first seeds."""
        teachers, seeds = with_teachers(block.experiment)[:-1], whole(seeds)
        each = [other for teacher in teachers for other in self.lab.blocks(teacher, seeds)]
        return {other.key: other for other in each if set(other.seeds) & set(block.seeds)}

    def _read_units(self) -> None:
        for _, unit in self.folder.new_units():
            self._known.update(unit.keys)

    def _gone(self) -> bool:
        """Whether there is no engine any more; the reason is told once."""
        why = self.folder.over()
        now, beat = time.monotonic(), self.folder.state().get("beat")
        if beat != self._heard[0] or not self._heard[1]:
            self._heard = beat, now
        if not why and now - self._heard[1] > SILENT:
            why = f"it has given no sign of life for {SILENT:.0f} s"
        if why:
            line = f"warning: --engine: {why}; what is missing is trained without it"
            if line not in self.lab.store.notes:
                self.lab.store.notes.append(line)
        return bool(why)


def _paths(root: Path) -> tuple[str, ...]:
    """Where the modules of recipes are found: the claims' folder, and what is on the path of this process alone."""
    installed = tuple({sys.prefix, sys.base_prefix, sys.exec_prefix})
    own = [path for path in sys.path if Path(path).is_dir() and not path.startswith(installed)]
    package = Path(__file__).parents[2]
    return tuple(dict.fromkeys(str(Path(path).resolve()) for path in (root, *own, package)))


def _name(unit: Unit) -> str:
    return hashlib.sha256(" ".join(unit.keys).encode()).hexdigest()[:16]
