"""Seeds are replicas only if each of them draws for itself: checks that no two share what they draw.

Tensors are compared by some of their numbers, spread evenly, so that a check costs next to nothing.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from gen_core.errors import InvalidExperiment

SAMPLED = 256
"""Numbers of a tensor that stand for all of them."""

GOLDEN = (5**0.5 - 1) / 2
"""Its multiples modulo 1 are spread evenly."""

COINCIDENCE = 40
"""Bits of surprise above which two equal draws are no coincidence: one pair in 2^40."""


@lru_cache(maxsize=1000)
def places(size: int) -> Tensor:
    """The places of `SAMPLED` of so many numbers, at multiples of the golden ratio.

    Equal steps would meet the same few pixels of every image.
    """
    if size <= SAMPLED:
        return torch.arange(size)
    return (torch.arange(1, SAMPLED + 1, dtype=torch.float64) * GOLDEN % 1 * size).long()


def sampled(tensor: Tensor, rows: int = 0) -> Tensor:
    """Some numbers of a tensor, at most `SAMPLED` of them; of each row, if its first axis is of rows."""
    flat = tensor.detach().reshape(*tensor.shape[:rows], -1)
    return flat.index_select(-1, places(flat.shape[-1]).to(flat.device))


def mark(tensor: Tensor) -> int:
    """A digest of a tensor's sampled values in float32, the same for a copy in another dtype."""
    values = sampled(tensor).cpu().numpy().astype(np.float32) + 0.0  # no negative zeros
    return int.from_bytes(hashlib.blake2b(values.tobytes(), digest_size=8).digest(), "big", signed=True)


class Twins:
    """Finds two seeds that have drawn the same."""

    def __init__(self) -> None:
        self.first: dict[Hashable, int] = {}
        self.twin: dict[Hashable, int | None] = {}

    def other(self, recipe: Hashable, seed: int, drawn: Sequence[Tensor]) -> int | None:
        """An earlier seed whose draw of the recipe has the same values; None if there is none, or by coincidence."""
        if (recipe, seed) not in self.twin:
            first = self.first.setdefault((recipe, *map(mark, drawn)), seed)
            self.twin[recipe, seed] = first if first != seed and surprise(drawn) > COINCIDENCE else None
        return self.twin[recipe, seed]


def surprise(drawn: Iterable[Tensor]) -> float:
    """Bits of surprise at an equal second draw: the least of the tensors that vary, as if entries were independent.

    A constant, such as a start at zero, says nothing, and few labels little; a number that is no multiple of 1/1024
    says 20 bits.
    """
    bits = []
    for tensor in drawn:
        values, counts = sampled(tensor).double().unique(return_counts=True)
        if len(values) > 1:
            alike = float((counts / counts.sum()).square().sum())
            fine = int((1024 * values != (1024 * values).round()).sum())
            bits.append(max(-int(counts.sum()) * math.log2(alike), 20.0 * fine))
    return min(bits, default=0.0)


class OwnStream(TorchFunctionMode):
    """While it is active, torch draws random numbers from one generator alone.

    Args:
        generator: the generator.
        who: who draws, in messages.

    Raises:
        InvalidExperiment: at a draw from another generator, and at the end after one from torch's global generator.
    """

    def __init__(self, generator: torch.Generator, who: str) -> None:
        super().__init__()
        self.own, self.who = generator, who
        self.before, self.before_global = generator.get_state(), torch.default_generator.get_state()

    @property
    def used(self) -> bool:
        """Whether any number has been drawn."""
        return not torch.equal(self.before, self.own.get_state())

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Look at the generators that torch's functions are given."""
        given = [value for value in (*args, *(kwargs or {}).values()) if isinstance(value, torch.Generator)]
        if any(generator is not self.own for generator in given):
            self._refuse(f"{func.__name__} from another generator than its own")
        return func(*args, **(kwargs or {}))

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> None:
        super().__exit__(kind, *rest)
        if kind is None and not torch.equal(self.before_global, torch.default_generator.get_state()):
            self._refuse("from torch's global generator")

    def _refuse(self, what: str) -> NoReturn:
        raise InvalidExperiment(
            f"{self.who} draws {what}; expected the generator that it is given alone (numbers that all seeds share are "
            "made where a module is imported)"
        )
