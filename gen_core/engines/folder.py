"""The folder between the processes of pytest and the engine's own: what is asked, how it has ended, a sign of life.

units/ORDER-NAME    a unit, as its header in one line of JSON and its payload
planned             the units of the first looks are all there
ended/KEY           how a block has ended: a word, and after it the error or the reason
state.json          the engine's resources and counts, written again and again
over                why there is no engine any more, in one line
owned               paths elsewhere that are the engine's, a line each
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

STORED, FAILED, REFUSED = "stored", "failed", "refused"
"""How a block ends: its result is in the store, its training has raised, or who asked is to train it."""

SETTLED = 2.0
"""Seconds after its last change in which a folder is listed again: a file that came with that change may be missing."""


@dataclass(frozen=True)
class Unit:
    """Blocks that are trained as one batch, as who asks for them would train them.

    Attributes:
        keys: keys of the blocks.
        needs: keys of the blocks of their teachers, which are to be in the store before.
        seconds: estimated time.
        what: a short name.
        paths: where the modules of the recipes are found.
        data: folder of the data sets, or "".
        gpu: whether it takes one.
        payload: the blocks, for the node; empty where it is left in the unit's file.
    """

    keys: tuple[str, ...]
    needs: tuple[str, ...]
    seconds: float
    what: str
    paths: tuple[str, ...]
    data: str
    gpu: bool
    payload: bytes = field(repr=False)

    def written(self) -> bytes:
        """The unit as the contents of a file."""
        return json.dumps(asdict(self) | {"payload": None}).encode() + b"\n" + self.payload

    @classmethod
    def read(cls, header: bytes) -> Unit:
        """The unit of a file's first line, without its payload."""
        values = json.loads(header) | {"payload": b""}
        parts: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**parts)


class EngineFolder:
    """One run's folder, of this user alone.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._seen: set[str] = set()
        self._listed = 0
        self._paths: dict[tuple[str, ...], tuple[str, ...]] = {}

    @classmethod
    def of_run(cls, run: str) -> EngineFolder:
        """The folder of a run, the same in all its processes; in no record, since units name paths of this machine."""
        return cls(Path(tempfile.gettempdir()) / f"gen-core-engine-{run}")

    def create(self) -> None:
        """Make it.

        Raises:
            OSError: if it is there, or cannot be made.
        """
        self.root.mkdir(mode=0o700)
        for name in ("units", "ended"):
            (self.root / name).mkdir()

    def put(self, unit: Unit, order: int, name: str) -> None:
        """Ask for a unit; of two with one name there is one."""
        self._write(f"units/{order:08d}-{name}", unit.written())

    def new_units(self) -> list[tuple[str, Unit]]:
        """The units that were not read yet, with the names of their files, in their order, without payloads.

        Cost: one look at the folder where nothing has been put since it was last listed.
        """
        units = self.root / "units"
        if (changed := units.stat().st_mtime_ns) == self._listed:
            return []
        self._listed = changed if time.time_ns() - changed > SETTLED * 1e9 else 0
        names = sorted(set(os.listdir(units)) - self._seen)
        names = [name for name in names if not name.endswith(".part")]
        self._seen.update(names)
        return [(name, self._read(units / name)) for name in names]

    def _read(self, path: Path) -> Unit:
        with path.open("rb") as file:
            unit = Unit.read(file.readline())
        return replace(unit, paths=self._paths.setdefault(unit.paths, unit.paths))  # one for all that have the same

    def whole(self, name: str, unit: Unit) -> Unit:
        """A unit with the payload that is in its file."""
        return replace(unit, payload=(self.root / "units" / name).read_bytes().partition(b"\n")[2])

    @property
    def planned(self) -> bool:
        """Whether the units of the first looks are all there."""
        return (self.root / "planned").exists()

    def say_planned(self) -> None:
        """Say that the units of the first looks are all there."""
        self._write("planned", b"")

    def end(self, keys: Sequence[str], how: str, why: bytes = b"") -> None:
        """Say how blocks have ended."""
        for key in keys:
            self._write(f"ended/{key}", f"{how}\n".encode() + why)

    def ended(self, key: str) -> tuple[str, bytes] | None:
        """How a block has ended and why, or None."""
        try:
            how, _, why = (self.root / "ended" / key).read_bytes().partition(b"\n")
        except OSError:
            return None
        return how.decode(), why

    def say_state(self, state: dict[str, Any]) -> None:
        """Say the engine's resources and counts, as a sign of life."""
        self._write("state.json", json.dumps(state).encode())

    def state(self) -> dict[str, Any]:
        """What the engine has said last; empty before."""
        try:
            return json.loads((self.root / "state.json").read_bytes())
        except (OSError, ValueError):
            return {}

    def say_over(self, why: str) -> None:
        """Say why there is no engine any more; the first reason stays."""
        if not self.over():
            self._write("over", " ".join(why.split()).encode())

    def over(self) -> str:
        """Why there is no engine any more, in one line; "" while there is one."""
        try:
            return (self.root / "over").read_text(encoding="utf-8") or "it has ended"
        except FileNotFoundError:
            return "" if self.root.is_dir() else "its folder is gone"

    def own(self, path: Path) -> None:
        """Note a file or folder elsewhere that the engine is about to make, so that `remove` does."""
        with (self.root / "owned").open("a", encoding="utf-8") as out:
            out.write(f"{path}\n")

    def remove(self, itself: bool = True) -> None:
        """Remove what the engine has made elsewhere, and the folder `itself`."""
        try:
            owned = (self.root / "owned").read_text(encoding="utf-8").splitlines()
        except OSError:
            owned = []
        for path in (*map(Path, owned), *[self.root] * itself):
            shutil.rmtree(path, ignore_errors=True)
            with contextlib.suppress(OSError):  # no folder, or not there
                path.unlink()

    def _write(self, name: str, contents: bytes) -> None:
        path = self.root / name
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.write_bytes(contents)
        os.replace(part, path)
