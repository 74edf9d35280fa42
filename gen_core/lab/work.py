"""The training of blocks: a function of the blocks alone, in whichever process it runs."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import torch

from gen_core.code.fingerprint import reached
from gen_core.errors import StoreFailure
from gen_core.experiment import Experiment
from gen_core.lab.plan import Block
from gen_core.measuring.folder import Folder, Place
from gen_core.measuring.parts import Part
from gen_core.recipe import canonical, digest
from gen_core.training.batch import Replica
from gen_core.training.device import memory_budget
from gen_core.training.draws import begins_with
from gen_core.training.memory import memory_of
from gen_core.training.result import TrainingResult, concatenate
from gen_core.training.states import state_of, states_told_once
from gen_core.training.trainer import train_rows

Progress = Callable[[str, float], None]
Save = Callable[[Block, TrainingResult, float], None]
"""Keeps the result of a block, and the seconds that it took."""


class Engine(Protocol):
    """Trains blocks in other processes, and puts their results into the store of the lab that asks."""

    def awaited(self, group: Sequence[Experiment], seeds: int, progress: Progress) -> dict[str, Exception]:
        """Wait for what the engine trains of a group's missing blocks over its first seeds; the rest is for the lab.

        Returns:
            Experiment key -> the exception that has ended its training, for those that have failed.
        """
        ...


def train_blocks(
    missing: list[Block], device: torch.device, progress: Progress
) -> Iterator[tuple[Block, TrainingResult, float]]:
    """Train blocks of experiments with equal batch keys.

    Args:
        missing: the blocks.
        device: where to train.
        progress: called with a description of the training and the share of it that is done.

    Yields:
        Each block as soon as its seeds are done, with its result and the seconds that it took.

    Raises:
        Unfinished, InvalidExperiment: as `gen_core.training.trainer.train_rows`.
    """
    if not missing:
        return
    rows: list[Replica] = [(block.experiment, seed) for block in missing for seed in block.seeds]
    what = f"{names(missing)}, {len(rows)} seeds"
    waiting, done = list(missing), []
    began = time.monotonic()
    for batch, trained in train_rows(rows, device, lambda step, steps: progress(what, step / max(steps, 1))):
        seconds, began = (time.monotonic() - began) / len(batch), time.monotonic()
        done += [(trained.rows(slice(i, i + 1)), seconds) for i in range(len(batch))]
        while waiting and len(done) >= len(waiting[0].seeds):
            block = waiting.pop(0)
            parts, done = done[: len(block.seeds)], done[len(block.seeds) :]
            yield block, concatenate([part for part, _ in parts]), sum(s for _, s in parts)


def batches_of(blocks: list[Block], device: torch.device) -> Iterator[list[Block]]:
    """Blocks of a group, cut where `train_rows` cuts their rows on a device, so that results agree to the bit.

    Rows of one batch agree to rounding with those of another. Where a batch ends within a block, the next one goes with
    it.
    """
    fit = 1
    if blocks:
        memory = memory_of(blocks[0].experiment, device.type)
        fit = max(1, (memory_budget(device) - memory.batch) // memory.seed)
    batch: list[Block] = []
    for block in blocks:
        batch.append(block)
        if sum(len(each.seeds) for each in batch) % fit == 0:
            yield batch
            batch = []
    if batch:
        yield batch


def train_batches(missing: list[Block], device: torch.device, progress: Progress, save: Save) -> dict[str, Exception]:
    """Train blocks of a group batch by batch, as `train_apart`; nothing more once the store is full."""
    failures: dict[str, Exception] = {}
    try:
        batches = [*batches_of(missing, device)]
    except Exception:  # one of them cannot be estimated, and fails by itself
        batches = [missing]
    for place, batch in enumerate(batches):
        left = [block for block in batch if block.experiment.key not in failures]
        failures |= train_apart(left, device, progress, save)
        if full := next((error for error in failures.values() if isinstance(error, StoreFailure)), None):
            return failures | {block.experiment.key: full for each in batches[place + 1 :] for block in each}
    return failures


def train_apart(missing: list[Block], device: torch.device, progress: Progress, save: Save) -> dict[str, Exception]:
    """Train blocks of experiments with equal batch keys, and save each.

    If that fails, each experiment is trained alone, so that one failure does not affect the others.

    Returns:
        Experiment key -> the exception that has ended its training, for those that have failed.
    """
    left = list(missing)
    try:
        for block, result, seconds in train_blocks(missing, device, progress):
            save(block, result, seconds)
            left.remove(block)
        return {}
    except Exception as error:
        if device.type == "cuda":
            _let_go(error)
        # A full store stays full: what has not been stored now is not trained again one by one.
        if isinstance(error, StoreFailure) or len({block.experiment.key for block in missing}) == 1:
            return {block.experiment.key: error for block in left}
    failures: dict[str, Exception] = {}
    for key in dict.fromkeys(block.experiment.key for block in left):
        failures |= train_apart([block for block in left if block.experiment.key == key], device, progress, save)
    return failures


def _let_go(error: BaseException | None) -> None:
    """Free the tensors in the frames of an exception and its causes; their lines stay for the traceback."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def about_training(block: Block, seconds: float) -> dict[str, Any]:
    """What the store notes of a training beside its result."""
    gpu = {"gpu": torch.cuda.get_device_name()} if block.device == "cuda" else {}
    recipe, seeds = canonical(block.experiment), list(block.seeds)
    return {"recipe": recipe, "seeds": seeds, "device": block.device, "seconds": seconds, **gpu}


