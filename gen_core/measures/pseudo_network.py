"""The pseudo-network: hidden units that keep, for every point, the activation pattern of their initialization.

Source: Li and Liang (2018), section 5.1. Weights W are (seeds, m, d), one row per hidden unit, top-layer weights a are
(seeds, k, m), points X (seeds, n, d) and outputs (seeds, n, k). A unit is active where its preactivation is positive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.losses import Sloped
from gen_core.measures.coupling import distance_moved
from gen_core.measuring import measure
from gen_core.models.contract import Model
from gen_core.models.products import affine
from gen_core.run import Run
from gen_core.training.parts import measuring, of_seeds, work_of_passes
from gen_core.types import Data


@dataclass(frozen=True)
class ActivationPatterns:
    """To be watched: which hidden units are active on which training points, bool (seeds, n, m)."""

    def __call__(self, model: Model, params: Mapping[str, Tensor], data: Data) -> Tensor:
        """The patterns of the weights "W"; see `Observable`."""
        with torch.no_grad():
            return affine(data.X.to(params["W"].dtype), params["W"], None) > 0


def pseudo_outputs(W: Tensor, start: Tensor, a: Tensor, X: Tensor) -> Tensor:
    """Outputs of the pseudo-network, g_i(x) = sum_r a_{i,r} <w_r, x> 1[<w_r^(0), x> > 0], (seeds, n, k).

    At W = start it is the network itself. Cost: two products of X with weights; memory for n m numbers.
    """
    return affine(affine(X, W, None) * (affine(X, start, None) > 0), a, None)


def pseudo_gradient(coefficients: Tensor, patterns: Tensor, a: Tensor, X: Tensor) -> Tensor:
    """Gradient in W of a loss with fixed activation patterns, (seeds, m, d).

    Unit r has sum_s sum_i c_{s,i} a_{i,r} 1[r is active on x_s] x_s. With the patterns of W itself it is the gradient,
    with those of the start the pseudo gradient of section 5.1.

    Args:
        coefficients: derivative of the mean loss in the outputs, c_{s,i}, (seeds, n, k); see `loss_coefficients`.
        patterns: whether each unit is active on each point, bool (seeds, n, m).
        a: weights of the top layer.
        X: points.
    """
    return ((coefficients @ a) * patterns).mT @ X


def loss_coefficients(run: Run, f: Tensor) -> Tensor:
    """Derivative of the training loss in outputs f on the training points, which are (seeds, ..., n, k), as the result.

    With the cross-entropy of equally likely points it is -p v_{i,s} of section 5.1: o_i(x_s) - 1[i = y_s], over n.

    Raises:
        InvalidExperiment: if the loss has no hand-written derivative.
    """
    loss = run.experiment.parts.loss
    if not isinstance(loss, Sloped):
        raise InvalidExperiment(f"coefficients of {type(loss).__name__}; expected a loss with a slope")
    y, flat = run.y, f.flatten(1, -2)
    return loss.slope(flat, y.repeat(1, flat.shape[1] // y.shape[1])).view_as(f) / y.shape[1]


@measure
def coupling_gap(run: Run) -> Tensor:
    """|f - g| / |f - f_0| on the training points at the end of training, (seeds,), g being the pseudo-network.

    f_0 are the outputs at initialization, so that f - f_0 is what was learned, and f - g the part of it that is not
    linear in W. Cost: a pass through f, f_0 and g.
    """
    weights = {"W": run.weights("W"), "start": run.initial("W"), "a": run.initial("a")}
    with measuring(work_of_passes(run.experiment)):
        g = run.over_points(lambda rows, X, _: pseudo_outputs(**of_seeds(weights, rows), X=X)).double()
    f, f_0 = run.train_outputs(), run.train_outputs("start")
    return _norm(f - g) / _norm(f - f_0)


@measure
def change_per_distance(run: Run) -> Tensor:
    """By how much training changes the outputs relative to how far it moves the weights, (seeds,).

    That is (|f - f_0| / |f_0|) / (|W - W_0|_F / |W_0|_F) on the training points.
    """
    f, f_0 = run.train_outputs(), run.train_outputs("start")
    return _norm(f - f_0) / _norm(f_0) / distance_moved(run)


@measure
def units_ever_changed(run: Run) -> Tensor:
    """Share of units whose pattern has differed from that of the start at a point and a checkpoint until now.

    (seeds, checkpoints), from the watched `ActivationPatterns`.
    """
    patterns = run.watched(ActivationPatterns())
    changed = (patterns != patterns[:, :1]).any(2)
    return changed.cummax(1).values.double().mean(-1)


@measure
def gradients_that_differ(run: Run) -> Tensor:
    """Share of units whose gradient at the end differs at all from the pseudo gradient, (seeds,); see Lemma 5.1."""
    W, start, a, X = run.weights("W"), run.initial("W"), run.initial("a"), run.X
    c = loss_coefficients(run, run.train_outputs().to(W.dtype))
    own, first = (pseudo_gradient(c, affine(X, w, None) > 0, a, X) for w in (W, start))
    return (own != first).any(-1).double().mean(-1)


@measure
def units_changed(run: Run) -> Tensor:
    """Share of units whose pattern at the end differs from that of the start on a training point, (seeds,)."""
    X = run.X
    changed = (affine(X, run.weights("W"), None) > 0) != (affine(X, run.initial("W"), None) > 0)
    return changed.any(1).double().mean(-1)


@measure
def coupling_bound(run: Run) -> Tensor:
    """The bound of Lemma 5.1 on the share of uncoupled units, e tau n / sigma, along checkpoints: (seeds, checkpoints).

    sigma is m^(-1/2), as (A3) has it, n the number of points, k l in the lemma, and tau the largest distance that a
    unit has moved so far. It needs the watched weights.
    """
    path = run.watched("weights.W")
    moved = (path - path[:, :1]).norm(dim=-1).amax(-1).cummax(1).values.double()
    return torch.e * moved * run.experiment.data.n * path.shape[2] ** 0.5


@measure
def largest_coefficients(run: Run) -> Tensor:
    """The v = max p |v_{i,a,b}| of Lemma 5.2 at the checkpoints, (seeds, checkpoints), from the watched outputs."""
    return _largest(loss_coefficients(run, run.watched("train_outputs").double()))


@measure
def pseudo_gradient_norms(run: Run) -> Tensor:
    """Norm of each unit's pseudo gradient over v at the checkpoints, (seeds, checkpoints, m); see Lemma 5.2.

    Cost: a product with X per checkpoint, of the watched "train_outputs".
    """
    start, a, X = run.initial("W"), run.initial("a"), run.X
    on = affine(X, start, None) > 0
    coefficients = loss_coefficients(run, run.watched("train_outputs"))
    norms = [pseudo_gradient(c, on, a, X).norm(dim=-1) for c in coefficients.unbind(1)]
    return (torch.stack(norms, 1) / _largest(coefficients).unsqueeze(-1)).double()


def _largest(coefficients: Tensor) -> Tensor:
    return coefficients.abs().amax((-2, -1))


def _norm(f: Tensor) -> Tensor:
    return f.flatten(1).norm(dim=1)
