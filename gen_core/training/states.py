"""What the draws of a recipe depend on, as one digest: recipe, code, the files that it reads, torch's numbers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from gen_core.code.fingerprint import code_of
from gen_core.recipe import digest, recipes_within
from gen_core.training.device import numbers_of_torch

Told = dict[tuple[bool, tuple[int, ...]], tuple[Any, str]]
"""States by the recipe's identity, each with the recipe."""

_told: ContextVar[Told | None] = ContextVar("states that are told once", default=None)
"""None where each is told anew. No plain global: what the name stands for is part of the key of what is kept."""


@contextlib.contextmanager
def states_told_once() -> Iterator[None]:
    """Tell the state of each recipe once within the block: its code is taken to stay for so long, as for one batch."""
    told = _told.get()
    token = _told.set({} if told is None else told)
    try:
        yield
    finally:
        _told.reset(token)


def state_of(recipe: Any) -> str:
    """Digest of a recipe with all that its draws depend on: its code, the files that it reads, torch's numbers.

    Raises:
        DataMissing, DataDamaged: if a file cannot be read.
    """
    several = isinstance(recipe, tuple)
    same = several, tuple(map(id, recipe if several else (recipe,)))
    told = _told.get()
    if told is not None and same in told:
        return told[same][1]
    state = digest(recipe, code_of(recipe), files_of(recipe), numbers_of_torch())
    if told is not None:
        told[same] = recipe, state
    return state


def files_of(recipe: Any) -> str:
    """Digests of the files that an experiment's recipes, or a recipe and those within it, read; "" if they read none.

    Raises:
        DataMissing, DataDamaged: if they cannot be read.
    """
    sources = [source() for part in recipes_within(recipe) if callable(source := getattr(part, "source", None))]
    return " ".join(filter(None, map(str, sources)))
