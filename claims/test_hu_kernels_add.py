"""The tangent kernels of the two layers add, and so do their linear kernels.

Hu et al. (2020), section 3.3:

    "The NTK for training both layers is simply the sum of the first-layer NTK and the second-layer NTK", so that the
    linear model's kernel is the sum as well: <psi(x), psi(x')> = <psi_1(x), psi_1(x')> + <psi_2(x), psi_2(x')>.

Measured: the largest entry of the kernel of all weights, by contraction of Jacobians, minus Theta_1 and Theta_2 in
closed form, at initialization. It holds in every network, so that the control is a wrong measure.
"""

import math

import torch
from torch import Tensor

from fixtures.hu.dynamics import SLOWER
from fixtures.hu.kernels import drawn_both_layers
from fixtures.papers import HU
from gen_core import Mutation, Run, TwoLayer, claim, expect
from gen_core.measures import (
    first_layer_kernel,
    first_linear_kernel,
    linear_features,
    second_layer_kernel,
    second_linear_kernel,
    second_moment,
    tangent_kernel,
)

# float64; 16 seeds leave 3e-15 of kernels near 1, and the controls .007 or more.
ROUNDING = 1e-10

NETWORKS = {name: drawn_both_layers(name) for name in ("erf", "relu", "softplus")}
FIRST_ALONE = Mutation("first-layer-alone", "Theta_1 stands for the sum.")
OF_ONE_LAYER = Mutation("constant-of-one-layer", "The constant among the features psi is that of psi_1.")


def layers_kernel(run: Run, i: int) -> Tensor:
    """Theta_1 + Theta_2 of seed i, (n, n), or what is mutated."""
    X, W, model = run.X[i], run.initial("W")[i], run.model
    assert isinstance(model, TwoLayer)
    first = first_layer_kernel(X, W, model.activation)
    return first if run.mutated_by(FIRST_ALONE) else first + second_layer_kernel(X, W, model.activation)


def psi(X: Tensor, run: Run, of_second: float) -> Tensor:
    """The features of the linear model, (n, d + 2), for rates 1 and `of_second` of the layers, or what is mutated."""
    assert isinstance(run.model, TwoLayer)
    features = linear_features(X, run.model.activation, second_moment(run.experiment.data), (1.0, of_second))
    if run.mutated_by(OF_ONE_LAYER):
        features[:, -2] /= math.sqrt(1 + of_second / 2)
    return features


@claim(
    cite=HU.at("section 3.3", "15"),
    formula=r"\Theta(W, v) = \Theta_1(W) + \Theta_2(W)",
    given=NETWORKS,
    without={FIRST_ALONE: NETWORKS["erf"]},
)
def test_kernels_of_the_layers_add(run: Run) -> None:
    start = [{name: p[i] for name, p in run.params("start").items()} for i in range(len(run.seeds))]
    both = [tangent_kernel(run.model, params, X) for params, X in zip(start, run.X, strict=True)]
    off = [(kernel - layers_kernel(run, i)).abs().max() for i, kernel in enumerate(both)]

    expect(torch.stack(off), r"largest $|\Theta - \Theta_1 - \Theta_2|$").always_at_most(ROUNDING)


@claim(
    cite=HU.at("section 3.3, eq. (11)", "15"),
    formula=r"\langle \psi(x), \psi(x') \rangle = \langle \psi_1(x), \psi_1(x') \rangle "
    r"+ \langle \psi_2(x), \psi_2(x') \rangle",
    given=NETWORKS,
    without={OF_ONE_LAYER: NETWORKS["relu"]},
)
def test_linear_kernels_of_the_layers_add(run: Run) -> None:
    """The linear model for both layers has the sum of the kernels of those for either layer.

    Hu et al. (2020), eq. (11): <psi(x), psi(x')> = <psi_1(x), psi_1(x')> + <psi_2(x), psi_2(x')>.

    Measured: the largest entry of the Gram matrix of the features that trainings are compared with, minus Theta^lin1
    and Theta^lin2 or, as section 3.3 has it for layers of two rates, a quarter of the latter.
    """
    model, moment, off = run.model, second_moment(run.experiment.data), []
    assert isinstance(model, TwoLayer)
    for X in run.X:
        first, second = (kernel(X, model.activation, moment) for kernel in (first_linear_kernel, second_linear_kernel))
        grams = [psi(X, run, share) @ psi(X, run, share).mT - first - share * second for share in (1.0, SLOWER)]
        off.append(torch.stack(grams).abs().max())

    expect(
        torch.stack(off), r"largest $|\psi \psi^\top - \Theta^\mathrm{lin1} - \Theta^\mathrm{lin2}|$"
    ).always_at_most(ROUNDING)
