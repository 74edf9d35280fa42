"""The points of each step: drawn for each row from its own stream, and gathered some steps at a time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from gen_core.training.invariants import Epochs, Replica
from gen_core.training.points import Points, gathered
from gen_core.training.seeding import AHEAD, SEGMENT, TOGETHER, generator, numbered

GATHERED = 2**19
"""Numbers gathered into batches at a time, row by row, so that each row's points stay in cache. The fastest of 2^17 to
2^23: a step of `Linear` on 32 rows of 64 x 100 points takes 135 us, and 240 us at the slowest."""

ON_A_GPU = 8
"""Times as many there, where each gathering costs the time of some small steps to start."""


class Batches(Iterator[tuple[Tensor, Tensor]]):
    """Points, (rows, batch, *inputs), and labels of one step after the other, without end.

    Without replacement every epoch is a fresh permutation, cut into whole batches: the last n mod batch points are left
    out of that epoch.

    Args:
        rows: experiments of one batch key, each with a seed.
        X: the rows' points, (rows, n, *inputs), on the device.
        y: their labels, (rows, n, *targets).
        steps: how many steps will be asked for; no epoch is drawn ahead that lies beyond them.

    Attributes:
        by_graph: whether some steps may be asked for `together`.
    """

    by_graph = False

    def __init__(self, rows: Sequence[Replica], X: Points, y: Tensor, steps: int) -> None:
        rule, n = rows[0][0].parts.rule, rows[0][0].data.n
        self.n, self.size, self.replacement, self.steps = n, rule.batch, rule.replacement, steps
        self.given = 0
        self._set_points(X, y)
        self.gathered: deque[tuple[Tensor, Tensor]] = deque()
        if rule.batch is None:
            return
        form = (n, rule.batch, rule.replacement)
        self.order = [generator(numbered(form, e.order), seed, "order") for e, seed in rows]
        self.epochs = Epochs([seed for _, seed in rows], rule.replacement)
        self.places = torch.empty(len(rows), 0, rule.batch, dtype=torch.int64, device=X.device)
        """Of the coming steps' points, among those of all rows."""

    def __next__(self) -> tuple[Tensor, Tensor]:
        """Points and labels of the next step."""
        if self.size is None:
            return self.all
        if not self.gathered:
            self._gather(self.size)
        self.given += 1
        return self.gathered.popleft()

    def together(self, size: int) -> Tensor:
        """Places of the points of the next `TOGETHER` steps, (rows, TOGETHER, batch), after a multiple of as many."""
        while self.places.shape[1] < TOGETHER:
            self.places = torch.cat([self.places, self._drawn(size)], 1)
        part, self.places = self.places.tensor_split([TOGETHER], 1)
        self.given += TOGETHER
        return part

    def at(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Points, (*shape, *inputs), and labels at places of any shape among those of all rows."""
        at, shape = places.flatten(), places.shape
        X, y = gathered(self.X, at), gathered(self.y, at)
        return X.view(*shape, *X.shape[1:]), y.view(*shape, *y.shape[1:])

    def keep(self, rows: Tensor, X: Points, y: Tensor) -> None:
        """Go on with some of the rows, at the same place of their orders.

        Args:
            rows: which, on the device of the points.
            X: their points.
            y: their labels.
        """
        self._set_points(X, y)
        if self.size is not None:
            kept = rows.tolist()
            self.order = [self.order[row] for row in kept]
            self.epochs.keep(kept)
            moved = torch.arange(len(kept), device=rows.device) - rows
            self.places = self.places[rows] + self.n * moved.view(-1, 1, 1)
            self.gathered = deque((X[rows], y[rows]) for X, y in self.gathered)

    def _set_points(self, X: Points, y: Tensor) -> None:
        self.X, self.y = X, y
        if self.size is None:
            self.all = X if isinstance(X, Tensor) else X[:], y

    def _gather(self, size: int) -> None:
        if not self.places.shape[1]:
            self.places = self._drawn(size)
        count, inputs = len(self.X), self.X.shape[2:]
        most = GATHERED * (1 if self.y.device.type == "cpu" else ON_A_GPU)
        steps = max(1, most // (count * size * math.prod(inputs)))
        if self.by_graph:
            steps = min(steps, TOGETHER - self.given % TOGETHER)
        part, self.places = self.places[:, :steps], self.places[:, steps:]
        X, y = self.at(part)
        self.gathered.extend(zip(X.unbind(1), y.unbind(1), strict=True))

    def _drawn(self, size: int) -> Tensor:
        """Places of the points of the coming steps, (rows, steps, batch): of whole epochs without replacement.

        They are sent to the device in one transfer, which the host does not wait for.
        """
        n, order = self.n, self.order
        length = max(1, SEGMENT // size) if self.replacement else n // size
        ahead = 1 if self.replacement else max(1, math.ceil(min(AHEAD, self.steps) / length))
        epochs = []
        for _ in range(ahead):
            if self.replacement:
                drawn = [torch.randint(n, (length, size), generator=g) for g in order]
            else:
                drawn = [torch.randperm(n, generator=g)[: length * size].view(length, size) for g in order]
            self.epochs.check(drawn)
            epochs.append(torch.stack(drawn))
        self.steps -= ahead * length
        places = epochs[0] if ahead == 1 else torch.cat(epochs, 1)
        places += n * torch.arange(len(order)).view(-1, 1, 1)
        return sent(places, self.X.device)


def sent(value: Tensor, device: torch.device) -> Tensor:
    """A tensor of the CPU on a device; to a GPU by way of pinned memory, without waiting for the work before it."""
    return (value.pin_memory() if device.type == "cuda" else value).to(device, non_blocking=True)
