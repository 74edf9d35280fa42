"""The line of test loss against training loss in a family of networks, and the distance of another network from it.

Source: Anonymous, "Generalization puzzles in deep networks" (2019), Figures 2, 9, 10, 12, 15 and 16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from gen_core.measures.held_out import Measured, held_out_outputs, losses_at, resampled_test_points
from gen_core.measures.normalization import norm_products, train_losses, unit_divisors
from gen_core.measuring import measure
from gen_core.run import Runs

Coefficient = Literal["slope", "intercept", "r2", "rmse"]


@dataclass(frozen=True)
class Line:
    """Least-squares fit of test loss against training loss, one for each seed; all attributes are (..., seeds).

    Attributes:
        slope, intercept: coefficients of the line.
        r2: share of the variance of the test losses that the line explains, 0 where they do not vary.
        rmse: root mean square of the residuals, with settings - 2 degrees of freedom.
    """

    slope: Tensor
    intercept: Tensor
    r2: Tensor
    rmse: Tensor

    def above(self, train: Tensor, test: Tensor) -> Tensor:
        """Signed distance of a network's test loss above the line, (..., seeds)."""
        return test - self.intercept - self.slope * train


def line(train: Tensor, test: Tensor) -> Line:
    """Fit a line to training losses, (settings, seeds), and test losses, (..., settings, seeds), of 3+ settings."""
    x, y = train - train.mean(-2, keepdim=True), test - test.mean(-2, keepdim=True)
    slope = (x * y).sum(-2) / x.square().sum(-2)
    left, variance = (y - slope.unsqueeze(-2) * x).square().sum(-2), y.square().sum(-2)
    return Line(
        slope=slope,
        intercept=test.mean(-2) - slope * train.mean(-2),
        r2=torch.where(variance == 0, 0, 1 - left / variance),
        rmse=(left / (x.shape[-2] - 2)).sqrt(),
    )


@measure
def resampled_line(runs: Runs, quantity: Coefficient, *, normalize: bool = True) -> Tensor | Measured:
    """A quantity of a family's line, one number per seed, (seeds,), for normalized or for plain losses.

    Where the seeds share their held-out points, it is also computed on bootstrap resamples of these.

    Raises:
        Unfinished: if a network has not reached the training loss of its `Stop`.
    """
    rho = norm_products(runs) if normalize else unit_divisors(runs)
    train = train_losses(runs, rho)
    return resampled_test_points(runs, held_out_losses(runs, rho), lambda test: getattr(line(train, test), quantity))


@measure
def off_line(runs: Runs, point: str) -> Tensor | Measured:
    """log10 of a network's distance from the line of the others, in units of that line's RMSE, (seeds,).

    Args:
        runs: a family of networks and another one, compared by their normalized losses.
        point: label of the other one.

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
    """Losses on the held-out points, outputs divided by `divisors`, (settings, seeds): (settings, seeds, n_test)."""
    networks = zip(held_out_outputs(runs), divisors, strict=True)
    return torch.stack([losses_at(run, f, y, rho) for (run, f, y), rho in networks])
