"""The content-addressed store of finished trainings: persistent across runs, shared by workers, safe against kills.

A key is the digest of all that a result depends on (`gen_core.lab.plan.Block.key`). An entry is two files,
KEY.safetensors and KEY.json; the second has the digest of the first, the types and shapes in it, and a seal of its own.
Both are written under temporary names (KEY.HOST.PID.part) and renamed, the JSON last: without it, there is no entry.
Temporary files of a killed process are removed when the key is trained again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import Timeout
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from gen_core.errors import StoreFailure
from gen_core.lab.locks import Locks
from gen_core.measuring.folder import Folder, remove_values
from gen_core.records.ignored import make_ignored
from gen_core.records.seal import broken_seal, sealed
from gen_core.training.result import TrainingResult

DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, SafetensorError)
"""What the reading of a damaged entry may raise."""

DAY = 24 * 3600.0


@dataclass(frozen=True)
class Entry:
    """A stored result: its note (recipe, seeds, device), its size in bytes, and when it was last used (Unix time)."""

    key: str
    about: dict[str, Any]
    size: int
    used: float


class Store:
    """A folder of results.

    Args:
        root: the folder; created on the first save, and then ignored by git.
        locks: the kind of its locks; see `gen_core.lab.locks.Locks`.

    Attributes:
        notes: one line for every entry that `load` has removed, and one for a file system without locks.
    """

    def __init__(self, root: Path, locks: str = "auto") -> None:
        self.root = root
        self.notes: list[str] = []
        self._locks = Locks(root, locks, self.notes)

    def has(self, key: str) -> bool:
        """Whether there is an entry; it may still turn out to be damaged on reading."""
        return self._path(key, "json").is_file()

    def load(self, key: str, refusal: Callable[[TrainingResult], str] = lambda result: "") -> TrainingResult | None:
        """A result, or None where there is none. An entry that is damaged or refused is removed and told in `notes`.

        Do not hold the key's lock: removal acquires it.

        Args:
            key: the key.
            refusal: result -> why it is not to be used, such as "was trained on other data"; "" where it may be.
        """
        if not self.has(key):
            return None
        found, why = self._attempt(key, refusal)
        if not why:
            return found
        with self.locked([key], wait=True):  # another process may be training it again; do not remove its entry
            if not self.has(key):
                return None
            found, why = self._attempt(key, refusal)
            if why:
                self.notes.append(f"store entry {key[:12]} {why}; it is trained again")
                self._remove(key)
            return found

    def save(self, key: str, result: TrainingResult, about: dict[str, Any]) -> None:
        """Save a result, with `about` in the JSON beside it. The caller holds the key's lock.

        Raises:
            StoreFailure: if the folder is full or cannot be written; nothing is left of the entry.
        """
        arrays, note = self._path(key, "safetensors"), self._path(key, "json")
        part = arrays.with_suffix(f".{platform.node()}.{os.getpid()}.part")
        whole = False
        try:
            make_ignored(self.root)
            arrays.parent.mkdir(exist_ok=True)
            self._remove(key)
            for left in arrays.parent.iterdir():
                if left.name.startswith(f"{key}.") and left.suffix == ".part":
                    left.unlink()
            save_file({name: array.contiguous() for name, array in result.arrays.items()}, part)
            metadata = {**about, "key": key, "stopped_by": result.stopped_by, "sha256": _sha256(part)}
            text = json.dumps(sealed({**metadata, "arrays": _layout(result)}), indent=1)
            os.replace(part, arrays)
            part.write_text(text, encoding="utf-8")
            os.replace(part, note)
            whole = True
        except (OSError, SafetensorError) as error:
            raise self._failure(error) from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
                if not whole:
                    self._remove(key)

    @contextlib.contextmanager
    def locked(self, keys: Sequence[str], *, wait: bool) -> Iterator[bool]:
        """Hold the locks of keys, always acquired in sorted order, so that no two processes train one key.

        A killed process holds no lock: the operating system frees it, or others find its lease not renewed. On a file
        system without locks the lock is a file, which other processes find abandoned after a kill.

        Args:
            keys: the keys to hold.
            wait: whether to wait for their holders; otherwise yields False at once if one is held.

        Raises:
            StoreFailure: if the folder is full or cannot be written.
        """
        with contextlib.ExitStack() as held:
            try:
                for key in sorted(set(keys)):
                    held.callback(self._locks.acquire(key, -1 if wait else 0))
            except Timeout:
                held.close()
                yield False
                return
            except OSError as error:
                raise self._failure(error) from error
            yield True

    def prune(self, days: float) -> str:
        """Remove what no process has read or written for some days, with locks and leftovers of killed processes.

        Returns:
            What was removed, in one line.
        """
        before = time.time() - days * DAY
        used = {key: max((path.stat().st_mtime for path in self._files(key)), default=0) for key in self._known()}
        removed, size = self.remove(key for key, last in used.items() if last <= before)
        remove_values(value for value in Folder(self.root).values() if value.used <= before)
        return f"store: {removed} results removed that were not used for {days:g} days, {size / 2**20:.1f} MiB"

    def entries(self) -> list[Entry]:
        """What is stored, by when it was last used; an entry whose note is damaged has no recipe."""
        found = []
        for key in filter(self.has, self._known()):
            about: dict[str, Any] = {}
            with contextlib.suppress(*DAMAGE):
                note = json.loads(self._path(key, "json").read_text(encoding="utf-8"))
                about = {} if broken_seal(note) else dict(note)
            with contextlib.suppress(OSError):  # removed at this moment
                size = sum(path.stat().st_size for path in self._files(key))
                found.append(Entry(key, about, size, self._path(key, "json").stat().st_mtime))
        return sorted(found, key=lambda entry: entry.used)

    def remove(self, keys: Iterable[str]) -> tuple[int, int]:
        """Remove entries with their locks and leftovers, except those that a process holds.

        Returns:
            The number of results that were removed, and their size in bytes.
        """
        removed = size = 0
        for key in keys:
            with contextlib.suppress(OSError, StoreFailure), self.locked([key], wait=False) as held:
                if held:
                    removed += self.has(key)
                    for path in self._files(key):
                        size += path.stat().st_size
                        path.unlink(missing_ok=True)
        return removed, size

    def _known(self) -> list[str]:
        """The keys of entries, locks and leftovers."""
        return sorted({path.name.partition(".")[0] for path in self.root.glob("*/*.*")})

    def _files(self, key: str) -> list[Path]:
        files = (*self._path(key, "json").parent.glob(f"{key}.*"), *(self.root / "locks").glob(f"{key}.*"))
        return [path for path in files if path.is_file()]

    def _attempt(self, key: str, refusal: Callable[[TrainingResult], str]) -> tuple[TrainingResult | None, str]:
        """The result of an entry, or None and why it is not to be used."""
        try:
            found = self._read(key)
        except DAMAGE as error:
            return None, f"is damaged ({type(error).__name__}: {error})"
        why = refusal(found)
        return (None, why) if why else (found, "")

    def _read(self, key: str) -> TrainingResult:
        metadata = json.loads(self._path(key, "json").read_text(encoding="utf-8"))
        arrays = self._path(key, "safetensors")
        if broken_seal(metadata):
            raise ValueError("its note is not as it was written")
        if metadata["key"] != key:
            raise ValueError(f"it holds the entry {metadata['key'][:12]}")
        if (found := _sha256(arrays)) != metadata["sha256"]:
            raise ValueError(f"its arrays have digest {found[:12]}; expected {metadata['sha256'][:12]}")
        result = TrainingResult(load_file(arrays), tuple(metadata["stopped_by"]))
        layout = _layout(result)
        seeds = {array.shape[0] if array.ndim else -1 for array in result.arrays.values()}
        if metadata.get("arrays", layout) != layout or not seeds <= {len(result.stopped_by)}:
            raise ValueError("its arrays are not those of its note")
        with contextlib.suppress(OSError):  # a store that is only read
            os.utime(self._path(key, "json"))
        return result

    def _remove(self, key: str) -> None:
        for path in (self._path(key, "json"), self._path(key, "safetensors")):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _failure(self, error: Exception) -> StoreFailure:
        reason = getattr(error, "strerror", None) or error
        return StoreFailure(f"--store {self.root}: cannot keep a training ({reason}); expected room, or another folder")

    def _path(self, key: str, kind: str) -> Path:
        return self.root / key[:2] / f"{key}.{kind}"


def _layout(result: TrainingResult) -> dict[str, list[Any]]:
    """Name -> type and shape of each array."""
    return {name: [str(array.dtype), list(array.shape)] for name, array in sorted(result.arrays.items())}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
