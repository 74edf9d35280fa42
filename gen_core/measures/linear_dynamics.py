"""Gradient descent on the linear models that two-layer networks follow early in training.

Source: Hu et al., "The Surprising Simplicity of the Early-Time Learning Dynamics of Neural Networks" (2020), section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.losses import Square
from gen_core.measures.kernels import second_moment
from gen_core.measures.linear_features import linear_features, linear_optimum
from gen_core.measuring import measure
from gen_core.models.products import matvec
from gen_core.models.two_layer import TwoLayer
from gen_core.rules import GD, Layerwise, constant_rate
from gen_core.run import Run
from gen_core.training.parts import outputs_in_parts

Points = Literal["train", "test", "off"]
"""The training points, the held-out points, or points off their law."""

AWAY = 3.0
"""Factor on held-out points that takes them where the law of the inputs has almost no mass."""


def gradient_descent(features: Tensor, y: Tensor, rate: float, steps: tuple[int, ...]) -> Tensor:
    """Gradient descent from zero on sum_i (<features_i, beta> - y_i)^2 / 2n.

    Source: Hu et al. (2020), eq. (6).

    Args:
        features: (seeds, n, p).
        y: targets, (seeds, n).
        rate: step size.
        steps: increasing steps at which to record beta.

    Returns:
        beta, (seeds, len(steps), p). Cost: with the smaller one k of n and p, n p k multiply-adds, and k^2 per step.
    """
    _, n, p = features.shape
    targets = y.to(features.dtype) / n
    # With more features than points, beta = features^T alpha, and alpha descends in the same way.
    if p > n:
        second, first = features @ features.mT / n, targets
    else:
        second, first = features.mT @ features / n, matvec(features.mT, targets)
    at, kept = torch.zeros_like(first), []
    for t in range(steps[-1] + 1):
        if t in steps:
            kept.append(at)
        at = at - rate * (matvec(second, at) - first)
    descended = torch.stack(kept, 1)
    return descended @ features if p > n else descended


@dataclass(frozen=True)
class EarlyOutputs:
    """Outputs of a network and of its linear model on the same points, (seeds, checkpoints, points) each."""

    net: Tensor
    linear: Tensor

    def discrepancy(self) -> Tensor:
        """Mean of (f_t - f_t^lin)^2 over the points, over that of (f_T^lin)^2 at the end: (seeds, checkpoints)."""
        scale = self.linear[:, -1:].square().mean(-1)
        return (self.net - self.linear).square().mean(-1) / scale

    def relative_error(self, counts: Tensor | None = None) -> Tensor:
        """Mean of (f_t - f_t^lin)^2 over the points, over that of (f_t^lin)^2: (seeds, checkpoints); NaN at step 0.

        Source: Hu et al. (2020), Figure 3 (c).

        Args:
            counts: how often each point counts, (resamples, points), for (resamples, seeds, checkpoints); None is once.
        """
        squares = [values.square() for values in (self.net - self.linear, self.linear)]
        weights = torch.ones_like(squares[0][0, 0]) if counts is None else counts
        off, size = (torch.einsum("scn,...n->...sc", each, weights) for each in squares)
        return off / size


@measure
def early_outputs(run: Run, on: Points = "test", *, norm: bool = True, own_rates: bool = True) -> EarlyOutputs:
    """Outputs of a two-layer network and of the linear model that it follows early in training, at the checkpoints.

    The linear model is f_t^lin1 if the first layer is trained, f_t^lin2 if the second one is, and f_t^lin for both.

    Source: Hu et al. (2020), sections 3.1 to 3.3. The run must watch "weights". Cost: a forward pass for each
    checkpoint.

    Args:
        run: the training.
        on: the points at which to evaluate both; "off" is `AWAY` times the held-out points, which leaves their law.
        norm: whether the linear model has its feature of |x|; see `linear_features`.
        own_rates: whether the linear model weighs the layers by their rates, if the rule is `Layerwise`.

    Raises:
        InvalidExperiment: unless a `TwoLayer` is trained by `GD`, or `Layerwise(GD(...))`, on `Square(0.5)`, on data
            that declare the covariance of their inputs.
    """
    model, X = _two_layer(run), _points(run, on)
    rate = constant_rate(run.experiment.parts.rule.rate)
    features, at_points = (features_of(run, each, norm=norm, own_rates=own_rates) for each in (run.X, X))
    beta = gradient_descent(features, run.y, rate, run.checkpoints)
    drawn = run.params("start")
    watched = {name: run.watched(f"weights.{name}").unbind(1) for name in model.trainable}
    net = [
        outputs_in_parts(model, drawn | {name: at[place] for name, at in watched.items()}, X, X.dtype)
        for place in range(len(run.checkpoints))
    ]
    return EarlyOutputs(torch.stack(net, 1).double(), beta @ at_points.mT)


def early_discrepancy(run: Run) -> Tensor:
    """Largest discrepancy of the network and its linear model over the checkpoints, (seeds,); see `early_outputs`."""
    return early_outputs(run).discrepancy().amax(-1)


def equal_rates_discrepancy(run: Run) -> Tensor:
    """`early_discrepancy` from a linear model of one rate for both layers, whatever their own rates are, (seeds,)."""
    return early_outputs(run, own_rates=False).discrepancy().amax(-1)


def off_law_discrepancy(run: Run) -> Tensor:
    """`early_discrepancy` on points off the law of the inputs, (seeds,).

    Source: Hu et al. (2020), section 3.1, after Theorem 3.2.
    """
    return early_outputs(run, "off").discrepancy().amax(-1)


def naive_over_full_discrepancy(run: Run) -> Tensor:
    """Mean of (f_T - f_T^naive)^2 over that of (f_T - f_T^lin)^2 on held-out points at the end, (seeds,).

    The naive linear model has no feature of |x|.

    Source: Hu et al. (2020), section 3.4 and Figure 2.
    """
    full, naive = early_outputs(run), early_outputs(run, norm=False)
    apart = [(each.net - each.linear)[:, -1].square().mean(-1) for each in (naive, full)]
    return apart[0] / apart[1]


@measure
def distance_to_linear_optimum(run: Run, on: Points = "test") -> Tensor:
    """Mean of (f_T - f_*)^2 over points, over that of f_*^2, (seeds,), at the end of a training.

    f_* is the linear model that the linear model of `early_outputs` converges to.

    Source: Hu et al. (2020), Corollary 3.3. Args and errors: as `early_outputs`.
    """
    model, X = _two_layer(run), _points(run, on)
    best = linear_optimum(features_of(run, run.X), run.y)
    optimum = matvec(features_of(run, X), best)
    outputs = outputs_in_parts(model, run.params(), X, X.dtype).double()
    return (outputs - optimum).square().mean(-1) / optimum.square().mean(-1)


def features_of(run: Run, X: Tensor, *, norm: bool = True, own_rates: bool = True) -> Tensor:
    """Features of the linear model of a run at inputs X, (seeds, n, d): (seeds, n, d + 2); see `linear_features`.

    In float64. Layers with rates of their own (`Layerwise`) weigh by them; with own_rates=False by one rate.
    """
    model, moment = _two_layer(run), second_moment(run.experiment.data)
    rule = run.experiment.parts.rule
    factors = dict(rule.factors) if isinstance(rule, Layerwise) and own_rates else {}
    first, second = (factors.get(name, 1.0) if name in model.trainable else 0.0 for name in ("W", "v"))
    return linear_features(X.double(), model.activation, moment, (first, second), norm=norm)


def _two_layer(run: Run) -> TwoLayer:
    model, rule, loss = run.experiment.model, run.experiment.rule, run.experiment.loss
    plain = rule.rule if isinstance(rule, Layerwise) else rule
    other_rule = type(plain) is not GD or plain.weight_decay
    if not isinstance(model, TwoLayer) or other_rule or loss != Square(0.5):
        raise InvalidExperiment(
            f"{run.experiment.label()}; expected a TwoLayer with plain GD and Square(0.5), as in eq. (4)"
        )
    return model


def _points(run: Run, on: Points) -> Tensor:
    if on == "train":
        return run.X
    return run.X_test if on == "test" else AWAY * run.X_test
