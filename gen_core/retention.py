"""Retention: what a network that has fitted its training set has kept of the linear classifier that it learned first.

Source: Nakkiran et al. (2019), Claim 2. Quantities of a trajectory F_t beside a linear classifier L, from the step T0
on at which F_t comes to perform as L does; where that is never so, of its end.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gen_core.errors import Unfinished
from gen_core.measures import LinearPhase, Measured, over_linear_phase
from gen_core.run import Runs


def once_fitted(runs: Runs, quantity: Callable[[LinearPhase], Tensor]) -> Tensor | Measured:
    """A quantity of the arm "net", trained to a training accuracy of 1, (seeds,); see `over_linear_phase`.

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
    return over_linear_phase(runs, quantity)


def share_retained(phase: LinearPhase) -> Tensor:
    """Min of mu_Y(F_t;L) / I(L;Y) over t >= T0, (..., seeds).

    It is 1 - I(L;Y|F_t) / I(L;Y), and blind to a global flip of F.
    """
    return _least(phase, phase.correlation / phase.linear[..., None])


def share_at_the_end(phase: LinearPhase) -> Tensor:
    """mu_Y(F;L) / I(L;Y) of the network at its end, (..., seeds)."""
    return phase.correlation[..., -1] / phase.linear


def advantage_retained(phase: LinearPhase) -> Tensor:
    """Share of I(L;Y) that is retained minus that of the null classifier of the same I(L;Y), min over t >= T0."""
    return _least(phase, (phase.correlation - phase.null_correlation()) / phase.linear[..., None])


def held_out_accuracy(phase: LinearPhase) -> Tensor:
    """Share of the points that F_t has right, min over t >= T0, (..., seeds)."""
    joint = phase.tables.sum(-2)
    return _least(phase, joint.diagonal(dim1=-2, dim2=-1).sum(-1) / joint.sum((-2, -1)))


def _least(phase: LinearPhase, quantity: Tensor) -> Tensor:
    since = torch.arange(len(phase.steps)) >= phase.T0[..., None]
    return torch.where(since, quantity, torch.inf).amin(-1)
