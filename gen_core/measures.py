"""Measures: functions from a run to one number per seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from gen_core.errors import Unfinished
from gen_core.information import (
    joint_table,
    mutual_information,
    null_performance_correlation,
    performance_correlation,
)
from gen_core.run import Run, Runs
from gen_core.seeding import generator

RESAMPLES = 200
"""Bootstrap resamples of the held-out points; their spread enters the interval with 199 degrees of freedom."""

FLOOR = 0.25
"""Share of I(L;Y) below which mu/I(F;Y) says nothing: at chance both are sampling noise."""

RESIDUAL = 1e-9
"""Relative residual below which a linear model counts as interpolating; rounding leaves 1e-15."""


@dataclass(frozen=True)
class Measured:
    """A measure on held-out points that all seeds share.

    Attributes:
        values: one number per seed, (seeds,).
        resampled: the same under resampling of the shared points, (resamples, seeds).
    """

    values: Tensor
    resampled: Tensor


def minimum_norm(X: Tensor, y: Tensor) -> Tensor:
    """The minimum-norm interpolant w+ = X^T (X X^T)^-1 y, (seeds, d), of X (seeds, n, d) of full row rank.

    Source: Zhang et al. (2017), equation (47).
    """
    return torch.linalg.lstsq(X, y[..., None], driver="gelsd").solution[..., 0]


def interpolating(run: Run) -> Tensor:
    """Final weights of a linear model that has fitted its points, (seeds, d).

    Raises:
        Unfinished: if a residual |Xw - y| / |y| is above RESIDUAL, naming the largest.
    """
    residual = (torch.einsum("snd,sd->sn", run.X, run.w) - run.y).norm(dim=-1) / run.y.norm(dim=-1)
    if residual.max() > RESIDUAL:
        raise Unfinished(
            f"not converged: |Xw - y| / |y| is {float(residual.max()):.2g} after {run.experiment.steps} steps; "
            f"expected at most {RESIDUAL:g} (more steps)"
        )
    return run.w


def off_row_span(X: Tensor, w: Tensor) -> Tensor:
    """The part of w off the span of the rows of X: X is (seeds, n, d), w is (seeds, ..., d)."""
    basis = torch.linalg.qr(X.mT).Q
    flat = w.flatten(1, -2) if w.dim() > 2 else w[:, None]
    return (flat - (flat @ basis) @ basis.mT).view_as(w)


def relative_distance(a: Tensor, b: Tensor) -> Tensor:
    """|a - b| / |b| per seed, over the last axis: (seeds, ..., d) -> (seeds, ...)."""
    return (a - b).norm(dim=-1) / b.norm(dim=-1)


@dataclass(frozen=True)
class LinearPhase:
    """How a trajectory F_t relates to a linear classifier L on held-out points.

    Source: Nakkiran et al. (2019), sections 2 and 3.

    Attributes:
        steps: checkpoints.
        tables: joint tables [f, l, y] of counts, (..., seeds, checkpoints, 2, 2, 2).
    """

    steps: tuple[int, ...]
    tables: Tensor

    @cached_property
    def information(self) -> Tensor:
        """I(F_t;Y) in bits, (..., seeds, checkpoints)."""
        return mutual_information(self.tables.sum(-2))

    @cached_property
    def correlation(self) -> Tensor:
        """mu_Y(F_t;L) in bits, (..., seeds, checkpoints)."""
        return performance_correlation(self.tables)

    @cached_property
    def linear(self) -> Tensor:
        """I(L;Y) in bits, (..., seeds)."""
        return mutual_information(self.tables[..., 0, :, :, :].sum(-3))

    @cached_property
    def reached(self) -> Tensor:
        """Whether I(F_t;Y) comes to I(L;Y) at a checkpoint, (..., seeds)."""
        return self.information.amax(-1) >= self.linear

    @cached_property
    def T0(self) -> Tensor:
        """Index of the first checkpoint with I(F_t;Y) >= I(L;Y), (..., seeds); the last one where there is none."""
        there = self.information >= self.linear[..., None]
        return torch.where(self.reached, there.to(torch.int8).argmax(-1), len(self.steps) - 1)

    def require_T0(self) -> None:
        """Refuse a trajectory that never performs as the linear classifier does.

        Raises:
            Unfinished: naming how far it came.
        """
        best, short = self.information.amax(-1), (~self.reached).nonzero().flatten()
        if len(short):
            raise Unfinished(
                f"T0 is not reached in {len(short)} of {len(best)} seeds: I(F;Y) comes to "
                f"{float(best[short[0]]):.3f} bits by step {self.steps[-1]}; "
                f"expected I(L;Y) = {float(self.linear[short[0]]):.3f} (more steps, or a larger rate)"
            )

    def share_at_T0(self) -> Tensor:
        """mu_Y(F;L) / I(F;Y) at T0, (..., seeds)."""
        return self._at_T0(self.correlation) / self._at_T0(self.information)

    def null_correlation(self) -> Tensor:
        """mu_Y(F_t;L~) in bits for the null classifier L~ of the same I(L;Y), (..., seeds, checkpoints)."""
        return null_performance_correlation(self.tables)

    def null_share_at_T0(self) -> Tensor:
        """mu_Y(F;L~) / I(F;Y) at T0, (..., seeds)."""
        index = self.T0[..., None, None, None, None].expand(*self.T0.shape, 1, 2, 2, 2)
        tables = self.tables.gather(-4, index).squeeze(-4)
        return null_performance_correlation(tables) / self._at_T0(self.information)

    def advantage_at_T0(self) -> Tensor:
        """Share of I(F;Y) at T0 that L explains, minus the share that the null classifier explains, (..., seeds)."""
        return self.share_at_T0() - self.null_share_at_T0()

    def least_share(self) -> Tensor:
        """Min of mu_Y(F_t;L) / I(F_t;Y) over t <= T0 with I(F_t;Y) >= FLOOR I(L;Y), (..., seeds)."""
        before = torch.arange(len(self.steps)) <= self.T0[..., None]
        counted = before & (self.information >= FLOOR * self.linear[..., None])
        return torch.where(counted, self.correlation / self.information, torch.inf).amin(-1)

    def _at_T0(self, quantity: Tensor) -> Tensor:
        return quantity.gather(-1, self.T0[..., None]).squeeze(-1)


def linear_phase(runs: Runs, weights: Tensor | None = None) -> LinearPhase:
    """The first phase of the arm "net", which watches "test_classes", against the final classifier of the arm "linear".

    Args:
        runs: arms "net" and "linear" on the same data.
        weights: how often each resample holds each held-out point, (resamples, points).

    Returns:
        Its tables, with a leading axis of resamples where weights are given. Cost: one pass over the predictions.
    """
    F = runs["net"].watched("test_classes")
    L = runs["linear"].watched("test_classes")[:, -1]
    Y = runs["net"].y_test > 0
    return LinearPhase(runs["net"].checkpoints, joint_table(F, L[:, None], Y[:, None], weights))


def over_linear_phase(runs: Runs, quantity: Callable[[LinearPhase], Tensor]) -> Tensor | Measured:
    """A quantity of the first phase, one number per seed, (seeds,).

    Where the seeds share their held-out points (those of a fixed data set) it comes with its spread under resampling of
    these; where each seed draws its own, that error is in the spread over seeds already.

    Raises:
        Unfinished: if T0 is not reached. A network that starts where another training ended need not come to it.
    """
    phase = linear_phase(runs)
    if runs["net"].experiment.after is None:
        phase.require_T0()
    return over_held_out(
        runs["net"].y_test, lambda weights: quantity(phase if weights is None else linear_phase(runs, weights))
    )


def over_held_out(labels: Tensor, measure: Callable[[Tensor | None], Tensor]) -> Tensor | Measured:
    """A measure on held-out points, with its spread under resampling where the seeds share them.

    Args:
        labels: of the held-out points, (seeds, points); equal in all seeds where the points are shared.
        measure: how often each resample holds each point, (resamples, points), or None for once each -> the values.
    """
    values = measure(None)
    if not bool((labels == labels[:1]).all()):
        return values
    return Measured(values, measure(resamples(labels.shape[1])))


def resamples(points: int) -> Tensor:
    """How often each bootstrap resample holds each shared point, (RESAMPLES, points); the same at every call."""
    stream = generator(points, 0, "resamples")
    drawn = torch.randint(points, (RESAMPLES, points), generator=stream)
    return torch.zeros(RESAMPLES, points, dtype=torch.float64).scatter_add_(
        1, drawn, torch.ones(1, dtype=torch.float64).expand_as(drawn)
    )
