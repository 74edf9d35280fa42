"""Seeds are replicas only if each of them draws for itself: checks that no two share what they draw.

Tensors are compared by some of their numbers, spread evenly, so that a check costs next to nothing.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from gen_core.types import Pool, Pooled

SAMPLED = 256
"""Numbers of a tensor that stand for all of them."""

GOLDEN = (5**0.5 - 1) / 2
"""Its multiples modulo 1 are spread evenly."""

_pools: WeakKeyDictionary[Pool, tuple[tuple[object, ...], int]] = WeakKeyDictionary()
"""The states and checksums of pools when they were first drawn from."""

COINCIDENCE = 40
"""Bits of surprise above which two equal draws are no coincidence: one pair in 2^40."""


@lru_cache(maxsize=1000)
def places(size: int, device: torch.device) -> Tensor:
    """The places of `SAMPLED` of so many numbers, at multiples of the golden ratio, on a device.

    Equal steps would meet the same few pixels of every image.
    """
    if size <= SAMPLED:
        return torch.arange(size).to(device)
    return (torch.arange(1, SAMPLED + 1, dtype=torch.float64) * GOLDEN % 1 * size).long().to(device)


def sampled(tensor: Tensor | Pooled, rows: int = 0) -> Tensor:
    """Some numbers of a tensor, at most `SAMPLED` of them; of each row, if its first axis is of rows."""
    if isinstance(tensor, Pooled):
        return tensor.numbers(places(tensor.shape.numel(), tensor.index.device))
    flat = tensor.detach().reshape(*tensor.shape[:rows], -1)
    return flat.index_select(-1, places(flat.shape[-1], flat.device))


def mark(tensor: Tensor | Pooled) -> int:
    """A digest of a tensor's sampled values in float32, the same for a copy in another dtype or from a pool."""
    values = sampled(tensor).cpu().numpy().astype(np.float32) + 0.0  # no negative zeros
    return int.from_bytes(hashlib.blake2b(values.tobytes(), digest_size=8).digest(), "big", signed=True)


def checksum(tensor: Tensor | Pooled) -> int:
    """CRC-32 of a tensor's bits. Cost: a pass over its memory, at about 1 GB/s, of a pool once a process.

    That of pooled points is of their pool's and of their places in it.
    """
    if isinstance(tensor, Pooled):
        return mark_of((_as_made(tensor.pool)[1], checksum(tensor.index)))
    return zlib.crc32(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)


def pool_is_as_made(pool: Pool, whole: bool) -> bool:
    """Whether a pool is as it was when it was first drawn from, by its version and some of its numbers.

    Who is given a draw gets copies of a pool's points. By every bit where `whole`, at the cost of a `checksum`.
    """
    state, crc = _as_made(pool)
    return _state_of(pool) == state and (not whole or checksum(pool.points) == crc)


def _as_made(pool: Pool) -> tuple[tuple[object, ...], int]:
    if pool not in _pools:
        _pools[pool] = _state_of(pool), checksum(pool.points)
    return _pools[pool]


def _state_of(pool: Pool) -> tuple[object, ...]:
    return *state_of_tensor(pool.points), mark(pool.points)


def state_of_tensor(tensor: Tensor) -> tuple[object, ...]:
    """Shape, dtype, whether gradients are followed, and the version, which counts torch's changes in place."""
    version = 0 if tensor.is_inference() else tensor._version
    return tuple(tensor.shape), tensor.dtype, tensor.requires_grad, version


def mark_of(facts: object) -> int:
    """A digest of plain values."""
    return int.from_bytes(hashlib.blake2b(repr(facts).encode(), digest_size=8).digest(), "big", signed=True)


class Twins:
    """Finds two seeds that have drawn the same."""

    def __init__(self) -> None:
        self.first: dict[Hashable, int] = {}
        self.twin: dict[Hashable, int | None] = {}

    def other(self, recipe: Hashable, seed: int, drawn: Sequence[Tensor | Pooled]) -> int | None:
        """An earlier seed whose draw of the recipe has the same values; None if there is none, or by coincidence."""
        if (recipe, seed) not in self.twin:
            first = self.first.setdefault((recipe, *map(mark, drawn)), seed)
            self.twin[recipe, seed] = first if first != seed and surprise(drawn) > COINCIDENCE else None
        return self.twin[recipe, seed]


def surprise(drawn: Iterable[Tensor | Pooled]) -> float:
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
