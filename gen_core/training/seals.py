"""What tells whether a draw is as it was: its seal."""

from __future__ import annotations

from torch import Tensor

from gen_core.training.replicas import checksum, pool_is_as_made, state_of_tensor
from gen_core.types import Data, Pool, Pooled

Seal = tuple[tuple[object, ...], ...]
"""Shape, dtype, state and checksum of each part of a draw, or of the index of pooled points."""


def seal_of(data: Data) -> Seal:
    """The seal of a draw. Cost: a pass over its memory; over pools, once a process."""
    return tuple((*_state(each), checksum(each)) for each in held_parts(data))


def has_seal(data: Data, seal: Seal, whole: bool) -> bool:
    """Whether a draw has a seal: by the versions of its tensors alone, or by every bit of them where `whole`."""
    parts = held_parts(data)
    same = [_state(each) for each in parts] == [was[:-1] for was in seal]
    return same and (not whole or [checksum(each) for each in parts] == [was[-1] for was in seal])


def _state(part: Tensor | Pooled) -> tuple[object, ...]:
    return state_of_tensor(part.index if isinstance(part, Pooled) else part)


def has_pools_as_made(data: Data, whole: bool) -> bool:
    """Whether the pools that a draw's points are of are as they were made; see `pool_is_as_made`."""
    return all(pool_is_as_made(pool, whole) for pool in pools_of(data))


def held_parts(data: Data) -> list[Tensor | Pooled]:
    """The parts of a draw that are there, with points of a pool as such."""
    return [each for each in vars(data).values() if each is not None]


def pools_of(data: Data) -> list[Pool]:
    """The pools that a draw's points are of."""
    return [each.pool for each in held_parts(data) if isinstance(each, Pooled)]


def bytes_of(data: Data) -> int:
    """Memory that a draw takes, beside pools that it shares."""
    return sum(each.nbytes for each in held_parts(data))
