"""Features of the linear models against the equations, expectations over units, and linear algebra by numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from gen_core.measures import constants, first_linear_kernel, gradient_descent, linear_features, linear_optimum, on_span
from gen_core.models.activations import activation


def normals(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def kernel(X: torch.Tensor, name: str, layers: tuple[float, float]) -> torch.Tensor:
    psi = linear_features(X, name, 1.3, layers)
    return psi @ psi.mT


@pytest.mark.parametrize("name", ["erf", "relu"])
def test_features_of_the_first_layer_give_its_linear_kernel(name):
    X = normals(2, 8, 5)
    assert linear_features(X, name, 1.3, (1.0, 0.0)).shape == (2, 8, 7)
    for i in range(2):
        assert torch.allclose(kernel(X, name, (1.0, 0.0))[i], first_linear_kernel(X[i], name, 1.3), atol=1e-15)


def test_features_of_the_second_layer_as_printed():
    """Eq. (9), entry by entry."""
    x, known, d = normals(6), constants("softplus"), 6
    off = float(x.norm()) / math.sqrt(d) - 1
    printed = [*(known.zeta * x / math.sqrt(d)).tolist(), known.theta1 * math.sqrt(1.3) / math.sqrt(2 * d)]
    printed.append(known.theta0 + known.theta1 * off + known.theta2 * off**2)
    assert linear_features(x[None], "softplus", 1.3, (0.0, 1.0))[0].tolist() == pytest.approx(printed)


@pytest.mark.parametrize("name", ["tanh", "softplus", "sigmoid"])
def test_the_feature_of_the_norm_is_the_mean_of_a_unit(name):
    """E[phi(<w, x> / sqrt(d))] for w ~ N(0, I) depends on |x| / sqrt(d) alone; the feature is its second-order part."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    g, w = torch.from_numpy(nodes), torch.from_numpy(weights / math.sqrt(2 * math.pi))
    x = torch.nn.functional.normalize(normals(1, 6)) * math.sqrt(6)
    for off in (-0.02, 0.03):
        mean = float(w @ activation(name)((1 + off) * g))
        feature = float(linear_features((1 + off) * x, name, 1.0, (0.0, 1.0))[0, -1])
        assert feature == pytest.approx(mean, abs=abs(off) ** 3)


def test_kernels_of_the_layers_add_and_are_weighted():
    X = normals(2, 8, 5)
    first, second = kernel(X, "relu", (1.0, 0.0)), kernel(X, "relu", (0.0, 1.0))
    assert torch.allclose(kernel(X, "relu", (1.0, 1.0)), first + second, atol=1e-14)
    assert torch.allclose(kernel(X, "relu", (4.0, 0.5)), 4 * first + second / 2, atol=1e-14)


def test_naive_features_do_not_depend_on_the_norm():
    X = normals(4, 5)
    full, naive = linear_features(X, "relu", 1.0), linear_features(X, "relu", 1.0, norm=False)
    assert torch.equal(full[:, :-1], naive[:, :-1])
    assert naive[:, -1].tolist() == pytest.approx([constants("relu").theta0] * 4)
    assert float((full - naive)[:, -1].abs().max()) > 0.01


def test_the_optimum_is_the_pseudoinverse_and_the_limit_of_descent():
    F, y = normals(2, 20, 4), normals(2, 20)
    F[..., 1] = 0.0  # a feature that is zero everywhere, as the norm's is for erf
    beta = linear_optimum(F, y)
    for i in range(2):
        assert beta[i].tolist() == pytest.approx((np.linalg.pinv(F[i].numpy()) @ y[i].numpy()).tolist(), abs=1e-12)
    assert torch.allclose(gradient_descent(F, y, 0.5, (400,))[:, 0], beta, atol=1e-10)


@pytest.mark.parametrize("rank", [4, 3])
def test_projection_is_the_least_squares_fit(rank):
    F, values = normals(2, 9, 4), normals(2, 3, 9)
    F[..., rank:] = F[..., :1]
    found = on_span(F, values)
    for i in range(2):
        fitted = F[i].numpy() @ np.linalg.lstsq(F[i].numpy(), values[i].mT.numpy(), rcond=None)[0]
        assert torch.allclose(found[i], torch.from_numpy(fitted.T), atol=1e-12)
