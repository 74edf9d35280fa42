"""Gradient descent on the linear models that two-layer networks follow early in training.

Source: Hu et al., "The Surprising Simplicity of the Early-Time Learning Dynamics of Neural Networks" (2020), section 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.losses import Square
from gen_core.measures.kernels import constants, second_moment
from gen_core.measuring import measure
from gen_core.models.activations import Polynomial
from gen_core.models.two_layer import TwoLayer
from gen_core.rules import GD, constant_rate
from gen_core.run import Run
from gen_core.training.parts import outputs_in_parts


def first_features(X: Tensor, name: str | Polynomial, second_moment: float) -> Tensor:
    """psi_1(x) = (zeta x, nu) / sqrt(d), (..., n, d + 1), of inputs X, (..., n, d).

    Source: Hu et al. (2020), eq. (5). nu is theta1 sqrt(second_moment), with second_moment = Tr[Sigma^2] / d.
    """
    known = constants(name)
    nu = torch.full_like(X[..., :1], known.theta1 * math.sqrt(second_moment))
    return torch.cat([known.zeta * X, nu], -1) / math.sqrt(X.shape[-1])


def gradient_descent(features: Tensor, y: Tensor, rate: float, steps: tuple[int, ...]) -> Tensor:
    """Gradient descent from zero on sum_i (<features_i, beta> - y_i)^2 / 2n.

    Source: Hu et al. (2020), eq. (6).

    Args:
        features: (seeds, n, p).
        y: targets, (seeds, n).
        rate: step size.
        steps: increasing steps at which to record beta.

    Returns:
        beta, (seeds, len(steps), p). Cost: n p^2 multiply-adds, and p^2 per step.
    """
    n = features.shape[1]
    second, first = features.mT @ features / n, features.mT @ y[..., None] / n
    beta, kept = torch.zeros_like(first), []
    for t in range(steps[-1] + 1):
        if t in steps:
            kept.append(beta[..., 0])
        beta = beta - rate * (second @ beta - first)
    return torch.stack(kept, 1)


@dataclass(frozen=True)
class EarlyOutputs:
    """Outputs of a network and of its linear model on the same points, (seeds, checkpoints, points) each."""

    net: Tensor
    linear: Tensor

    def discrepancy(self) -> Tensor:
        """Mean of (f_t - f_t^lin)^2 over the points, over that of (f_T^lin)^2 at the end: (seeds, checkpoints)."""
        scale = self.linear[:, -1:].square().mean(-1)
        return (self.net - self.linear).square().mean(-1) / scale


@measure
def early_first_layer(run: Run, on: Literal["train", "test"] = "test") -> EarlyOutputs:
    """Outputs of the network f_t^1, trained in its first layer, and of f_t^lin1, at the checkpoints.

    Source: Hu et al. (2020), section 3.1. The run must watch "weights". Cost: a forward pass for each checkpoint.

    Args:
        run: the training.
        on: the points at which to evaluate both.

    Raises:
        InvalidExperiment: unless W of a `TwoLayer` is trained by `GD` on `Square(0.5)`, on data that declare the
            covariance of their inputs.
    """
    model, rule, loss = run.experiment.model, run.experiment.rule, run.experiment.loss
    other_rule = type(rule) is not GD or rule.weight_decay
    if not isinstance(model, TwoLayer) or model.train != ("W",) or other_rule or loss != Square(0.5):
        raise InvalidExperiment(
            f"{run.experiment.label()}; expected a TwoLayer with train=('W',), plain GD and Square(0.5), as in eq. (4)"
        )
    moment, X = second_moment(run.experiment.data), run.X if on == "train" else run.X_test
    rate = constant_rate(run.experiment.parts.rule.rate)
    beta = gradient_descent(first_features(run.X, model.activation, moment), run.y, rate, run.checkpoints)
    v = run.initial("v")
    net = [outputs_in_parts(model, {"W": W, "v": v}, X, X.dtype) for W in run.watched("weights.W").unbind(1)]
    return EarlyOutputs(torch.stack(net, 1), beta @ first_features(X, model.activation, moment).mT)


def first_layer_discrepancy(run: Run) -> Tensor:
    """Largest discrepancy of f_t^1 and f_t^lin1 over the checkpoints, (seeds,); see `early_first_layer`."""
    return early_first_layer(run).discrepancy().amax(-1)
