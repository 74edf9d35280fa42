"""The line of test over training losses through a family of networks, and how far another network lies off it.

Source: Anonymous, "Generalization puzzles in deep networks" (2019), Figures 2, 9, 10, 12, 15 and 16.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gen_core.measures.held_out import Measured, held_out_outputs, losses_at, resampled_test_points
from gen_core.measures.normalization import norm_products, train_losses, unit_divisors
from gen_core.run import Runs


@dataclass(frozen=True)
class Line:
    """Least squares of test over training losses, numbers for each seed, (..., seeds).

    Attributes:
        slope, intercept: of the line.
        r2: share of the test losses' variance that it explains, 0 where they do not vary.
        rmse: root mean square of the residuals, with points - 2 degrees of freedom.
    """

    slope: Tensor
    intercept: Tensor
    r2: Tensor
    rmse: Tensor

    def above(self, train: Tensor, test: Tensor) -> Tensor:
        """How far a network with these losses lies above the line."""
        return test - self.intercept - self.slope * train


def line(train: Tensor, test: Tensor) -> Line:
    """The line through networks with these losses, (settings, seeds) and (..., settings, seeds), three or more."""
    x, y = train - train.mean(-2, keepdim=True), test - test.mean(-2, keepdim=True)
    slope = (x * y).sum(-2) / x.square().sum(-2)
    left, variance = (y - slope.unsqueeze(-2) * x).square().sum(-2), y.square().sum(-2)
    return Line(
        slope=slope,
        intercept=test.mean(-2) - slope * train.mean(-2),
        r2=torch.where(variance > 0, 1 - left / variance, 0),
        rmse=(left / (x.shape[-2] - 2)).sqrt(),
    )


def resampled_line(runs: Runs, quantity: Callable[[Line], Tensor], *, normalize: bool = True) -> Tensor | Measured:
    """A quantity of a family's line, one number per seed, (seeds,): of normalized losses, or of the losses as they are.

    Where the seeds share their held-out points it comes with its spread under resampling of these.

    Raises:
        Unfinished: if a network has not come to the training loss at which it was to stop.
    """
    rho = norm_products(runs) if normalize else unit_divisors(runs)
    train = train_losses(runs, rho)
    return resampled_test_points(runs, held_out_losses(runs, rho), lambda test: quantity(line(train, test)))


def off_line(runs: Runs, point: str) -> Tensor | Measured:
    """log10 of a network's distance from the line through the others, in RMSE of that line, (seeds,).

    Args:
        runs: a family of networks and one more, taken by their normalized losses.
        point: name of that one.

    Raises:
        Unfinished: as `resampled_line`.
    """
    rho = norm_products(runs)
    train = train_losses(runs, rho)
    at = list(runs.runs).index(point)
    others = [i for i in range(len(train)) if i != at]

    def distance(test: Tensor) -> Tensor:
        fitted = line(train[others], test[..., others, :])
        return (fitted.above(train[at], test[..., at, :]).abs() / fitted.rmse).log10()

    return resampled_test_points(runs, held_out_losses(runs, rho), distance)


def held_out_losses(runs: Runs, divisors: Tensor) -> Tensor:
    """Losses on the held-out points of the outputs divided by a number each, (settings, seeds, n_test)."""
    networks = zip(held_out_outputs(runs), divisors, strict=True)
    return torch.stack([losses_at(run, f, y, rho) for (run, f, y), rho in networks])
