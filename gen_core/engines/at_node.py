"""On a node: the training of a unit. A function of the unit alone, once its keys are those of who asks."""

from __future__ import annotations

import functools
import os
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gen_core.engines.parcels import Parcel, packed, unpacked
from gen_core.errors import GenCoreError, StoreFailure
from gen_core.experiment import Experiment
from gen_core.lab import Block, Event, Store
from gen_core.lab.work import about_training, train_apart
from gen_core.training.device import fix_numerics, keep_freed_memory
from gen_core.training.result import TrainingResult
from gen_core.training.slots import provide_device, slot_on
from gen_core.training.teachers import provide_teachers

Described = tuple[Experiment, tuple[int, ...], str]
"""A block: experiment, seeds, kind of device."""


def describe_blocks(blocks: Sequence[Block], teachers: Sequence[Block]) -> bytes:
    """The payload of a unit: blocks to train, and those of their teachers.

    Raises:
        Exception: of any kind, where a recipe cannot be pickled.
    """
    wanted = [(block.experiment, block.seeds, block.device, block.key, block.surroundings) for block in blocks]
    return pickle.dumps((wanted, [(block.experiment, block.seeds, block.device) for block in teachers]))


def train_units(
    asked: Sequence[tuple[bytes, str]], seen: tuple[str, str], node: str, taught: Sequence[Parcel]
) -> list[dict[str, Any]]:
    """Train the units of a task here, one after the other; what one raises is for it alone.

    Args:
        asked: the payload of each, and its folder of data sets.
        seen: as for `train_unit`.
        node: name of this node.
        taught: the results of the teachers' blocks; a task of several units has none.

    Returns:
        For each what `train_unit` returns, or `raised`, a pickled exception.
    """
    values: list[dict[str, Any]] = []
    for payload, data in asked:
        try:
            values.append(train_unit(payload, data, seen, node, taught))
        except Exception as error:
            values.append({"raised": _pickled(error)})
    return values


def train_unit(payload: bytes, data: str, seen: tuple[str, str], node: str, taught: Sequence[Parcel]) -> dict[str, Any]:
    """Train a unit here.

    Args:
        payload: see `describe_blocks`.
        data: folder of the data sets of who asks, taken where it is here too and none is named.
        seen: a file in the store's folder, and what is in it if the folder is seen from here.
        node: name of this node, for the records.
        taught: the results of the teachers' blocks.

    Returns:
        In builtins: `refused`, why nothing was trained, in one line; or `blocks`, key -> `event` and `about` for the
        records, and a parcel unless it `is stored`; and `failed`, key -> a pickled exception.
    """
    fix_numerics()
    keep_freed_memory()
    if data and Path(data).is_dir():
        os.environ.setdefault("GEN_CORE_DATA", data)
    try:
        wanted, teachers = pickle.loads(payload)
        blocks = {}
        for experiment, seeds, device, key, theirs in wanted:
            block = Block(replace(experiment), seeds, device)  # anew: what was computed elsewhere is pickled with it
            if block.key != key:
                return {"refused": _difference(block, theirs)}
            blocks[key] = block
    except Exception as error:  # modules, data files or attributes that are not here
        return {"refused": f"it has other code or data ({type(error).__name__}: {error})"}
    results = [
        (Block(replace(experiment), seeds, device), unpacked(parcel))
        for (experiment, seeds, device), parcel in zip(teachers, taught, strict=True)
    ]

    def finals(teacher: Experiment, seed: int) -> Mapping[str, Tensor]:
        for block, result in results:
            if block.experiment.key == teacher.key and seed in block.seeds:
                return result.finals(block.seeds.index(seed))
        raise GenCoreError(f"the teacher {teacher.label()} of seed {seed} was not sent; expected it with its student")

    kind = torch.device(next(iter(blocks.values())).device)
    provide_teachers(finals)
    provide_device(kind)
    done: dict[str, dict[str, Any]] = {}

    def save(block: Block, result: TrainingResult, seconds: float) -> None:
        experiment = block.experiment
        event = Event(experiment.label(), block.key, len(block.seeds), seconds, experiment.key, node)
        about = about_training(block, seconds) | {"node": node}
        there = {"is stored": True} if _stored(block.key, result, about, seen) else packed(result)
        done[block.key] = {"event": asdict(event), "about": about, **there}

    with slot_on(kind) as device:
        assert device is not None
        failures = train_apart(list(blocks.values()), device, lambda what, share: None, save)
    failed = {k: _pickled(failures[b.experiment.key]) for k, b in blocks.items() if k not in done}
    return {"refused": "", "blocks": done, "failed": failed}


def _difference(block: Block, theirs: Mapping[str, str | int]) -> str:
    own = block.surroundings
    for name, value in theirs.items():
        if own[name] != value:
            return f"its {name} is {str(own[name])[:20]}; expected {str(value)[:20]}"
    return "it reads another recipe"


def _pickled(error: Exception) -> bytes:
    """An exception in bytes; one that cannot be made again elsewhere as its words."""
    try:
        if str(pickle.loads(pickled := pickle.dumps(error))) == str(error):
            return pickled
    except Exception:
        pass
    return pickle.dumps(GenCoreError(f"{type(error).__name__}: {error}"))


def _stored(key: str, result: TrainingResult, about: dict[str, Any], seen: tuple[str, str]) -> bool:
    """Whether the store is seen from here, and a result is in it now."""
    marker = Path(seen[0])
    try:
        if marker.read_text(encoding="utf-8") != seen[1]:
            return False
        store = _store(marker.parent)
        with store.locked([key], wait=False) as held:
            if held and not store.has(key):
                store.save(key, result, about)
            return held
    except (OSError, StoreFailure):
        return False


@functools.cache
def _store(root: Path) -> Store:
    """The store in a folder, which is asked once for the kind of its locks."""
    return Store(root)
