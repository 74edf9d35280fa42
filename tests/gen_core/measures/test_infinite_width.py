"""Kernels of infinite width against quadrature, and against Jacobians of wide networks with torch.func."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.func import jacrev

from gen_core import CircularConv, Experiment, InvalidExperiment, TwoLayer
from gen_core.data.designs import Design
from gen_core.measures import (
    convolutional_kernel,
    convolutional_kernel_gap,
    deep_kernel,
    deep_kernel_gap,
    deep_slope,
    erf_covariances,
    expected_first_layer_kernel,
)
from gen_core.run import Run
from gen_core.training.result import TrainingResult

START = Experiment(data=Design(n=30, d=9, entries="signs"), model=CircularConv(1, 4), dtype="float64")


def normals(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def run_of(experiment: Experiment, *seeds: int) -> Run:
    return Run(experiment, seeds, TrainingResult({}, ()))


def covariance(n: int) -> torch.Tensor:
    A = normals(n, n + 1, seed=3)
    return A @ A.mT / n


def by_quadrature(phi, C: torch.Tensor) -> torch.Tensor:
    """E[phi(u_i) phi(u_j)] of normal u of covariance C, by Gauss-Hermite quadrature in the plane."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    g, w = torch.from_numpy(nodes), torch.from_numpy(weights / math.sqrt(2 * math.pi))
    found = torch.empty_like(C)
    for i in range(len(C)):
        for j in range(len(C)):
            a, b, c = float(C[i, i]), float(C[j, j]), float(C[i, j])
            u = math.sqrt(a) * g[:, None]
            v = c / math.sqrt(a) * g[:, None] + math.sqrt(max(b - c * c / a, 0.0)) * g[None]
            found[i, j] = w @ (phi(u) * phi(v)) @ w
    return found


def slope(z: torch.Tensor) -> torch.Tensor:
    return 2 / math.sqrt(math.pi) * torch.exp(-z.square())


