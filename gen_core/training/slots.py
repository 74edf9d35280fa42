"""Slots: who computes on a GPU now.

Each card has some slots, lock files that all processes of a user on this machine share, whatever run and store
they belong to. Who trains, or measures what is heavy, takes one, of any card; all others go on with what needs none. A
killed process holds no slot: the operating system frees it.

A slot is taken before any other lock. So who waits for a slot holds nothing that others wait for, and no two processes
wait for each other. A process has one slot at a time: within it, asking again gives the same card.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from gen_core.errors import StoreFailure
from gen_core.training.device import SLOTS

LOOK_AGAIN = 0.1
"""Seconds between two looks for a free slot; a look takes some 10 us a slot."""


def lock_folder() -> Path:
    """The folder of a user's slots on this machine."""
    return Path(tempfile.gettempdir()) / f"gen-core-{os.getuid() if hasattr(os, 'getuid') else 'slots'}"


class Slots:
    """The slots of some cards.

    Args:
        cards: a name for each card that tells it from all others of the machine.
        folder: where the lock files are.
        each: slots of a card.

    Attributes:
        card: the place in `cards` of the card whose slot this process has, or None.
    """

    def __init__(self, cards: Sequence[str], folder: Path, each: int = SLOTS) -> None:
        self.card: int | None = None
        # First slots first, so that a second process on a card comes after a first one on each.
        self._files = [
            (place, folder / f"gpu-{card}.{slot}.lock") for slot in range(each) for place, card in enumerate(cards)
        ]

    @contextmanager
    def taken(self, enough: Callable[[], bool]) -> Iterator[int | None]:
        """Hold a slot; gives its card's place in `cards`.

        Args:
            enough: asked while all slots are taken; where it is true, the wait ends with None.

        Raises:
            StoreFailure: if the folder cannot be written.
        """
        if self.card is not None:
            yield self.card
            return
        while (found := self._free()) is None:
            if enough():
                yield None
                return
            time.sleep(LOOK_AGAIN)
        self.card, lock = found
        try:
            yield self.card
        finally:
            self.card = None
            lock.release()

    def _free(self) -> tuple[int, FileLock] | None:
        for place, file in self._files:
            lock = FileLock(file)
            try:
                file.parent.mkdir(mode=0o700, exist_ok=True)
                lock.acquire(timeout=0)
            except Timeout:
                continue
            except OSError as error:
                raise StoreFailure(
                    f"{file.parent}: no lock for a GPU ({error.strerror}); expected a folder to write to (set TMPDIR)"
                ) from error
            return place, lock
        return None


@cache
def of_visible_cards() -> Slots:
    """The slots of the cards that this process sees. They are told apart by their UUIDs, whatever their order here."""
    count = torch.cuda.device_count()
    return Slots([str(torch.cuda.get_device_properties(i).uuid) for i in range(count)], lock_folder())


@contextmanager
def slot_on(kind: torch.device, enough: Callable[[], bool] = lambda: False) -> Iterator[torch.device | None]:
    """A device of a kind, held for as long as the block lasts. What was cached on a GPU is given back at its end.

    Args:
        kind: "cpu", which is given at once, or "cuda".
        enough: ends a wait, with None; see `Slots.taken`.
    """
    if kind.type != "cuda":
        yield kind
        return
    slots = of_visible_cards()
    outer = slots.card is None
    with slots.taken(enough) as card:
        if card is None:
            yield None
            return
        with torch.cuda.device(card):
            try:
                yield torch.device("cuda", card)
            finally:
                if outer:
                    _clear_workspaces()
                    torch.cuda.empty_cache()


_clear_workspaces = getattr(torch._C, "_cuda_clearCublasWorkspaces", lambda: None)
"""cuBLAS has 32 MiB for each stream on which a process has multiplied, which no public function of torch frees."""

_kind = [torch.device("cpu")]


def provide_device(kind: torch.device) -> None:
    """Say on which kind of device this process computes."""
    _kind[:] = [kind]


@contextmanager
def device_in_slot() -> Iterator[torch.device]:
    """The device of this process, held for as long as the block lasts: the CPU, or a GPU once a slot is free.

    Do not return tensors on it from the block: the memory is for the next process then.
    """
    with slot_on(_kind[0]) as found:
        assert found is not None
        yield found
