"""Linear classifiers that are fitted when a run is measured, not trained as an arm of it.

Source: Nakkiran et al. (2019), section 3: where linear classifiers perform equally well, L is the one that best fits
f_T0.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gen_core.errors import Unfinished
from gen_core.losses import Logistic
from gen_core.measures.held_out import Measured, resampled_held_out
from gen_core.measures.information import joint_table, mutual_information, performance_correlation
from gen_core.measures.linear_phase import linear_phase
from gen_core.run import Run, Runs
from gen_core.training.newton import newton_step

L2, GRADIENT, STEPS = 1e-4, 1e-8, 30
"""Penalty, largest gradient at the end and cap of the Newton steps: those of the arm "linear" of the settings."""


def logistic_classes(X: Tensor, y: Tensor, at: Tensor, *, steps: int = STEPS) -> Tensor:
    """Classes at some points of the logistic regression (l2 1e-4) on labelled ones, by Newton's method from zero.

    Args:
        X: inputs, (seeds, n, *inputs).
        y: their labels -1 and +1, (seeds, n).
        at: inputs to classify, (seeds, points, *inputs).
        steps: number of steps; fewer than it takes give a classifier that is not the optimum.

    Returns:
        Booleans, (seeds, points). Cost: n p^2 multiply-adds per seed and step, for inputs of p numbers.

    Raises:
        Unfinished: if the gradient of a seed is above GRADIENT after STEPS steps.
    """
    X, y, at = X.double().flatten(2), y.double(), at.double().flatten(2)
    params, rate = {"w": X.new_zeros(len(X), X.shape[-1]), "b": X.new_zeros(len(X))}, X.new_ones(len(X))
    for _ in range(steps):
        norms = newton_step(params, X, y, Logistic(), L2, rate)
        if norms.max() <= GRADIENT:
            break
    if steps == STEPS and norms.max() > GRADIENT:
        raise Unfinished(f"gradient {float(norms.max()):.2g} after {STEPS} Newton steps; expected at most {GRADIENT:g}")
    return (at @ params["w"].unsqueeze(-1)).squeeze(-1) + params["b"].unsqueeze(-1) > 0
