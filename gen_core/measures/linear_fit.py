"""Linear classifiers that are fitted when a run is measured, not trained as an arm of it.

Source: Nakkiran et al. (2019), section 3: where several linear classifiers perform equally well, l is the one that best
fits f_T0, and T0 is the step in which I(F_t;Y) reaches the best linear performance.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from gen_core.errors import Unfinished
from gen_core.experiment import Experiment
from gen_core.losses import Logistic
from gen_core.measures.held_out import resampled_held_out
from gen_core.measures.information import joint_table, mutual_information, performance_correlation
from gen_core.measures.linear_phase import linear_phase
from gen_core.measuring import measure
from gen_core.models.products import matvec
from gen_core.run import Run, Runs
from gen_core.training.newton import newton_step
from gen_core.training.parts import measuring, of_seeds, parts_of, work_of_passes
from gen_core.types import Measured

L2, GRADIENT, STEPS = 1e-4, 1e-8, 30
"""Penalty, largest gradient at the end, and cap of the steps: as in the arm "linear" of the settings."""


def logistic_classes(X: Tensor, y: Tensor, at: Tensor, steps: int = STEPS) -> Tensor:
    """Classes that the logistic regression (l2 1e-4) on labelled points gives to others, by Newton's method from zero.

    Args:
        X: inputs, (seeds, n, *inputs).
        y: their labels -1 and +1, (seeds, n).
        at: inputs to classify, (seeds, points, *inputs).
        steps: largest number of steps; with fewer than STEPS it may end before the optimum.

    Returns:
        Whether the class is +1, (seeds, points). Cost: n p^2 multiply-adds per seed and step, for p numbers an input.

    Raises:
        Unfinished: if the gradient of a seed is above GRADIENT after STEPS steps.
    """
    X, y, at = X.double().flatten(2), y.double(), at.double().flatten(2)
    fit, norms = {"w": torch.zeros_like(X[:, 0]), "b": torch.zeros_like(y[:, 0])}, torch.full_like(y[:, 0], torch.inf)
    for _ in range(steps):
        norms = newton_step(fit, X, y, Logistic(), L2, torch.ones_like(norms))
        if norms.max() <= GRADIENT:
            break
    if steps == STEPS and norms.max() > GRADIENT:
        raise Unfinished(f"gradient {float(norms.max()):.2g} after {STEPS} Newton steps; expected at most {GRADIENT:g}")
    return matvec(at, fit["w"]) + fit["b"].unsqueeze(-1) > 0


@measure
def share_of_the_best_fit(runs: Runs) -> Tensor | Measured:
    """mu_Y(F;L) / I(F;Y) at T0 on held-out points, L being the linear classifier that best fits f_T0, (seeds,).

    L is the logistic regression on the classes that f_T0 gives to the training points. T0 is that of all held-out
    points; where the seeds share these, they are resampled with f_T0 and L as they are.

    Args:
        runs: the arms of `linear_phase`, of which "net" watches "weights" too.

    Raises:
        Unfinished: if T0 is not reached, or as `logistic_classes`.
    """
    net, phase = runs["net"], linear_phase(runs)
    phase.require_T0()
    at_T0 = torch.arange(len(phase.T0)), phase.T0
    weights = {name: net.watched(f"weights.{name}")[at_T0] for name in net.model.trainable}
    with measuring(work_of_passes(net.experiment)):
        f = net.over_points(lambda rows, X, _: net.model.forward(of_seeds(weights, rows), X))
    L = torch.cat([_best_fit(net, rows, f[rows]) for rows, _ in parts_of(len(f), 1, 1, _bytes_of_fit(net.experiment))])
    F, Y = net.watched("test_classes")[at_T0], net.y_test > 0

    def share(counts: Tensor | None) -> Tensor:
        table = joint_table(F, L, Y, counts)
        return performance_correlation(table) / mutual_information(table.sum(-2))

    return resampled_held_out(net.y_test, share)


def _best_fit(net: Run, rows: slice, f: Tensor) -> Tensor:
    """Classes of the linear classifier that best fits outputs f, (S, n), of some seeds: on the held-out points."""
    some = replace(net, seeds=net.seeds[rows], result=net.result.rows(rows))
    return logistic_classes(some.X, torch.where(f > 0, 1.0, -1.0), some.X_test)


def _bytes_of_fit(experiment: Experiment) -> int:
    """Of one seed: its points in float64, beside those that are given."""
    points = experiment.data.n + experiment.n_test
    return points * math.prod(experiment.data.inputs) * (8 + experiment.torch_dtype.itemsize)
