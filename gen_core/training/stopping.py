"""Which rows meet a stop criterion: told from their hardest points, as long as these alone show that they do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor

from gen_core.losses import Loss, WholeLoss, right
from gen_core.models.contract import Model
from gen_core.schedule import Stop
from gen_core.training.foreign import foreign_among
from gen_core.training.memory import EVALUATED
from gen_core.training.points import Points

HARDEST = 8
"""One point in so many is looked at first, those of the largest losses at the row's last whole look: late in a training
they have nearly all of its loss, and all points that are classified wrongly."""

ROUNDED = 1e-5
"""What a sum of losses may be off, relatively."""

LARGE = 1e20
"""A sum of losses beside which another point's may not be finite in float32."""


class Looks:
    """The looks at loss and accuracy where a training may stop, most of which show that it goes on.

    Args:
        model: the model; one for which `tells_early`.
        loss: the loss, likewise.
        stop: the criteria, one of loss and accuracy at least.
    """

    def __init__(self, model: Model, loss: Loss | WholeLoss, stop: Stop) -> None:
        self.model, self.loss, self.stop = model, cast(Loss, loss), stop
        self.hardest: Tensor | None = None

    def keep(self, rows: Tensor) -> None:
        """Go on with some of the rows."""
        self.hardest = None if self.hardest is None else self.hardest[rows]

    @torch.no_grad()
    def bounds(self, params: Mapping[str, Tensor], X: Points, y: Tensor, alive: Tensor) -> tuple[Tensor, Tensor]:
        """The least loss and the largest accuracy that rows can have, (rows,) each; nan for those that have ended.

        Both are exact for a row that may meet a criterion, or whose loss may not be finite.

        Args:
            params: all parameters, (rows, ...).
            X: all training points, (rows, n, *inputs).
            y: their labels, (rows, n, *targets).
            alive: the rows to look at, bool (rows,).
        """
        n = X.shape[1]
        low, high = (torch.full((len(X),), torch.nan, dtype=X.dtype, device=X.device) for _ in range(2))
        rows = alive.nonzero().flatten()
        if self.hardest is not None:
            at = rows.unsqueeze(1), self.hardest[rows]
            losses, hits = self._seen(params, rows, X[at], y[at])
            total, most = losses.sum(1), hits.sum(1).to(X.dtype) + (n - at[1].shape[1])
            low[rows], high[rows] = total / n, most / n
            goes_on = total < LARGE
            if self.stop.loss is not None:
                goes_on &= total > self.stop.loss * n * (1 + ROUNDED)
            if self.stop.accuracy is not None:
                goes_on &= high[rows] < self.stop.accuracy
            rows = rows[~goes_on]
        if len(rows):
            low[rows], high[rows] = self._whole(params, rows, X, y)
        return low, high

    def _whole(self, params: Mapping[str, Tensor], rows: Tensor, X: Points, y: Tensor) -> tuple[Tensor, Tensor]:
        """Loss and accuracy of some rows; they are looked at by their hardest points of now from here on."""
        n, every = X.shape[1], len(rows) == len(X)
        total, correct = (torch.zeros(len(rows), dtype=X.dtype, device=X.device) for _ in range(2))
        losses = []
        for at in range(0, n, EVALUATED):
            part = slice(at, at + EVALUATED)
            X_part, y_part = (each[:, part] if every else each[rows, part] for each in (X, y))
            seen, hits = self._seen(params, rows, X_part, y_part)
            total += seen.sum(1)
            correct += hits.sum(1)
            losses.append(seen)
        hardest = torch.cat(losses, 1).topk(max(1, n // HARDEST), 1, sorted=False).indices
        if self.hardest is None:
            self.hardest = hardest.new_zeros(len(X), hardest.shape[1])
        self.hardest[rows] = hardest
        return total / n, correct / n

    def _seen(self, params: Mapping[str, Tensor], rows: Tensor, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of each point of some rows, and whether it is classified correctly."""
        some = params if len(rows) == len(next(iter(params.values()))) else {k: p[rows] for k, p in params.items()}
        f = self.model.forward(some, X)
        return self.loss.per_point(f, y), right(f, y)


def tells_early(model: Model, loss: object) -> bool:
    """Whether some points may tell of the others: no loss is negative, and each output is of its own point alone.

    This is known of gen_core's own models and losses; with batch norm all points are needed for its statistics.
    """
    return (
        bool(vars(type(loss)).get("at_least_zero"))
        and getattr(model, "absorbed", None) is None
        and not foreign_among((model, loss))
    )
