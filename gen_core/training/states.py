"""What the draws of a recipe depend on, as one digest: recipe, code, the files that it reads, torch's numbers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from gen_core.code.fingerprint import code_of
from gen_core.recipe import digest, recipes_within
from gen_core.training.device import numbers_of_torch

_told: dict[tuple[bool, tuple[int, ...]], tuple[Any, str]] | None = None
"""The states that are told once, by the recipe's identity, each with the recipe; None where each is told anew."""


@contextlib.contextmanager
def states_told_once() -> Iterator[None]:
    """Tell the state of each recipe once within the block: its code is taken to stay for so long, as for one batch."""
    global _told
    before, _told = _told, {} if _told is None else _told
    try:
        yield
    finally:
        _told = before


def state_of(recipe: Any) -> str:
    """Digest of a recipe with all that its draws depend on: its code, the files that it reads, torch's numbers.

    Raises:
        DataMissing, DataDamaged: if a file cannot be read.
    """
    several = isinstance(recipe, tuple)
    same = several, tuple(map(id, recipe if several else (recipe,)))
    if _told is not None and same in _told:
        return _told[same][1]
    state = digest(recipe, code_of(recipe), files_of(recipe), numbers_of_torch())
    if _told is not None:
        _told[same] = recipe, state
    return state


def files_of(recipe: Any) -> str:
    """Digests of the files that an experiment's recipes, or a recipe and those within it, read; "" if they read none.

    Raises:
        DataMissing, DataDamaged: if they cannot be read.
    """
    sources = [source() for part in recipes_within(recipe) if callable(source := getattr(part, "source", None))]
    return " ".join(filter(None, map(str, sources)))
