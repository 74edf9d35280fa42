"""The lab: knows every experiment that a session needs, trains each once, and keeps what it has trained.

Experiments of one form are a group and are trained as one batch. A process that needs a result trains its whole group
under the locks of the group's keys; one that finds them held trains another group of the plan meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import torch

from gen_core.device import settle
from gen_core.errors import DataDamaged, DataMissing, GenCoreError
from gen_core.experiment import Experiment, cost
from gen_core.recipe import canonical
from gen_core.run import Run, Trained, check_data, concatenate
from gen_core.seeding import seed_numbers
from gen_core.store import Store, result_key
from gen_core.trainer import Row, train

BLOCKS = (0, 4, 8, 16, 32, 64, 128, 256, 512, 1000)
"""Where seed blocks begin and end: the looks of every claim, so that claims share blocks and no look trains again."""

OPERATIONS_PER_SECOND = {"cpu": 8e9, "cuda": 1e12}
"""Multiply-adds a second, for estimates before a training; an order of magnitude. Measured on one core of a 2-core machine."""


@dataclass(frozen=True)
class Event:
    """One finished training, for the run's log: which experiment, how many seeds, how long."""

    label: str
    key: str
    seeds: int
    seconds: float


@dataclass
class Demand:
    """One experiment of the plan: the cases that ask for it, the seeds of the first look, why its data cannot be read."""

    experiment: Experiment
    cases: list[str] = field(default_factory=list)
    first: int = 0
    unreadable: str = ""


def experiments_of(group: list[Demand]) -> list[Experiment]:
    """The experiments of a group that can be trained."""
    return [demand.experiment for demand in group if not demand.unreadable]


Progress = Callable[[str, float], None]


def _silent(what: str, share: float) -> None:
    """No progress line."""


