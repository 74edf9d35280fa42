"""The folder of what measures gave: one file for each measure, arguments and block of seeds, in the store of trainings.

A file is the SHA-256 of what follows, 64 characters, then safetensors with a note among its metadata. It is written
under another name and renamed. One that is damaged is taken for none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load, save

from gen_core.measuring.parts import Part
from gen_core.records.ignored import make_ignored

FOLDER = "measured"
DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, SafetensorError)


class Folder:
    """What measures gave, in the folder `measured` of a store.

    Args:
        store: the folder of the store.
    """

    def __init__(self, store: Path) -> None:
        self.root = store / FOLDER

    def load(self, key: str) -> Part | None:
        """What is kept under a key; None where there is nothing, or it is damaged."""
        try:
            found = self._path(key).read_bytes()
            digest, whole = found[:64], found[64:]
            if hashlib.sha256(whole).hexdigest().encode() != digest:
                return None
            size = int.from_bytes(whole[:8], "little")
            note = json.loads(json.loads(whole[8 : 8 + size])["__metadata__"]["note"])
            if note["key"] != key:
                return None
            with contextlib.suppress(OSError):  # a store that is only read
                os.utime(self._path(key))
            return Part(note["kind"], load(whole), note["common"])
        except DAMAGE:
            return None

    def save(self, key: str, part: Part, about: dict[str, Any]) -> None:
        """Keep a part. Nothing is raised where the folder is full or cannot be written: it is measured again, then.

        Args:
            key: its key.
            part: what the measure gave.
            about: plain values for those who list the folder: the measure's name, the keys of the trainings.
        """
        note = json.dumps({"key": key, "kind": part.kind, "common": part.common, **about})
        whole = save({name: each.contiguous() for name, each in part.tensors.items()}, {"note": note})
        path = self._path(key)
        before = path.with_name(f"{key}.{os.getpid()}.part")
        try:
            make_ignored(self.root.parent)
            path.parent.mkdir(parents=True, exist_ok=True)
            before.write_bytes(hashlib.sha256(whole).hexdigest().encode() + whole)
            before.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                before.unlink(missing_ok=True)

    def values(self) -> list[Value]:
        """What is kept; a file that is damaged is of no training."""
        found = []
        for path in self.root.glob("*/*"):
            with contextlib.suppress(OSError):  # removed at this moment
                about = path.stat()
                with contextlib.suppress(*DAMAGE):
                    found.append(Value(path, about.st_size, about.st_mtime, frozenset(_note(path)["trainings"])))
                    continue
                found.append(Value(path, about.st_size, about.st_mtime, frozenset()))
        return found

    def _path(self, key: str) -> Path:
        return self.root / key[:2] / key


def _note(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        size = int.from_bytes(file.read(72)[64:], "little")
        if size > path.stat().st_size:
            raise ValueError(f"a note of {size} bytes")
        return json.loads(json.loads(file.read(size))["__metadata__"]["note"])


class Value(NamedTuple):
    """A kept value: its file and size in bytes, when it was last used (Unix time), and the keys of its trainings."""

    path: Path
    size: int
    used: float
    trainings: frozenset[str]


def remove_values(values: Iterable[Value]) -> tuple[int, int]:
    """Remove kept values; returns their number and their size in bytes."""
    count = size = 0
    for value in values:
        with contextlib.suppress(OSError):
            value.path.unlink()
            count, size = count + 1, size + value.size
    return count, size


@dataclass(frozen=True)
class Place:
    """Where one value of a measure is kept: its key in a folder, the measure's name, and the keys of the trainings."""

    folder: Folder
    key: str
    name: str
    trainings: list[str]

    def load(self) -> Part | None:
        """What is kept there, if anything is."""
        return self.folder.load(self.key)

    def save(self, part: Part) -> None:
        """Keep it there."""
        self.folder.save(self.key, part, {"measure": self.name, "trainings": self.trainings})
