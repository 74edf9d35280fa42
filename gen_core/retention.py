"""Retention: what a network that has fitted its training set keeps of the linear classifier that it learned first.

Source: Nakkiran et al. (2019), Claim 2. Quantities of joint tables [f, l, y] of held-out points, (..., 2, 2, 2), as
`gen_core.information.joint_table` gives them; F is the network at its end.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from gen_core.errors import Unfinished
from gen_core.information import (
    joint_table,
    mutual_information,
    null_performance_correlation,
    performance_correlation,
)
from gen_core.measures import Measured, linear_phase, over_held_out
from gen_core.run import Runs


def once_fitted(runs: Runs, quantity: Callable[[Tensor], Tensor]) -> Tensor | Measured:
    """A quantity of the arm "net" at its end, beside the final classifier of the arm "linear", (seeds,).

    Where the seeds share their held-out points it comes with its spread under resampling of these, as
    `over_linear_phase` has it.

    Raises:
        Unfinished: if a seed's training accuracy is below 1, naming the smallest, or if T0 is not reached.
    """
    net, labels = runs["net"], runs["net"].y_test
    accuracy = net.train_accuracy
    if accuracy.min() < 1:
        raise Unfinished(
            f"not fitted: training accuracy {float(accuracy.min()):.4f} in the worst of {len(accuracy)} seeds after "
            f"{net.experiment.steps} steps; expected 1 (more steps, or a larger rate)"
        )
    linear_phase(runs).require_T0()
    F, L = (runs[arm].watched("test_classes")[:, -1] for arm in ("net", "linear"))
    return over_held_out(labels, lambda weights: quantity(joint_table(F, L, labels > 0, weights)))


def share_retained(tables: Tensor) -> Tensor:
    """mu_Y(F;L) / I(L;Y), (...); it is 1 - I(L;Y|F) / I(L;Y), and blind to a global flip of F."""
    return performance_correlation(tables) / mutual_information(tables.sum(-3))


def advantage_retained(tables: Tensor) -> Tensor:
    """Share of I(L;Y) that is retained, minus that of the null classifier of the same I(L;Y), (...)."""
    return share_retained(tables) - null_performance_correlation(tables) / mutual_information(tables.sum(-3))


def held_out_accuracy(tables: Tensor) -> Tensor:
    """Share of the points that F has right, (...)."""
    joint = tables.sum(-2)
    return joint.diagonal(dim1=-2, dim2=-1).sum(-1) / joint.sum((-2, -1))