@dataclass
class Lab:
    """Trains what claims ask for.

    Attributes:
        store: where results are kept.
        device: where trainings run.
        base: base of the seeds.
        demands: experiment key -> what the plan knows of it; `groups` those of one form, longest first.
        failures: experiment key -> what its training failed with, in this process.
        progress: called with what is being trained and the share that is done.
        finished: called for every training that has ended, before its result is used.
    """

    store: Store
    device: torch.device
    base: int = 0
    progress: Progress = _silent
    finished: Callable[[Event], None] = lambda event: None
    demands: dict[str, Demand] = field(default_factory=dict)
    groups: list[list[Demand]] = field(default_factory=list)
    failures: dict[str, Exception] = field(default_factory=dict)

    def plan(self, wanted: Iterable[tuple[str, Experiment, int]]) -> None:
        """Learn what a session needs: the case that asks, the experiment, and the seeds of the case's first look.

        Equal experiments become one demand, and those of one form and first look a group. Groups are kept longest first.
        """
        for case, experiment, first in wanted:
            demand = self.demands.setdefault(experiment.key, Demand(experiment))
            demand.cases.append(case)
            demand.first = max(demand.first, first)
        groups: dict[tuple[str, str, int], list[Demand]] = {}
        for demand in self.demands.values():
            try:
                check_data(demand.experiment)
            except (DataMissing, DataDamaged) as error:
                demand.unreadable = str(error)
            groups.setdefault((*demand.experiment.form(), demand.first), []).append(demand)
        self.groups = sorted(
            groups.values(), key=lambda group: -sum(self.seconds(d.experiment, d.first) for d in group)
        )

    def seconds(self, experiment: Experiment, seeds: int) -> float:
        """Estimated time of a training, from its operations alone; an order of magnitude."""
        return seeds * (cost(experiment).operations / OPERATIONS_PER_SECOND[self.device.type] + 2e-5 * experiment.steps)

    def run(self, experiment: Experiment, seeds: int) -> Run:
        """The run of an experiment's first seeds, from the store or trained now.

        Raises:
            Unfinished: if it diverged or does not fit into memory.
            DataMissing, DataDamaged: if its data cannot be read.
        """
        return self.runs([experiment], seeds)[0]

    def runs(self, experiments: Sequence[Experiment], seeds: int) -> list[Run]:
        """Runs of several experiments over the same seeds; see `run`."""
        settle()
        finished = []
        for experiment in experiments:
            parts = [self._block(experiment, block, seeds) for block in self.blocks(seeds)]
            finished.append(Run(experiment, seed_numbers(self.base, 0, seeds), concatenate(parts)))
        for run in finished:
            run.require_finite()
        return finished

    def keys(self, experiment: Experiment, seeds: int) -> list[str]:
        """Keys of the stored blocks behind a run."""
        return [result_key(experiment, block, self.device) for block in self.blocks(seeds)]

    def blocks(self, seeds: int) -> list[tuple[int, ...]]:
        """The seeds of a run, block by block."""
        edges = [b for b in BLOCKS if b < seeds] + [seeds]
        return [seed_numbers(self.base, start, stop) for start, stop in zip(edges, edges[1:], strict=False)]

    def _block(self, experiment: Experiment, block: tuple[int, ...], seeds: int) -> Trained:
        key = result_key(experiment, block, self.device)
        for _ in range(2):  # a damaged entry is found on reading, and then made again
            found = self.store.load(key)
            if found is not None:
                return found
            self._ensure(self._together(experiment, seeds), self.blocks(seeds))
            if experiment.key in self.failures:
                raise self.failures[experiment.key]
        raise GenCoreError(f"result {key[:12]} of {experiment.label()} cannot be read back from {self.store.root}")

    def _together(self, experiment: Experiment, seeds: int) -> list[Experiment]:
        """What is trained with an experiment: its group at the first look, itself alone at later ones."""
        for group in self.groups:
            members = experiments_of(group)
            if experiment in members and seeds == group[0].first:
                return members
        return [experiment]

    def _ensure(self, group: list[Experiment], blocks: list[tuple[int, ...]]) -> None:
        """Train what is missing of a group; while another process trains it, train other groups of the plan."""
        keys = [result_key(e, b, self.device) for e in group for b in blocks]
        others = iter([other for other in self.groups if experiments_of(other) and experiments_of(other) != group])
        while not all(map(self.store.has, keys)):
            other = next(others, None)
            if other is None:
                self.progress(f"waiting for another process to train {group[0].label()}", 0.0)
            with self.store.locked(keys, wait=other is None) as held:
                if held:
                    self._train(group, blocks)
                    return
            if other is not None:
                self._help(other)

    def _help(self, group: list[Demand]) -> None:
        """Train a group of the plan unless another process does."""
        members, blocks = experiments_of(group), self.blocks(group[0].first)
        keys = [result_key(e, b, self.device) for e in members for b in blocks]
        if all(map(self.store.has, keys)):
            return
        with self.store.locked(keys, wait=False) as held:
            if held:
                self._train(members, blocks)

    def _train(self, group: list[Experiment], blocks: list[tuple[int, ...]]) -> None:
        """Train the missing blocks of a group whose locks are held.

        Where that fails each member is trained alone, since one member's fault is not the others'; the fault is raised
        to who asks for that member.
        """
        missing = [(e, b) for e in group for b in blocks if not self.store.has(result_key(e, b, self.device))]
        try:
            self._train_rows(missing)
        except Exception as error:
            guilty = list(dict.fromkeys(e for e, _ in missing))
            if len(guilty) == 1:
                self.failures[guilty[0].key] = error
            else:
                for experiment in guilty:
                    self._train([experiment], blocks)

    def _train_rows(self, missing: list[tuple[Experiment, tuple[int, ...]]]) -> None:
        if not missing:
            return
        rows: list[Row] = [(e, seed) for e, block in missing for seed in block]
        names = sorted({e.label() for e, _ in missing})
        what = f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}, {len(rows)} seeds"
        began, done = time.monotonic(), {}
        for batch, trained in train(rows, self.device, lambda step, steps: self.progress(what, step / steps)):
            done |= {row: trained.rows(slice(i, i + 1)) for i, row in enumerate(batch)}
            seconds, began = time.monotonic() - began, time.monotonic()
            for experiment, block in missing:
                if all((experiment, seed) in done for seed in block):
                    parts = [done.pop((experiment, seed)) for seed in block]
                    self._save(experiment, block, concatenate(parts), seconds * len(block) / len(batch))

    def _save(self, experiment: Experiment, block: tuple[int, ...], trained: Trained, seconds: float) -> None:
        key = result_key(experiment, block, self.device)
        about = {"recipe": canonical(experiment), "seeds": list(block), "device": self.device.type, "seconds": seconds}
        self.store.save(key, trained, about)
        self.finished(Event(experiment.label(), key, len(block), seconds))
