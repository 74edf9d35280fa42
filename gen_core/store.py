"""The content-addressed store of finished trainings: kept across runs, shared by workers, safe against kills.

A key is the digest of all that a result depends on; an entry is two files, KEY.safetensors and KEY.json, the second
with the digest of the first. Both are written to temporary names and renamed, the JSON last: an entry without it does
not exist.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from safetensors.torch import load_file, save_file

from gen_core import activations, layers, losses, models, networks, newton, rules, run, seeding, trainer
from gen_core.experiment import Experiment
from gen_core.recipe import code_of, code_of_modules, digest
from gen_core.run import Trained, check_data

MODULES = (activations, layers, losses, models, networks, newton, rules, run, seeding, trainer)
"""The code that every result depends on, beside the modules that define its recipe's types."""


def result_key(experiment: Experiment, seeds: Sequence[int], device: torch.device) -> str:
    """Key of the result of a seed block: recipe, seeds, code, data files, torch, device kind and threads.

    Raises:
        DataMissing, DataDamaged: if the recipe reads files that cannot be read.
    """
    parts = (experiment.data, experiment.model, experiment.rule, experiment.loss)
    return digest(
        experiment,
        tuple(seeds),
        code_of_modules(*MODULES),
        code_of(parts),
        check_data(experiment),
        str(torch.__version__),
        device.type,
        torch.get_num_threads(),
    )


class Store:
    """A folder of results.

    Args:
        root: the folder; made when something is saved.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.damaged: list[str] = []

    def has(self, key: str) -> bool:
        """Whether there is an entry; only reading it tells whether it is whole."""
        return self._path(key, "json").is_file()

    def load(self, key: str) -> Trained | None:
        """A result, or None where there is none. A damaged entry is removed and named in `damaged`."""
        arrays, note = self._path(key, "safetensors"), self._path(key, "json")
        if not note.is_file():
            return None
        try:
            told = json.loads(note.read_text(encoding="utf-8"))
            found = hashlib.sha256(arrays.read_bytes()).hexdigest()
            if found != told["sha256"]:
                raise ValueError(f"{arrays.name} has digest {found[:12]}, expected {told['sha256'][:12]}")
            return Trained(load_file(arrays), tuple(told["stopped_by"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            self.damaged.append(f"store entry {key[:12]} is damaged ({error}); made again")
            note.unlink(missing_ok=True)
            arrays.unlink(missing_ok=True)
            return None

    def save(self, key: str, trained: Trained, about: dict[str, Any]) -> None:
        """Keep a result, with what the JSON beside it says of it."""
        path = self._path(key, "safetensors")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            save_file({name: array.contiguous() for name, array in trained.arrays.items()}, part)
            note = {**about, "stopped_by": trained.stopped_by, "sha256": hashlib.sha256(part.read_bytes()).hexdigest()}
            note_part = self._path(key, "json").with_suffix(f".{os.getpid()}.note")
            note_part.write_text(json.dumps(note, indent=1), encoding="utf-8")
            os.replace(part, path)
            os.replace(note_part, self._path(key, "json"))
        finally:
            part.unlink(missing_ok=True)

    @contextlib.contextmanager
    def locked(self, keys: Sequence[str], *, wait: bool) -> Iterator[bool]:
        """Hold the locks of keys, in one order everywhere, so that no two processes train one key.

        Args:
            keys: the keys to hold.
            wait: wait for their holders; otherwise yield False at once where one is held.
        """
        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as held:
            try:
                for key in sorted(keys):
                    held.enter_context(FileLock(folder / f"{key}.lock", timeout=-1 if wait else 0))
            except Timeout:
                yield False
                return
            yield True

    def _path(self, key: str, kind: str) -> Path:
        return self.root / key[:2] / f"{key}.{kind}"
