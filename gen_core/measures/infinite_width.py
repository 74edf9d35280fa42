"""Tangent kernels of networks of infinite width, in closed form, and the linear kernels that approximate them.

With u, v normal of variances a, b and covariance c, E[erf(u) erf(v)] = (2/pi) asin(2c / sqrt((1 + 2a)(1 + 2b))): the
arcsine law of Williams, "Computing with Infinite Networks" (1997), whose derivative in c is E[erf'(u) erf'(v)].
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gen_core.checks import check_count
from gen_core.errors import InvalidExperiment
from gen_core.measures.kernels import constants
from gen_core.measures.of_draws import of_each_draw
from gen_core.measures.spectra import spectral_norm
from gen_core.models.activations import Polynomial
from gen_core.models.circular import CircularConv
from gen_core.run import Run
from gen_core.training.parts import measuring_device


def erf_covariances(C: Tensor) -> tuple[Tensor, Tensor]:
    """E[erf(u_i) erf(u_j)] and E[erf'(u_i) erf'(u_j)], (n, n) each, for normal u of mean zero and covariance C."""
    scale = (1 + 2 * C.diagonal()).rsqrt()
    product = torch.outer(scale, scale)
    sine = (C * product).mul_(2)
    values = torch.asin(sine).mul_(2 / math.pi)
    return values, sine.square_().neg_().add_(1).rsqrt_().mul_(product).mul_(4 / math.pi)


def expected_first_layer_kernel(X: Tensor, name: str | Polynomial) -> Tensor:
    """E[Theta_1(W)] over w_r ~ N(0, I), (n, n), of inputs X, (n, d): the first-layer kernel at infinite width.

    Source: Hu et al. (2020), section 3.1.1. For relu, E[phi' phi'] is the arc-cosine kernel of degree 0 of Cho and
    Saul (2009).

    Raises:
        InvalidExperiment: for activations other than erf and relu.
    """
    C = X @ X.mT / X.shape[1]
    if name == "erf":
        return erf_covariances(C)[1].mul_(C)
    if name != "relu":
        raise InvalidExperiment(f"expected kernel of {name}; expected erf or relu, of which the closed form is known")
    std = C.diagonal().sqrt()
    angle = torch.acos((C / torch.outer(std, std)).clamp_(-1, 1))
    return (math.pi - angle).div_(2 * math.pi).mul_(C)


def convolutional_kernel(X: Tensor, q: int) -> Tensor:
    """Theta_CNN at infinite width, (n, n), of inputs X, (n, d): one circular convolution of size q, erf, no pooling.

    Source: Hu et al. (2020), eq. (12) and Proposition 4.1. With W and V trained it is the mean over positions k of
    E[phi phi] + c E[phi' phi'], of normal variables whose covariance c is that of the patches at k, over q.

    Args:
        X: inputs.
        q: size of the filters, at most d.

    Returns:
        The kernel, on the device of X. Cost: n^2 d (q + 10) operations. Memory: some five such matrices.

    Raises:
        InvalidExperiment: unless 1 <= q <= d.
    """
    n, d = X.shape
    check_count("q", q, most=d)
    wrapped = torch.cat([X, X[:, : q - 1]], 1)
    kernel = X.new_zeros(n, n)
    for k in range(d):
        patch = wrapped[:, k : k + q]
        C = patch @ patch.mT / q
        values, slopes = erf_covariances(C)
        kernel.add_(values).addcmul_(C, slopes)
    return kernel.div_(d)


def deep_kernel(X: Tensor, hidden: int) -> Tensor:
    """Tangent kernel at infinite width, (n, n), of an erf network with some hidden layers, all trained, on X, (n, d).

    Source: Jacot, Gabriel and Hongler, "Neural Tangent Kernel" (2018), Theorem 1, in the NTK parameterization with
    weights from N(0, 1) and no biases; Hu et al. (2020), section 4.1.

    Raises:
        InvalidExperiment: unless `hidden` is a positive integer.
    """
    check_count("hidden", hidden)
    covariance = X @ X.mT / X.shape[1]
    kernel = covariance
    for _ in range(hidden):
        covariance, slopes = erf_covariances(covariance)
        kernel = slopes.mul_(kernel).add_(covariance)
    return kernel


def deep_slope(hidden: int) -> float:
    """The slope kappa of kappa X X^T / d, the linear part of `deep_kernel` where all |x|^2 = d.

    It is (L + 1) times the product of E[phi'(u)]^2 over the L hidden layers, whose preactivations u are normal with the
    variance that the layers below leave of 1.
    """
    check_count("hidden", hidden)
    variance, slopes = 1.0, 1.0
    for _ in range(hidden):
        slopes *= 4 / math.pi / (1 + 2 * variance)
        variance = 2 / math.pi * math.asin(2 * variance / (1 + 2 * variance))
    return (hidden + 1) * slopes


def convolutional_kernel_gap(run: Run) -> Tensor:
    """|Theta_CNN - 2 zeta^2 X X^T / d| / (n / d) in the spectral norm, (seeds,), on the training points.

    Source: Hu et al. (2020), Proposition 4.1. Of the model only the size of its filters counts, at infinite width.

    Raises:
        InvalidExperiment: unless the model is a `CircularConv` of erf.
        Unfinished: as `spectral_norm`.
    """
    return of_each_draw(_convolutional_kernel_gap, run, kernel=True)


def deep_kernel_gap(run: Run, hidden: int) -> Tensor:
    """|Theta - kappa X X^T / d| / (n / d) in the spectral norm, (seeds,), of the `deep_kernel` on the training points.

    Source: Hu et al. (2020), section 4.1.

    Raises:
        InvalidExperiment: unless `hidden` is a positive integer.
        Unfinished: as `spectral_norm`.
    """
    return of_each_draw(_deep_kernel_gap, run, hidden, kernel=True)


def _convolutional_kernel_gap(run: Run) -> float:
    model, X = run.experiment.model, run.X[0].to(measuring_device())
    if not isinstance(model, CircularConv) or model.activation != "erf":
        raise InvalidExperiment(f"{run.experiment.label()}; expected a CircularConv of erf")
    return _gap_to_linear(convolutional_kernel(X, model.filter), 2 * constants("erf").zeta ** 2, X)


def _deep_kernel_gap(run: Run, hidden: int) -> float:
    X = run.X[0].to(measuring_device())
    return _gap_to_linear(deep_kernel(X, hidden), deep_slope(hidden), X)


def _gap_to_linear(kernel: Tensor, slope: float, X: Tensor) -> float:
    """Spectral norm of a kernel minus slope X X^T / d, over n / d."""
    n, d = X.shape
    return spectral_norm(kernel.sub_(X @ X.mT, alpha=slope / d).cpu()) * d / n