def test_covariances_of_erf_are_those_of_quadrature():
    C = covariance(4)
    values, slopes = erf_covariances(C)
    torch.testing.assert_close(values, by_quadrature(torch.erf, C), rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(slopes, by_quadrature(slope, C), rtol=1e-9, atol=1e-11)


def test_the_expected_kernel_of_erf_is_that_of_quadrature():
    X = normals(5, 3)
    expected = by_quadrature(slope, X @ X.mT / 3) * (X @ X.mT) / 3
    torch.testing.assert_close(expected_first_layer_kernel(X, "erf"), expected, rtol=1e-9, atol=1e-11)


def test_the_expected_kernel_of_relu_is_that_of_half_planes():
    """Two points of the plane at an angle are both active for a share of directions that is counted here."""
    X = normals(6, 2)
    angles = torch.linspace(0, 2 * math.pi, 400_001, dtype=torch.float64)[:-1]
    on = (X @ torch.stack([angles.cos(), angles.sin()]) > 0).double()
    expected = on @ on.mT / on.shape[1] * (X @ X.mT) / 2
    torch.testing.assert_close(expected_first_layer_kernel(X, "relu"), expected, rtol=0, atol=3e-5)


def test_other_activations_have_no_expected_kernel():
    with pytest.raises(InvalidExperiment, match=r"^expected kernel of tanh; expected erf or relu, of which"):
        expected_first_layer_kernel(normals(3, 2), "tanh")


def jacobian_kernel(f, params: dict[str, torch.Tensor]) -> torch.Tensor:
    """<df(x_i), df(x_j)> over all parameters, of a function params -> outputs (n,)."""
    J = torch.cat([j.flatten(1) for j in jacrev(f)(params).values()], 1)
    return J @ J.mT


def test_the_convolutional_kernel_is_the_mean_of_jacobians_of_wide_networks():
    """Over 60 draws of 500 channels: 30 000 channels, which leave 1 % of a kernel near 1."""
    X, model = normals(6, 7).sign(), CircularConv(500, 3)
    found = []
    for draw in range(60):
        params = model.init((7,), torch.Generator().manual_seed(draw), torch.float64)
        found.append(jacobian_kernel(lambda p: model.forward({k: v[None] for k, v in p.items()}, X[None])[0], params))
    mean, error = torch.stack(found).mean(0), torch.stack(found).std(0) / 60**0.5
    off = (convolutional_kernel(X, 3) - mean) / error
    assert float(off.abs().max()) < 4
    assert float(error.max()) < 0.01


def test_a_filter_of_the_whole_input_gives_the_kernel_of_two_dense_layers():
    X = normals(8, 5)
    C = X @ X.mT / 5
    dense = erf_covariances(C)[0] + expected_first_layer_kernel(X, "erf")
    torch.testing.assert_close(convolutional_kernel(X, 5), dense, rtol=1e-12, atol=1e-13)
    with pytest.raises(InvalidExperiment, match=r"^q 6; expected an integer from 1 to 5$"):
        convolutional_kernel(X, 6)


def deep_network(weights: dict[str, torch.Tensor], X: torch.Tensor) -> torch.Tensor:
    """An erf network in the NTK parameterization, layer by layer."""
    h = X
    for name in list(weights)[:-1]:
        W = weights[name]
        h = torch.erf(h @ W.mT / math.sqrt(W.shape[1]))
    v = weights["v"]
    return h @ v / math.sqrt(len(v))


@pytest.mark.parametrize("hidden", [1, 3])
def test_the_deep_kernel_is_the_mean_of_jacobians_of_wide_networks(hidden):
    X, m = normals(4, 5, seed=2), 128
    found = []
    for draw in range(100):
        g = torch.Generator().manual_seed(draw)
        shapes = [(m, 5), *[(m, m)] * (hidden - 1)]
        weights = {f"W{i}": torch.randn(s, generator=g, dtype=torch.float64) for i, s in enumerate(shapes)}
        weights["v"] = torch.randn(m, generator=g, dtype=torch.float64)
        found.append(jacobian_kernel(lambda p: deep_network(p, X), weights))
    mean, error = torch.stack(found).mean(0), torch.stack(found).std(0) / 10
    # The mean over networks of a finite width is off by O(1/m) in a deep one.
    assert float(((deep_kernel(X, hidden) - mean).abs() - 4 * error).max()) < (0 if hidden == 1 else 2 / m)
    assert float(error.max()) < 0.03


@pytest.mark.parametrize("hidden", [1, 2, 4])
def test_the_deep_slope_is_the_derivative_of_the_kernel_at_orthogonal_points(hidden):
    d, c = 6, 1e-6
    x = torch.zeros(2, d, dtype=torch.float64)
    x[0, 0], x[1, 0], x[1, 1] = math.sqrt(d), c * math.sqrt(d), math.sqrt(d * (1 - c * c))
    assert float(deep_kernel(x, hidden)[0, 1]) / c == pytest.approx(deep_slope(hidden), rel=1e-9)


def test_the_deep_slope_is_that_of_the_arithmetic_written_out():
    assert deep_slope(1) == pytest.approx(2 * 4 / (3 * math.pi))
    assert deep_slope(4) == pytest.approx(0.9168, abs=5e-5)


def test_gaps_are_those_of_the_kernels_written_out():
    run = run_of(START, 3, 4)
    for found, kernel, linear in (
        (convolutional_kernel_gap(run), lambda X: convolutional_kernel(X, 4), 8 / (3 * math.pi)),
        (deep_kernel_gap(run, 2), lambda X: deep_kernel(X, 2), deep_slope(2)),
    ):
        gaps = [kernel(X) - linear * X @ X.mT / 9 for X in run.X]
        expected = [float(torch.linalg.matrix_norm(gap, 2)) * 9 / 30 for gap in gaps]
        assert found.tolist() == pytest.approx(expected, rel=1e-12)


def test_a_convolutional_gap_needs_a_convolution_of_erf():
    for model in (TwoLayer(4), CircularConv(1, 4, "relu")):
        with pytest.raises(InvalidExperiment, match=r"; expected a CircularConv of erf$"):
            convolutional_kernel_gap(run_of(replace(START, model=model), 0))


def test_hidden_layers_are_counted():
    for count in (deep_slope, lambda hidden: deep_kernel(normals(3, 2), hidden)):
        with pytest.raises(InvalidExperiment, match=r"^hidden 0; expected a positive integer$"):
            count(0)