class Begun:
    """What trainings begin with, as `begins_with` tells it: drawn once for each recipe of data and start, and seed.

    What has been told of several seeds is believed if the first of them draws it now, unless the recipe's draws look up
    what no key can tell.

    Args:
        kept: where it is kept, if it may be believed later.
    """

    def __init__(self, kept: Folder | None = None) -> None:
        self._kept, self._known = kept, dict[tuple[str, int], tuple[int, int]]()
        self._together = set[tuple[str, tuple[int, ...]]]()

    def __call__(
        self, experiment: Experiment, seeds: Sequence[int], told: Sequence[tuple[int, int]] = ()
    ) -> list[tuple[int, int]]:
        """Digests of each seed's data and start; `told` by a training of them in this process, if at all.

        Cost: a draw of those that are not known.
        """
        return self._each(experiment, seeds, True, told)

    def of_data(self, experiment: Experiment, seeds: Sequence[int]) -> list[tuple[int, int]]:
        """The same of the data alone, as if nothing were drawn for the start."""
        return self._each(experiment, seeds, False)

    def is_told(self, experiment: Experiment, seeds: Sequence[int], *, start: bool) -> bool:
        """Whether the data of all these seeds, and the start too, have been told before, here or where it is kept."""
        state = self._state(experiment, start)
        unknown = [seed for seed in seeds if (state, seed) not in self._known]
        return not unknown or ((place := self._place(state, unknown)) is not None and place.load() is not None)

    @states_told_once()
    def keep(self, experiment: Experiment, seeds: Sequence[int], *, start: bool) -> None:
        """Keep what is known of seeds that were told some at a time, for a run that asks for all of them at once."""
        state = self._state(experiment, start)
        if (state, tuple(seeds)) in self._together:
            return
        self._together.add((state, tuple(seeds)))
        place = self._place(state, seeds) if _believed(experiment, seeds, start) else None
        if place is not None and place.load() is None:
            place.save(_part(self._known[state, seed] for seed in seeds))

    @states_told_once()
    def _each(
        self, experiment: Experiment, seeds: Sequence[int], start: bool, told: Sequence[tuple[int, int]] = ()
    ) -> list[tuple[int, int]]:
        def drawn(seed: int) -> tuple[int, int]:
            return begins_with(experiment, seed, None if start else {})

        state = self._state(experiment, start)
        if unknown := [seed for seed in seeds if (state, seed) not in self._known]:
            first, *others = unknown
            alike = _believed(experiment, unknown, start)
            place = self._place(state, unknown) if alike else None
            said = {seed: each for seed, each in zip(seeds, told, strict=False) if alike and seed in unknown}
            if not said and place is not None and (kept := place.load()) is not None:
                said = {seed: (a, b) for seed, (a, b) in zip(unknown, kept.tensors["drawn"].tolist(), strict=True)}
            found = {first: drawn(first)}
            if said.get(first) == found[first]:
                found |= said
            else:
                found |= {seed: drawn(seed) for seed in others}
            if place is not None and (told or not said or found != said):
                place.save(_part(found[seed] for seed in unknown))
            self._known |= {(state, seed): each for seed, each in found.items()}
        return [self._known[state, seed] for seed in seeds]

    def _state(self, experiment: Experiment, start: bool) -> str:
        own = f"{experiment.start} {experiment.dtype}" if start else "data"
        return f"{own} {state_of(_drawn_of(experiment, start))}"

    def _place(self, state: str, seeds: Sequence[int]) -> Place | None:
        key = digest("begun", state, tuple(seeds))
        return None if self._kept is None else Place(self._kept, key, "what seeds draw", [])


def _believed(experiment: Experiment, seeds: Sequence[int], start: bool) -> bool:
    """Whether what the first of several seeds draws tells what the others do, as no code looks up what no key tells."""
    code = reached(_drawn_of(experiment, start))
    return len(seeds) > 1 and not (code.reads or code.untold)


def _part(drawn: Iterable[tuple[int, int]]) -> Part:
    return Part("", {"drawn": torch.tensor(list(drawn))}, {})


def _drawn_of(experiment: Experiment, start: bool) -> tuple[Any, ...]:
    """The recipes of what is drawn: of the data, and of the start too."""
    return (experiment.data, experiment.model, experiment.after) if start else (experiment.data, experiment.after)


def drawn_otherwise(block: Block, result: TrainingResult, begun: Begun, *, trained: bool) -> str:
    """Why a stored result is not of what the block's seeds draw now, in words; "" if it is.

    The key is of the code that can be followed; what is looked up at run time is seen here. What this process has
    `trained` itself has just been drawn, and is drawn again for the first seed alone.
    """
    label, drawn = block.experiment.label(), result.arrays.get("drawn")
    if drawn is None:
        return f"of {label} does not tell what it was trained on"
    told = [(data, start) for data, start in drawn.tolist()]
    now = begun(block.experiment, block.seeds, told if trained else ())
    for seed, was, (data, start) in zip(block.seeds, told, now, strict=True):
        if was != (data, start):
            how = "trained on other data" if was[0] != data else "trained from another start"
            return f"of {label} was {how} (seed {seed})"
    return ""


def names(missing: list[Block]) -> str:
    """A short name for the experiments of some blocks."""
    labels = list(dict.fromkeys(block.experiment.label() for block in missing))
    return labels[0] if len(labels) == 1 else f"{labels[0]} and {len(labels) - 1} more"
