"""The linear first phase of a training, and how much of it a network retains once it fits its training set.

Source: Nakkiran et al. (2019), sections 2 and 3, and Claim 2: a trajectory F_t beside a linear classifier L.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from gen_core.errors import Unfinished
from gen_core.measures.held_out import Measured, resampled_held_out
from gen_core.measures.information import (
    joint_table,
    mutual_information,
    null_performance_correlation,
    performance_correlation,
)
from gen_core.measuring import measure
from gen_core.run import Runs

FLOOR = 0.25
"""Share of I(L;Y) below which mu/I(F;Y) is ignored: near chance level both are sampling noise."""

ROUNDING = 1e-9
"""By which a share may exceed 1."""


@dataclass(frozen=True)
class LinearPhase:
    """A trajectory F_t compared with a linear classifier L on held-out points.

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
        """Whether I(F_t;Y) reaches I(L;Y) at some checkpoint, (..., seeds)."""
        return self.information.amax(-1) >= self.linear

    @cached_property
    def T0(self) -> Tensor:
        """Index of the first checkpoint with I(F_t;Y) >= I(L;Y), (..., seeds); of the last one where there is none."""
        there = self.information >= self.linear[..., None]
        return torch.where(self.reached, there.to(torch.int8).argmax(-1), len(self.steps) - 1)

    def require_T0(self) -> None:
        """Check that the trajectory reaches the performance of the linear classifier.

        Raises:
            Unfinished: if a seed does not, naming the most information that it reached.
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
        before = torch.arange(len(self.steps), device=self.T0.device) <= self.T0[..., None]
        counted = before & (self.information >= FLOOR * self.linear[..., None])
        return torch.where(counted, self.correlation / self.information, torch.inf).amin(-1)

    def _at_T0(self, quantity: Tensor) -> Tensor:
        return quantity.gather(-1, self.T0[..., None]).squeeze(-1)


@measure(seeds="first")
def linear_phase(runs: Runs) -> LinearPhase:
    """The first phase of the arm "net", which watches "test_classes", against the final classifier of the arm "linear".

    Args:
        runs: arms "net" and "linear" on the same data. Cost: one pass over the predictions.
    """
    return _phase(runs, None)


def _phase(runs: Runs, weights: Tensor | None) -> LinearPhase:
    """The phase, with a leading axis of resamples if the counts of the held-out points in these are given."""
    F = runs["net"].watched("test_classes")
    L = runs["linear"].watched("test_classes")[:, -1]
    Y = runs["net"].y_test > 0
    return LinearPhase(runs["net"].checkpoints, joint_table(F, L[:, None], Y[:, None], weights))


@measure
def resampled_linear_phase(runs: Runs, quantity: Callable[[LinearPhase], Tensor]) -> Tensor | Measured:
    """A quantity of the first phase, one number per seed, (seeds,): a share of an information, or an accuracy.

    Where the seeds share their held-out points (those of a fixed data set), it is also computed on bootstrap resamples
    of these; where each seed draws its own, the spread over seeds already includes that error.

    Raises:
        Unfinished: if T0 is not reached. A network that starts where another training ended need not reach it.
        ValueError: for a share above 1. mu_Y(F;L) is at most I(F;Y) and at most I(L;Y), so that it is no such share.
    """
    phase = linear_phase(runs)
    if runs["net"].experiment.after is None:
        phase.require_T0()

    def bounded(weights: Tensor | None) -> Tensor:
        values = quantity(phase if weights is None else _phase(runs, weights))
        if (values > 1 + ROUNDING).any():
            raise ValueError(f"a share of {float(values.max()):.4g}; expected at most 1, as mu <= min(I(F;Y), I(L;Y))")
        return values

    return resampled_held_out(runs["net"].y_test, bounded)


@measure
def measure_retention(runs: Runs, quantity: Callable[[LinearPhase], Tensor]) -> Tensor | Measured:
    """A quantity of the phase of the arm "net", if it fits its training set, (seeds,); see `resampled_linear_phase`.

    Raises:
        Unfinished: if a seed's training accuracy is below 1, naming the smallest, or if T0 is not reached.
    """
    net = runs["net"]
    accuracy = net.train_accuracy
    if accuracy.min() < 1:
        raise Unfinished(
            f"not fitted: training accuracy {float(accuracy.min()):.4f} in the worst of {len(accuracy)} seeds after "
            f"{net.experiment.steps} steps; expected 1 (more steps, or a larger rate)"
        )
    return resampled_linear_phase(runs, quantity)


def share_retained(phase: LinearPhase) -> Tensor:
    """Min of mu_Y(F_t;L) / I(L;Y) over t >= T0, (..., seeds).

    It equals 1 - I(L;Y|F_t) / I(L;Y) and is invariant under a global flip of F.
    """
    return _least(phase, phase.correlation / phase.linear[..., None])


def share_at_the_end(phase: LinearPhase) -> Tensor:
    """mu_Y(F;L) / I(L;Y) of the network at the end of training, (..., seeds)."""
    return phase.correlation[..., -1] / phase.linear


def advantage_retained(phase: LinearPhase) -> Tensor:
    """Share of I(L;Y) retained, minus that of a null classifier of the same I(L;Y), min over t >= T0, (..., seeds)."""
    return _least(phase, (phase.correlation - phase.null_correlation()) / phase.linear[..., None])


def held_out_accuracy(phase: LinearPhase) -> Tensor:
    """Accuracy of F_t on the held-out points, min over t >= T0, (..., seeds)."""
    joint = phase.tables.sum(-2)
    return _least(phase, joint.diagonal(dim1=-2, dim2=-1).sum(-1) / joint.sum((-2, -1)))


def _least(phase: LinearPhase, quantity: Tensor) -> Tensor:
    since = torch.arange(len(phase.steps), device=phase.T0.device) >= phase.T0[..., None]
    return torch.where(since, quantity, torch.inf).amin(-1)
