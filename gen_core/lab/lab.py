"""The lab: knows every experiment that a session needs, trains each once, and keeps what it has trained.

Experiments of one form are a group and are trained as one batch. A process that needs a result trains its whole group
under the locks of the group's keys; one that finds them held trains another group of the plan meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch

from gen_core.errors import DataDamaged, DataMissing, GenCoreError
from gen_core.experiment import Experiment
from gen_core.lab.plan import BLOCKS, Demand, experiments_of
from gen_core.lab.store import Store, result_key
from gen_core.recipe import canonical
from gen_core.run import Run
from gen_core.training import cost
from gen_core.training.batch import Replica
from gen_core.training.device import fix_numerics, keep_freed_memory
from gen_core.training.draws import check_data
from gen_core.training.result import TrainingResult, concatenate
from gen_core.training.seeding import seed_numbers
from gen_core.training.trainer import train


@dataclass(frozen=True)
class Event:
    """One finished training, for the run's log: which experiment, how many seeds, how long."""

    label: str
    key: str
    seeds: int
    seconds: float


Progress = Callable[[str, float], None]


@dataclass
class Lab:
    """Trains what claims ask for.

    Attributes:
        store: where results are kept.
        device: where trainings run.
        base: base of the seeds.
        progress: called with what is being trained and the share that is done.
        finished: called for every training that has ended, before its result is used.
        demands: experiment key -> what the plan knows of it.
        groups: demands of one form and first look, longest first.
        failures: experiment key -> what its training failed with, in this process.
    """

    store: Store
    device: torch.device
    base: int = 0
    progress: Progress = lambda what, share: None
    finished: Callable[[Event], None] = lambda event: None
    demands: dict[str, Demand] = field(default_factory=dict)
    groups: list[list[Demand]] = field(default_factory=list)
    failures: dict[str, Exception] = field(default_factory=dict)

    def plan(self, wanted: Iterable[tuple[str, Experiment, int]]) -> None:
        """Learn what a session needs: the case that asks, the experiment, and the seeds of the case's first look.

        Equal experiments become one demand, and those of one form and first look a group, longest first.
        """
        for case, experiment, first in wanted:
            demand = self.demands.setdefault(experiment.key, Demand(experiment))
            demand.cases.append(case)
            demand.first = max(demand.first, first)
        groups: dict[tuple[str, int], list[Demand]] = {}
        for demand in self.demands.values():
            try:
                check_data(demand.experiment)
            except (DataMissing, DataDamaged) as error:
                demand.unreadable = str(error)
            groups.setdefault((demand.experiment.batch_key(), demand.first), []).append(demand)
        self.groups = sorted(
            groups.values(), key=lambda group: -sum(self.seconds(d.experiment, d.first) for d in group)
        )

    def seconds(self, experiment: Experiment, seeds: int) -> float:
        """Estimated time of a training; an order of magnitude."""
        return cost.seconds(experiment, seeds, self.device.type)

    def run(self, experiment: Experiment, seeds: int) -> Run:
        """The run of an experiment's first seeds, from the store or trained now; see `runs`."""
        return self.runs([experiment], seeds)[0]

    def runs(self, experiments: Sequence[Experiment], seeds: int) -> list[Run]:
        """Runs of several experiments over the same seeds.

        Raises:
            Unfinished: if one diverged or does not fit into memory.
            InvalidExperiment: if its data are not what its recipe announces.
            DataMissing, DataDamaged: if its data cannot be read.
        """
        fix_numerics()
        keep_freed_memory()
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
        return [seed_numbers(self.base, start, stop) for start, stop in pairwise(edges)]

    def _block(self, experiment: Experiment, block: tuple[int, ...], seeds: int) -> TrainingResult:
        key = result_key(experiment, block, self.device)
        for _ in range(2):  # a damaged entry is found on reading, and then made again
            found = self.store.load(key)
            if found is not None:
                return found
            if experiment.key not in self.failures:
                self._ensure(self._together(experiment, seeds), seeds)
            if experiment.key in self.failures:
                raise self.failures[experiment.key]
        raise GenCoreError(f"result {key[:12]} of {experiment.label()} cannot be read back from {self.store.root}")

    def _together(self, experiment: Experiment, seeds: int) -> list[Experiment]:
        """What is trained with an experiment: its group up to the first look, itself alone at later ones."""
        for group in self.groups:
            members = experiments_of(group)
            if seeds <= group[0].first and any(member.key == experiment.key for member in members):
                return members
        return [experiment]

    def _ensure(self, group: list[Experiment], seeds: int) -> None:
        """Have a group trained; while another process trains it, train other groups of the plan."""
        others = iter(self.groups)
        while missing := self._missing(group, seeds):
            other = next(others, None)
            if other is None:
                self.progress(f"waiting for another process to train {_names(missing)}", 0.0)
            if self._train_locked(group, seeds, wait=other is None):
                return
            if other is not None and experiments_of(other) != group:
                self._train_locked(experiments_of(other), other[0].first, wait=False)

    def _missing(self, group: list[Experiment], seeds: int) -> list[tuple[Experiment, tuple[int, ...]]]:
        """The blocks of a group that are not in the store, but for members that have failed."""
        return [
            (experiment, block)
            for experiment in group
            if experiment.key not in self.failures
            for block, key in zip(self.blocks(seeds), self.keys(experiment, seeds), strict=True)
            if not self.store.has(key)
        ]

    def _train_locked(self, group: list[Experiment], seeds: int, *, wait: bool) -> bool:
        """Train what is missing of a group; False if another process is at it."""
        keys = [result_key(experiment, block, self.device) for experiment, block in self._missing(group, seeds)]
        with self.store.locked(keys, wait=wait) as held:
            if held:
                self._train(group, seeds)
            return held

    def _train(self, group: list[Experiment], seeds: int) -> None:
        """Train what is missing of a group whose locks are held.

        Where that fails each member is trained alone, since one member's fault is not the others'; the fault is raised
        to who asks for that member.
        """
        missing = self._missing(group, seeds)
        try:
            self._train_blocks(missing)
        except Exception as error:
            if len({experiment.key for experiment, _ in missing}) == 1:
                self.failures[missing[0][0].key] = error
            else:
                for experiment in group:
                    self._train([experiment], seeds)

    def _train_blocks(self, missing: list[tuple[Experiment, tuple[int, ...]]]) -> None:
        """Train blocks of experiments of one form, and save each as soon as its seeds are done."""
        if not missing:
            return
        rows: list[Replica] = [(experiment, seed) for experiment, block in missing for seed in block]
        what = f"{_names(missing)}, {len(rows)} seeds"
        waiting, done = list(missing), []
        began = time.monotonic()
        for batch, trained in train(rows, self.device, lambda step, steps: self.progress(what, step / max(steps, 1))):
            seconds, began = (time.monotonic() - began) / len(batch), time.monotonic()
            done += [(trained.rows(slice(i, i + 1)), seconds) for i in range(len(batch))]
            while waiting and len(done) >= len(waiting[0][1]):
                experiment, block = waiting.pop(0)
                parts, done = done[: len(block)], done[len(block) :]
                self._save(experiment, block, concatenate([part for part, _ in parts]), sum(s for _, s in parts))

    def _save(self, experiment: Experiment, block: tuple[int, ...], trained: TrainingResult, seconds: float) -> None:
        key = result_key(experiment, block, self.device)
        about = {"recipe": canonical(experiment), "seeds": list(block), "device": self.device.type, "seconds": seconds}
        self.store.save(key, trained, about)
        self.finished(Event(experiment.label(), key, len(block), seconds))


def _names(missing: list[tuple[Experiment, tuple[int, ...]]]) -> str:
    labels = list(dict.fromkeys(experiment.label() for experiment, _ in missing))
    return labels[0] if len(labels) == 1 else f"{labels[0]} and {len(labels) - 1} more"
