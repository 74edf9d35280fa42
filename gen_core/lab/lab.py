"""The lab: knows every experiment that a session needs, trains each one once, and stores the results.

Experiments with equal batch keys form groups, each trained as one batch; see `Plan`. A process that needs a result
holds the locks of the group's keys and trains the whole group; one that finds them held trains another group meanwhile.
On a GPU it takes a slot first; while there is none, it looks whether another process has trained what it needs.
What an engine has in hand is waited for, and trained here only where the engine does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from gen_core.code.fingerprint import reached
from gen_core.errors import GenCoreError, InvalidExperiment
from gen_core.experiment import Experiment
from gen_core.finished import Origin
from gen_core.lab.origin import sources_of
from gen_core.lab.plan import Block, Plan, blocks_of, whole
from gen_core.lab.store import Store
from gen_core.lab.work import Begun, Engine, Progress, about_training, drawn_otherwise, names, train_batches
from gen_core.measuring.folder import Folder
from gen_core.run import Run
from gen_core.training.device import fix_numerics, keep_freed_memory
from gen_core.training.draws import confirm_data
from gen_core.training.result import TrainingResult, concatenate
from gen_core.training.seeding import SEEDS_PER_BASE, seed_numbers
from gen_core.training.slots import provide_device, slot_on
from gen_core.training.teachers import provide_teachers
from gen_core.training.teaching import train_alone


@dataclass(frozen=True)
class Event:
    """A finished block of seeds, for the run's log: the experiment and its key, the block's key, seeds, time, and node.

    The node is that of an engine, "" where this machine has trained it.
    """

    label: str
    key: str
    seeds: int
    seconds: float
    experiment: str
    node: str = ""


@dataclass
class Lab:
    """Trains what claims ask for.

    Attributes:
        store: where results are kept.
        device: where trainings run.
        base: base of the seeds.
        progress: called with a description of the training and the share of it that is done.
        finished: called after each training, before its result is used.
        planned: the session's plan; an experiment that is not in it is trained by itself.
        failures: experiment key -> the exception that ended its training in this process.
        compared: keys of the blocks whose draws have been compared with those of their training.
        made: keys of the blocks that this lab has trained.
        keeps_measures: whether what is measured of its runs and what they draw is kept, and believed later.
        engine: trains blocks elsewhere, if there is one.
        begun: what trainings begin with.
    """

    store: Store
    device: torch.device
    base: int = 0
    progress: Progress = lambda what, share: None
    finished: Callable[[Event], None] = lambda event: None
    planned: Plan = field(default_factory=Plan)
    failures: dict[str, Exception] = field(default_factory=dict)
    compared: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    keeps_measures: bool = False
    engine: Engine | None = None

    def __post_init__(self) -> None:
        self._training = False
        self.begun = Begun(Folder(self.store.root) if self.keeps_measures else None)
        self._taught: tuple[str, TrainingResult] = "", TrainingResult({}, ())
        provide_teachers(self.taught)
        provide_device(self.device)

    def plan(self, wanted: Iterable[tuple[str, Experiment, int]]) -> None:
        """Set the plan of the session; see `Plan.of`."""
        self.planned = Plan.of(wanted, self.device.type)

    def run(self, experiment: Experiment, seeds: int) -> Run:
        """The run of an experiment over its first seeds, from the store or trained now; see `runs`."""
        return self.runs([experiment], seeds)[0]

    def runs(self, experiments: Sequence[Experiment], seeds: int) -> list[Run]:
        """Runs of several experiments over the same seeds. Experiments of no steps are not trained: measures draw them.

        Raises:
            Unfinished: if a training diverged that may not (`may_diverge`), or does not fit into memory.
            StoreFailure: if a training cannot be stored.
            InvalidExperiment: if data do not have the shapes that their recipe declares, or are drawn anew each time.
            DataMissing, DataDamaged: if data cannot be read.
        """
        fix_numerics()
        keep_freed_memory()
        finished = self._runs(experiments, seeds)
        for run in finished:
            _require_finite(run, seeds)
        return finished

    def _runs(self, experiments: Sequence[Experiment], seeds: int) -> list[Run]:
        """As `runs`, whether they are finite or not."""
        finished = []
        for experiment in experiments:
            for taught in self._runs(experiment.teachers, whole(seeds)):
                _require_finite(taught, seeds)
            blocks = self.blocks(experiment, seeds)
            parts = [self._result(block, seeds) for block in blocks]
            result = concatenate(parts) if parts else TrainingResult({}, ())
            run = Run(experiment, seed_numbers(self.base, 0, seeds), result)
            finished.append(replace(run, origin=self._origin(run, blocks, parts)) if self.keeps_measures else run)
        return finished

    def _origin(self, run: Run, blocks: Sequence[Block], parts: Sequence[TrainingResult]) -> Origin:
        """Where a run is from: its blocks and what they gave, of which there are none where nothing is trained."""
        blocks = blocks or blocks_of(run.experiment, self.base, len(run.seeds), self.device.type, untrained=True)
        drawn = [part.arrays["drawn"].tolist() for part in parts]
        return Origin.of_run(self.store.root, sources_of(blocks, drawn, self.begun), run)

    def blocks(self, experiment: Experiment, seeds: int) -> list[Block]:
        """The blocks that make up a run of the first seeds; none where nothing is trained."""
        return blocks_of(experiment, self.base, seeds, self.device.type)

    def taught(self, teacher: Experiment, seed: int) -> Mapping[str, Tensor]:
        """Final values of a seed's trained parameters, for data that are labelled by them; as `runs`."""
        at = seed - self.base * SEEDS_PER_BASE
        if not 0 <= at < SEEDS_PER_BASE:
            return train_alone(teacher, seed)
        look = whole(at + 1)
        block = next(block for block in self.blocks(teacher, look) if seed in block.seeds)
        if self._taught[0] != block.key:
            self._taught = block.key, self._result(block, look)
        return self._taught[1].finals(block.seeds.index(seed))

    def keys(self, experiment: Experiment, seeds: int) -> list[str]:
        """Keys of the stored blocks behind a run."""
        return [block.key for block in self.blocks(experiment, seeds)]

    def all_stored(self) -> bool:
        """Whether no first look of the plan has anything to train."""
        demands = [demand for group in self.planned.groups for demand in group if not demand.data_error]
        return all(self.store.has(key) for d in demands for key in self.keys(d.experiment, d.first_look))

    def _result(self, block: Block, seeds: int) -> TrainingResult:
        experiment, trained = block.experiment, False
        if block.key not in self.compared:
            confirm_data(experiment, block.seeds[0])

        def refusal(result: TrainingResult) -> str:
            if block.key in self.compared:
                return ""
            why = drawn_otherwise(block, result, self.begun, trained=block.key in self.made)
            if why and trained:
                raise InvalidExperiment(
                    f"a training {why}, just now: its draw is another one each time; expected the same from the same "
                    "generator"
                )
            return why

        if experiment.key in self.planned.demands:  # block by block after the first look, however many are asked for
            seeds = block.seeds[-1] + 1 - self.base * SEEDS_PER_BASE
        for _ in range(2):  # an entry that is damaged or of other draws is only found on reading, and trained again
            found = self.store.load(block.key, refusal) if self._has(block) else None
            if found is not None:
                self.compared.add(block.key)
                return found
            if experiment.key not in self.failures:
                if not self._trained_elsewhere([experiment], seeds):
                    self._ensure(*self.planned.together(experiment, seeds))
                    self._ensure([experiment], seeds)  # a block of a look that is no first one
                trained = True
            if experiment.key in self.failures:
                raise self.failures[experiment.key]
        raise GenCoreError(
            f"result {block.key[:12]} of {experiment.label()} cannot be read back from {self.store.root}"
        )

    def _ensure(self, group: list[Experiment], seeds: int) -> None:
        """Make sure that a group is trained; while another process trains it, train other groups of the plan.

        A teacher that is missed in the middle of its student's training is waited for, and nothing else trained: who
        holds locks or a slot waits for those of teachers alone, so that no two processes wait for each other.
        """
        if self._trained_elsewhere(group, seeds):
            return
        others, wanted = iter([] if self._training else self.planned.parts), self._wanted(group, seeds)
        while missing := self._missing(wanted):
            if self.device.type == "cuda" and not self._training:
                self.progress(f"waiting for a GPU to train {names(missing)}", 0.0)
            with slot_on(self.device, lambda: not self._missing(wanted)) as device:
                if device is None or self._train_locked(wanted, device):
                    return
                if other := next(others, None):
                    if other[0] != group:
                        self._train_locked(self._wanted(*other), device)
                    continue
            self._wait(wanted)

    def lacks(self, group: list[Experiment], seeds: int) -> bool:
        """Whether anything of a group is missing that has not failed here."""
        return bool(self._missing(self._wanted(group, seeds)))

    def train_if_free(self, group: list[Experiment], seeds: int) -> bool:
        """Train what is missing of experiments with equal batch keys; False if another process holds locks of it."""
        with slot_on(self.device) as device:
            assert device is not None
            return self._train_locked(self._wanted(group, seeds), device)

    def wait(self, group: list[Experiment], seeds: int) -> None:
        """Wait until no other process trains anything that is missing of a group."""
        self._wait(self._wanted(group, seeds))

    def _wait(self, wanted: list[Block]) -> None:
        if not (missing := self._missing(wanted)):
            return  # another process has just trained the last of it
        self.progress(f"waiting for another process to train {names(missing)}", 0.0)
        with self.store.locked([block.key for block in missing], wait=True):
            pass  # its training has ended, or its process

    def _trained_elsewhere(self, group: list[Experiment], seeds: int) -> bool:
        """Wait for what the engine trains of a group; whether that leaves nothing to train."""
        if self.engine is None:
            return False
        self.failures |= self.engine.awaited(group, seeds, self.progress)
        return not self.lacks(group, seeds)

    def _wanted(self, group: list[Experiment], seeds: int) -> list[Block]:
        return [block for experiment in group for block in self.blocks(experiment, seeds)]

    def _missing(self, wanted: list[Block]) -> list[Block]:
        """Those of some blocks that are not in the store, leaving out experiments that have failed."""
        return [each for each in wanted if each.experiment.key not in self.failures and not self._has(each)]

    def _has(self, block: Block) -> bool:
        """Whether there is a result that may be used: made by this lab, where its code looks things up as it runs."""
        return self.store.has(block.key) and (block.key in self.made or not block.reads)

    def _train_locked(self, wanted: list[Block], device: torch.device) -> bool:
        """Train the missing ones of a group's blocks; False if another process holds their locks."""
        with self.store.locked([block.key for block in self._missing(wanted)], wait=False) as held:
            if held:
                outer, self._training = self._training, True
                try:
                    self._train(wanted, device)
                finally:
                    self._training = outer
            return held

    def _train(self, wanted: list[Block], device: torch.device) -> None:
        """Train the missing ones of a group's blocks, whose locks are held; see `train_batches`.

        A failure is kept, and raised when its experiment is asked for.
        """
        missing = self._missing(wanted)
        for block in missing:
            reached(block.experiment).forget()
            if block.reads:
                self.store.notes.append(
                    f"training of {block.experiment.label()}: {block.reads[0]}, whose result no key can tell; it is "
                    "trained in every run (make it a field, or a constant of its module, and it is kept)"
                )
        self.failures |= train_batches(missing, device, self.progress, self._save)

    def _save(self, block: Block, result: TrainingResult, seconds: float) -> None:
        self.store.save(block.key, result, about_training(block, seconds))
        self.made.add(block.key)
        label, key = block.experiment.label(), block.experiment.key
        self.finished(Event(label, block.key, len(block.seeds), seconds, key))


def _require_finite(run: Run, seeds: int) -> None:
    """Check the first seeds of a run, as `Run.require_finite`."""
    if not run.experiment.may_diverge:
        replace(run, seeds=run.seeds[:seeds], result=run.result.rows(slice(seeds))).require_finite()
