"""The content-addressed store of finished trainings: persistent across runs, shared by workers, safe against kills.

A key is the digest of all that a result depends on (`gen_core.lab.plan.Block.key`). An entry is two files,
KEY.safetensors and KEY.json, the second with the digest of the first. Both are written under temporary names
(KEY.PID.part) and renamed, the JSON last: without it, there is no entry. Temporary files of a killed process are
removed when the key is trained again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from safetensors.torch import load_file, save_file

from gen_core.training.result import TrainingResult


class Store:
    """A folder of results.

    Args:
        root: the folder; created on the first save.

    Attributes:
        damaged: one line for every damaged entry that `load` has found.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.damaged: list[str] = []

    def has(self, key: str) -> bool:
        """Whether there is an entry; it may still turn out to be damaged on reading."""
        return self._path(key, "json").is_file()

    def load(self, key: str) -> TrainingResult | None:
        """A result, or None where there is none. A damaged entry is removed and reported in `damaged`.

        Do not hold the key's lock: removal acquires it.
        """
        if not self.has(key):
            return None
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return self._read(key)
        with self.locked([key], wait=True):  # another process may be training it again; do not remove its entry
            if not self.has(key):
                return None
            try:
                return self._read(key)
            except (OSError, ValueError, KeyError, TypeError) as error:
                self.damaged.append(
                    f"store entry {key[:12]} is damaged ({type(error).__name__}: {error}); it is trained again"
                )
                self._path(key, "json").unlink(missing_ok=True)
                self._path(key, "safetensors").unlink(missing_ok=True)
                return None

    def save(self, key: str, result: TrainingResult, about: dict[str, Any]) -> None:
        """Save a result, with `about` in the JSON beside it. The caller holds the key's lock."""
        arrays, note = self._path(key, "safetensors"), self._path(key, "json")
        arrays.parent.mkdir(parents=True, exist_ok=True)
        for left in arrays.parent.glob(f"{key}.*.part"):
            left.unlink()
        part = arrays.with_suffix(f".{os.getpid()}.part")
        save_file({name: array.contiguous() for name, array in result.arrays.items()}, part)
        metadata = {**about, "key": key, "stopped_by": result.stopped_by, "sha256": _sha256(part)}
        os.replace(part, arrays)
        part.write_text(json.dumps(metadata, indent=1), encoding="utf-8")
        os.replace(part, note)

    @contextlib.contextmanager
    def locked(self, keys: Sequence[str], *, wait: bool) -> Iterator[bool]:
        """Hold the locks of keys, always acquired in sorted order, so that no two processes train one key.

        A killed process holds no lock: the operating system frees it.

        Args:
            keys: the keys to hold.
            wait: whether to wait for their holders; otherwise yields False at once if one is held.
        """
        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as held:
            try:
                for key in sorted(set(keys)):
                    held.enter_context(FileLock(folder / f"{key}.lock", timeout=-1 if wait else 0))
            except Timeout:
                held.close()
                yield False
                return
            yield True

    def _read(self, key: str) -> TrainingResult:
        metadata = json.loads(self._path(key, "json").read_text(encoding="utf-8"))
        arrays = self._path(key, "safetensors")
        if metadata["key"] != key:
            raise ValueError(f"it holds the entry {metadata['key'][:12]}")
        if (found := _sha256(arrays)) != metadata["sha256"]:
            raise ValueError(f"its arrays have digest {found[:12]}; expected {metadata['sha256'][:12]}")
        return TrainingResult(load_file(arrays), tuple(metadata["stopped_by"]))

    def _path(self, key: str, kind: str) -> Path:
        return self.root / key[:2] / f"{key}.{kind}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
