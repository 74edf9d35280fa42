"""Neural tangent kernels, and the linear kernels that approximate those of two-layer networks.

Source: Hu et al., "The Surprising Simplicity of the Early-Time Learning Dynamics of Neural Networks" (2020), section 3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, vmap

from gen_core.errors import InvalidExperiment
from gen_core.experiment import Experiment
from gen_core.measures.spectra import spectral_norm
from gen_core.measuring import measure
from gen_core.models.activations import Polynomial, activation
from gen_core.models.contract import Model
from gen_core.models.products import add_gram
from gen_core.models.two_layer import TwoLayer
from gen_core.run import Run
from gen_core.training.parts import bytes_of_pass, measuring, measuring_device, work_of_pairs
from gen_core.training.result import TrainingResult
from gen_core.types import Dataset

JACOBIANS = 2**28
"""Size of one block of Jacobians, in bytes."""

SLOPES = 2**28
"""Size of one block of slopes, in bytes, which are those of some units on all points."""

NODES, TAIL = 400, 12.0
"""Gauss-Legendre nodes on either side of 0, and the cut-off beyond which the normal density is below 1e-31."""


@runtime_checkable
class KnownCovariance(Protocol):
    """A data recipe with known input covariance Sigma."""

    @property
    def second_moment(self) -> float:
        """Tr[Sigma^2] / d."""
        ...


@dataclass(frozen=True)
class Constants:
    """Constants of an activation phi in the linear models, with g ~ N(0, 1).

    Source: Hu et al. (2020), eq. (5) and (9).

    Attributes:
        zeta: E[phi'(g)].
        theta0: E[phi(g)].
        theta1: E[g phi'(g)]; nu of eq. (5) is theta1 sqrt(Tr[Sigma^2] / d).
        theta2: E[(g^3 / 2 - g) phi'(g)].
    """

    zeta: float
    theta0: float
    theta1: float
    theta2: float


@lru_cache
def constants(name: str | Polynomial) -> Constants:
    """The constants of an activation, to 1e-12.

    Raises:
        InvalidExperiment: if there is no activation of this name.
    """
    phi = activation(name)
    x, weight = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(NODES))
    # Activations may have a kink at 0; a quadrature rule that straddles it is off by 1e-3.
    g = torch.cat([(x - 1) * TAIL / 2, (x + 1) * TAIL / 2])
    density = torch.cat([weight, weight]) * TAIL / 2 * torch.exp(-g.square() / 2) / math.sqrt(2 * math.pi)
    slope = derivative(name, g)

    def mean(values: Tensor) -> float:
        return float(density @ values)

    return Constants(
        zeta=mean(slope), theta0=mean(phi(g)), theta1=mean(g * slope), theta2=mean((g.pow(3) / 2 - g) * slope)
    )


def second_moment(data: Dataset) -> float:
    """Tr[Sigma^2] / d for the covariance Sigma of a recipe's inputs, as needed for nu of eq. (5).

    Raises:
        InvalidExperiment: if the recipe does not declare it.
    """
    if not isinstance(data, KnownCovariance):
        raise InvalidExperiment(f"{type(data).__name__} has no second_moment; expected Tr[Sigma^2] / d of its inputs")
    return data.second_moment


def derivative(name: str | Polynomial, z: Tensor) -> Tensor:
    """phi'(z), entry by entry, for an activation by name."""
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        return torch.autograd.grad(activation(name)(z).sum(), z)[0]


def first_layer_kernel(X: Tensor, W: Tensor, name: str | Polynomial) -> Tensor:
    """Theta_1(W), the first-layer tangent kernel of `TwoLayer`, where all v_r^2 = 1.

    Source: Hu et al. (2020), section 3.1.1, the display before Proposition 3.4.

    Args:
        X: inputs, (n, d).
        W: first-layer weights, (m, d).
        name: the activation.

    Returns:
        (n, n), on the device of X. Cost: n^2 (m / 2 + d) multiply-adds. Memory: two such matrices, and SLOPES bytes
        some times.
    """
    (n, d), m = X.shape, len(W)
    kernel = X.new_zeros(n, n)
    for w in W.split(max(1, SLOPES // (n * X.element_size()))):
        slopes = derivative(name, X @ w.mT / math.sqrt(d))
        add_gram(kernel, slopes)
    return kernel.mul_(X @ X.mT).div_(m * d)


def tangent_kernel(model: Model, params: Mapping[str, Tensor], X: Tensor) -> Tensor:
    """Tangent kernel of a model with one output, in all its trained parameters, by contraction of Jacobians.

    For the first layer of `TwoLayer`, `first_layer_kernel` is the closed form and takes a thousandth of the time.

    Args:
        model: any model with one output.
        params: parameters of one network, without a seed axis.
        X: inputs, (n, *inputs).

    Returns:
        <df(x_i)/dw, df(x_j)/dw>, (n, n). Cost: n^2 multiply-adds per parameter and about n^2 / c backward passes, where
        the Jacobians and activations of c points fit into JACOBIANS bytes (n passes where all fit). Memory: two blocks
        of Jacobians. All is on the device of X.

    Raises:
        InvalidExperiment: if the model has several outputs.
    """
    if model.outputs != 1:
        raise InvalidExperiment(f"tangent kernel of a model of {model.outputs} outputs; expected one output")
    trained = {name: params[name].detach() for name in model.trainable}

    def f(trained: dict[str, Tensor], x: Tensor) -> Tensor:
        both = {**params, **trained}
        return model.forward({name: p.unsqueeze(0) for name, p in both.items()}, x[None, None]).squeeze()

    gradient = vmap(grad(f), (None, 0))

    def jacobian(x: Tensor) -> Tensor:
        return torch.cat([g.flatten(1) for g in gradient(trained, x).values()], 1)

    size = sum(p.numel() for p in trained.values()) * X.element_size()
    size += bytes_of_pass(model, tuple(X.shape[1:]), X.dtype)
    blocks = X.split(max(1, JACOBIANS // size))
    kernel, at = X.new_empty(len(X), len(X)), 0
    for i, rows in enumerate(blocks):
        J, before = jacobian(rows), 0
        for j, columns in enumerate(blocks[: i + 1]):
            block = J @ (J if i == j else jacobian(columns)).mT
            kernel[at : at + len(rows), before : before + len(columns)] = block
            kernel[before : before + len(columns), at : at + len(rows)] = block.mT
            before += len(columns)
        at += len(rows)
    return kernel


def first_linear_kernel(X: Tensor, name: str | Polynomial, second_moment: float) -> Tensor:
    """Theta^lin1 = (zeta^2 X X^T + nu^2 11^T) / d, (n, n), of inputs X, (n, d).

    Source: Hu et al. (2020), section 3.1.1. nu^2 is theta1^2 times `second_moment`, Tr[Sigma^2] / d.
    """
    known = constants(name)
    return (known.zeta**2 * (X @ X.mT)).add_(known.theta1**2 * second_moment).div_(X.shape[1])


def kernel_gap(run: Run) -> Tensor:
    """|Theta_1(W(0)) - Theta^lin1| / (n / d) in the spectral norm, (seeds,).

    Source: Hu et al. (2020), Proposition 3.4. Cost: a kernel per seed, once per process; see `first_layer_kernel`.

    Raises:
        InvalidExperiment: unless the model is a `TwoLayer` and the data declare the covariance of their inputs.
        Unfinished: as `spectral_norm`.
    """
    return _gaps(run)[:, 0]


def frobenius_gap(run: Run) -> Tensor:
    """|Theta_1(W(0)) - Theta^lin1| / (n / d) in the Frobenius norm, (seeds,); see `kernel_gap`."""
    return _gaps(run)[:, 1]


@measure
def _gaps(run: Run) -> Tensor:
    return torch.tensor([_gap(run.experiment, seed) for seed in run.seeds], dtype=torch.float64)


@lru_cache(maxsize=4096)
def _gap(experiment: Experiment, seed: int) -> tuple[float, float]:
    """Spectral and Frobenius norm of one seed's gap over n / d; cached, since claims and figures both use it."""
    model, data = experiment.model, experiment.data
    if not isinstance(model, TwoLayer):
        raise InvalidExperiment(f"first-layer kernel of {type(model).__name__}; expected a TwoLayer")
    one = Run(experiment, (seed,), TrainingResult({}, ()))
    with measuring(work_of_pairs(experiment)):
        X, W = (each[0].to(measuring_device()) for each in (one.X, one.initial("W")))
        # A symmetric initialization repeats its neurons up to the sign of v, which does not affect the kernel.
        W = W[: len(W) // 2] if model.symmetric else W
        gap = first_layer_kernel(X, W, model.activation)
        gap = gap.sub_(first_linear_kernel(X, model.activation, second_moment(data))).cpu()
    scale = X.shape[0] / X.shape[1]
    return spectral_norm(gap) / scale, float(gap.norm()) / scale
