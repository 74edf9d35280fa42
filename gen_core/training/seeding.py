"""Randomness: one explicit CPU generator per (recipe, seed, purpose), and no other source of randomness."""

from __future__ import annotations

from typing import Any

import torch

from gen_core.errors import InvalidExperiment
from gen_core.recipe import digest

SEGMENT = 2**16
"""Number of batch indices drawn at a time in sampling with replacement; changing it changes the random stream."""

AHEAD = 64
"""Steps whose points are drawn at a time, of whole epochs without replacement; changing it changes no random stream."""

TOGETHER = 16
"""Steps that one graph takes together on a GPU, after a multiple of as many."""

SEEDS_PER_BASE = 1000

_owners: dict[int, int] = {}
"""The number that each stream of this process began with -> the seed that it belongs to."""


def seed_numbers(base: int, start: int, stop: int) -> tuple[int, ...]:
    """The seeds `start` to `stop - 1` of a base; two bases never share one.

    Raises:
        InvalidExperiment: if there are more seeds than a base has.
    """
    if not 0 <= start <= stop <= SEEDS_PER_BASE:
        raise InvalidExperiment(f"seeds {start} to {stop}; expected at most {SEEDS_PER_BASE} of one base")
    return tuple(base * SEEDS_PER_BASE + i for i in range(start, stop))


def numbered(recipe: Any, number: int) -> Any:
    """What a stream is drawn for, with the number of the draw where it is not the first, 0."""
    return (recipe, number) if number else recipe


def generator(recipe: Any, seed: int, purpose: str) -> torch.Generator:
    """The stream of one seed for one purpose.

    `recipe` is the part of an experiment that the purpose depends on (the data recipe for "data", the model for
    "init", the shape of the batches for "order"), so that arms of a comparison that agree in a part share its draws,
    seed by seed. Fields at their default are left out, so that a new field with a default changes no draw. The
    generator is on the CPU whatever the training device, since streams differ between devices.

    Raises:
        InvalidExperiment: if another seed has had the same stream.
    """
    stream = torch.Generator("cpu")
    number = int(digest(recipe, seed, purpose, defaults=False)[:16], 16) % (2**63)
    if (owner := _owners.setdefault(number, seed)) != seed:
        raise InvalidExperiment(
            f"seeds {owner} and {seed} share one random stream of {purpose!r}; expected one for each"
        )
    return stream.manual_seed(number)
