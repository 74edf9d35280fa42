"""The points of a batch's rows on its device: of each row its own, or by their places in a pool that all rows share.

Indexing either gives a tensor: rows first, then points.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gen_core.types import Pool, Pooled

Points = Tensor | Pooled
"""Points of rows, (rows, n, *inputs)."""


class Pools:
    """Pools on a device, each of which is sent there once, for as long as this object is kept.

    Args:
        device: the device.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._there: dict[tuple[Pool, torch.dtype], Pool] = {}

    def of(self, pool: Pool, dtype: torch.dtype) -> Pool:
        """A pool's points on the device, in a dtype; the pool's own where they are both there and of it already."""
        if (pool, dtype) not in self._there:
            points = pool.points.to(self.device, dtype)
            self._there[pool, dtype] = Pool(lambda: points)
        return self._there[pool, dtype]


class Filling:
    """Points of rows, which are given one row after the other.

    Args:
        shape: (rows, n, *inputs).
        dtype: their dtype.
        pools: the pools on their device.
        by_index: whether points that are all of one pool stay in it.
    """

    def __init__(self, shape: tuple[int, ...], dtype: torch.dtype, pools: Pools, by_index: bool) -> None:
        self.shape, self.dtype, self.pools, self.by_index = shape, dtype, pools, by_index
        self.pool: Pool | None = None
        self._held: Points | None = None

    @property
    def points(self) -> Points:
        """The points of all rows, (rows, n, *inputs)."""
        return self._own() if self._held is None else self._held

    def add(self, row: int, given: Points) -> Points:
        """Take the points of the next row, (n, *inputs); returns them as they are held, those of a pool in it."""
        if not row and self.by_index and isinstance(given, Pooled):
            index = torch.empty(self.shape[:2], dtype=torch.int64, device=self.pools.device)
            self.pool, self._held = given.pool, Pooled(self.pools.of(given.pool, self.dtype), index)
        held = self._held
        if isinstance(held, Pooled) and isinstance(given, Pooled) and given.pool is self.pool:
            held.index[row] = given.index
            return row_of(held, row)
        if not isinstance(held, Tensor):
            own = self._own()
            if held is not None:
                own[:row] = held[:row]
            self._held = held = own
        held[row] = given[:]
        return held[row]

    def _own(self) -> Tensor:
        return torch.empty(self.shape, dtype=self.dtype, device=self.pools.device)


def row_of(points: Points, row: int) -> Points:
    """The points of one row, (n, *inputs), those of a pool in it."""
    return Pooled(points.pool, points.index[row]) if isinstance(points, Pooled) else points[row]


def of_rows(points: Points, rows: Tensor) -> Points:
    """The points of some of the rows."""
    return Pooled(points.pool, points.index[rows]) if isinstance(points, Pooled) else points[rows]


def gathered(points: Points, places: Tensor) -> Tensor:
    """Points, (k, *inputs), by their places among those of all rows, one row after the other, (k,)."""
    if isinstance(points, Pooled):
        return points.pool.points.index_select(0, points.index.flatten().index_select(0, places))
    return points.flatten(0, 1).index_select(0, places)
