"""The linear models that two-layer networks follow early in training: their features, their optimum and their span.

Source: Hu et al., "The Surprising Simplicity of the Early-Time Learning Dynamics of Neural Networks" (2020), section 3.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gen_core.measures.kernels import constants
from gen_core.models.activations import Polynomial


def linear_features(
    X: Tensor,
    name: str | Polynomial,
    second_moment: float,
    layers: tuple[float, float] = (1.0, 1.0),
    *,
    norm: bool = True,
) -> Tensor:
    """Features whose kernel is a Theta^lin1 + b Theta^lin2, with weights (a, b) of the two layers.

    They are x, a constant and a function of |x|: psi_1 of eq. (5), and a zero, with the weights (1, 0); psi_2 of
    eq. (9) with (0, 1); psi of eq. (11) with (1, 1). Where the layers have rates of their own, section 3.3 weighs the
    kernels by them.

    Source: Hu et al. (2020), eq. (5), (9) and (11).

    Args:
        X: inputs, (..., n, d).
        name: the activation.
        second_moment: Tr[Sigma^2] / d of the inputs' covariance; nu is theta1 times its root.
        layers: the weights of the first and the second layer.
        norm: whether the last feature depends on |x|; without it is the constant theta0, as in the naive linear model
            of section 3.4.

    Returns:
        (..., n, d + 2).
    """
    known, d, (first, second) = constants(name), X.shape[-1], layers
    nu = torch.full_like(X[..., :1], known.theta1 * math.sqrt(second_moment))
    off = X.norm(dim=-1, keepdim=True) / math.sqrt(d) - 1 if norm else torch.zeros_like(nu)
    of_norm = known.theta0 + known.theta1 * off + known.theta2 * off.square()
    return torch.cat(
        [
            math.sqrt((first + second) / d) * known.zeta * X,
            math.sqrt((first + second / 2) / d) * nu,
            math.sqrt(second) * of_norm,
        ],
        -1,
    )


def linear_optimum(features: Tensor, y: Tensor) -> Tensor:
    """The parameters that gradient descent from zero converges to: least squares, of the smallest norm.

    Source: Hu et al. (2020), Corollary 3.3.

    Args:
        features: (seeds, n, p), of any rank.
        y: targets, (seeds, n).

    Returns:
        (seeds, p). Cost: a singular value decomposition.
    """
    # The default driver of torch needs full rank, and a feature may be zero at every point.
    return torch.linalg.lstsq(features, y[..., None].to(features.dtype), driver="gelsd").solution[..., 0]


def on_span(features: Tensor, values: Tensor) -> Tensor:
    """Orthogonal projection of values on points onto the span of features on these points.

    Source: Hu et al. (2020), section 4.2, where the features are the inputs and the span is V_lin.

    Args:
        features: (seeds, n, p), of any rank.
        values: (seeds, k, n).

    Returns:
        (seeds, k, n). Cost: a singular value decomposition of the features.
    """
    basis, sizes, _ = torch.linalg.svd(features, full_matrices=False)
    basis = basis * (sizes > sizes[..., :1] * max(features.shape[1:]) * torch.finfo(sizes.dtype).eps)[..., None, :]
    return values @ basis @ basis.mT
