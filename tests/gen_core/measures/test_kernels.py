"""Kernels against Jacobians, constants against closed forms and quadrature, norms against all eigenvalues."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from gen_core import MLP, ConvNet, Experiment, InvalidExperiment, Linear, TwoLayer, Unfinished
from gen_core.data.designs import Design
from gen_core.data.gaussian import Gaussian
from gen_core.measures import (
    constants,
    derivative,
    first_layer_kernel,
    first_linear_kernel,
    frobenius_gap,
    kernel_gap,
    kernels,
    spectra,
    spectral_norm,
)
from gen_core.models.activations import activation
from gen_core.run import Run
from gen_core.training.result import TrainingResult

NAMES = ("erf", "tanh", "sigmoid", "softplus", "relu", "leaky_relu", "identity")
START = Experiment(data=Design(n=60, d=12), model=TwoLayer(40, "relu"), dtype="float64")


def run_of(experiment: Experiment, *seeds: int) -> Run:
    return Run(experiment, seeds, TrainingResult({}, ()))


def normals(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(
    ("name", "zeta", "theta0", "theta1", "theta2"),
    [
        ("erf", 2 / math.sqrt(3 * math.pi), 0, 0, 0),
        ("relu", 1 / 2, 1 / math.sqrt(2 * math.pi), 1 / math.sqrt(2 * math.pi), 0),
        ("leaky_relu", 0.6, 0.8 / math.sqrt(2 * math.pi), 0.8 / math.sqrt(2 * math.pi), 0),
        ("identity", 1, 0, 0, 0),
    ],
)
def test_constants_have_closed_forms(name, zeta, theta0, theta1, theta2):
    found = constants(name)
    assert (found.zeta, found.theta0, found.theta1, found.theta2) == pytest.approx(
        (zeta, theta0, theta1, theta2), abs=1e-12
    )


def drawn(model, inputs: tuple[int, ...]) -> dict[str, torch.Tensor]:
    return model.init(inputs, torch.Generator().manual_seed(3), torch.float64)


@pytest.mark.parametrize("name", NAMES)
def test_the_tangent_kernel_of_a_first_layer_is_its_closed_form(name):
    model, X = TwoLayer(16, name, symmetric=False), normals(9, 5)
    params = drawn(model, (5,))
    torch.testing.assert_close(
        kernels.tangent_kernel(model, params, X), first_layer_kernel(X, params["W"], name), rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize("room", [1, 3 * 8 * 400, 2**28])
@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (MLP(hidden=(6, 5), activation="tanh"), (4,)),
        (ConvNet(channels=(2, 3), hidden=(4,)), (1, 6, 5)),
        (TwoLayer(8, "erf", train=("W", "v")), (4,)),
    ],
)
def test_the_tangent_kernel_is_that_of_gradients_one_by_one_in_blocks_of_any_size(monkeypatch, model, inputs, room):
    X, params = normals(7, *inputs), drawn(model, inputs)
    leaves = {name: p.clone().requires_grad_(name in model.trainable) for name, p in params.items()}

    def gradient(x):
        f = model.forward({name: p[None] for name, p in leaves.items()}, x[None, None])
        found = torch.autograd.grad(f.sum(), [leaves[name] for name in model.trainable])
        return torch.cat([g.flatten() for g in found])

    J = torch.stack([gradient(x) for x in X])
    monkeypatch.setattr(kernels, "JACOBIANS", room)
    torch.testing.assert_close(kernels.tangent_kernel(model, params, X), J @ J.T, rtol=1e-11, atol=1e-12)


def test_the_tangent_kernel_of_several_outputs_is_refused():
    model = MLP(outputs=3)
    with pytest.raises(InvalidExperiment, match=r"model of 3 outputs; expected one output"):
        kernels.tangent_kernel(model, drawn(model, (2,)), normals(2, 2))


@pytest.mark.parametrize("name", NAMES)
def test_constants_agree_with_adaptive_quadrature(name):
    phi = activation(name)

    def mean(factor) -> float:
        def at(g: float) -> float:
            return factor(g) * float(phi(torch.tensor(g, dtype=torch.float64))) * math.exp(-g * g / 2)

        parts = [quad(at, a, b, epsabs=1e-13, epsrel=1e-13, limit=200)[0] for a, b in ((-12, 0), (0, 12))]
        return sum(parts) / math.sqrt(2 * math.pi)

    # By parts, E[h(g) phi'(g)] = E[(g h(g) - h'(g)) phi(g)]: a route without the derivative.
    expected = (
        mean(lambda g: g),
        mean(lambda g: 1.0),
        mean(lambda g: g * g - 1),
        mean(lambda g: g**4 / 2 - 5 * g * g / 2 + 1),
    )
    found = constants(name)
    assert (found.zeta, found.theta0, found.theta1, found.theta2) == pytest.approx(expected, abs=1e-10)


def test_constants_as_published_to_six_digits():
    assert constants("tanh").zeta == pytest.approx(0.605706, abs=5e-7)
    assert constants("sigmoid").zeta == pytest.approx(0.206621, abs=5e-7)
    assert constants("softplus").theta0 == pytest.approx(0.806059, abs=5e-7)
    assert constants("softplus").theta2 == pytest.approx(0.072112, abs=5e-7)


def test_derivative_needs_no_gradients_around_it():
    z = normals(3, 4)
    with torch.no_grad():
        assert torch.allclose(derivative("tanh", z), 1 - torch.tanh(z).square())


@pytest.mark.parametrize("name", ["erf", "relu", "softplus"])
@pytest.mark.parametrize("symmetric", [True, False])
def test_kernel_is_that_of_the_jacobian(name, symmetric):
    model, X = TwoLayer(10, name, symmetric=symmetric), normals(7, 5)
    params = model.init((5,), torch.Generator().manual_seed(1), torch.float64)

    def outputs(W: torch.Tensor) -> torch.Tensor:
        return model.forward({"W": W[None], "v": params["v"][None]}, X[None])[0]

    jacobian = torch.func.jacrev(outputs)(params["W"]).flatten(1)
    assert torch.allclose(first_layer_kernel(X, params["W"], name), jacobian @ jacobian.mT, atol=1e-14)


def test_kernel_of_a_linear_network_is_linear():
    X, W = normals(9, 4), normals(6, 4, seed=1)
    assert torch.allclose(first_layer_kernel(X, W, "identity"), first_linear_kernel(X, "identity", 1.7), atol=1e-14)


def test_linear_kernel_is_the_expected_one_to_first_order():
    """E[Theta_1] off the diagonal is zeta^2 <x, x'> / d + theta1^2 <x, x'>^2 / d^2 + ..., for norms of sqrt(d)."""
    d, known = 4000, constants("relu")
    x, z = normals(2, d)
    x, z = x * math.sqrt(d) / x.norm(), z * math.sqrt(d) / z.norm()
    c = float(x @ z) / d
    expected = (math.pi - math.acos(c)) / (2 * math.pi) * c  # the arc-cosine kernel, Cho and Saul (2009)
    linear = known.zeta**2 * c + known.theta1**2 * c**2
    assert abs(c) > 1e-3
    assert expected == pytest.approx(linear, abs=abs(c) ** 3)


@pytest.mark.parametrize("n", [3, spectra.DENSE, spectra.DENSE + 1, 300])
@pytest.mark.parametrize("sign", [1, -1])
def test_spectral_norm_is_the_largest_eigenvalue(n, sign):
    A = normals(n, n)
    A = A + A.mT + sign * 0.5 * torch.eye(n, dtype=torch.float64)
    assert spectral_norm(A) == pytest.approx(float(torch.linalg.matrix_norm(A, 2)), rel=1e-12)
    assert spectral_norm(A) == spectral_norm(A.clone())


def test_spectral_norm_that_is_not_found(monkeypatch):
    A = torch.diag(normals(300))
    monkeypatch.setattr(spectra, "RESIDUAL", 1e-30)
    with pytest.raises(Unfinished, match=r"^spectral norm of a 300 x 300 matrix: residual .*; expected at most 1e-30$"):
        spectral_norm(A)


def test_spectral_norm_that_does_not_converge(monkeypatch):
    def never(matrix, **options):
        raise spectra.ArpackNoConvergence("no convergence (%s)", np.empty(0), np.empty((0, 0)))

    monkeypatch.setattr(spectra, "eigsh", never)
    with pytest.raises(Unfinished, match=r"spectral norm of a 300 x 300 matrix: .*; expected convergence"):
        spectral_norm(torch.eye(300, dtype=torch.float64))


@pytest.mark.parametrize("symmetric", [True, False])
def test_gaps_are_those_of_the_kernels_written_out(symmetric):
    run = run_of(replace(START, model=replace(START.model, symmetric=symmetric)), 3, 4)
    spectral, frobenius = kernel_gap(run), frobenius_gap(run)
    for i in range(2):
        X, W = run.X[i], run.initial("W")[i]
        on = (X @ W.mT > 0).double()
        linear = X @ X.mT / 4 + torch.ones(60, 60, dtype=torch.float64) / (2 * math.pi)
        gap = (on @ on.mT / 40) * (X @ X.mT) / 12 - linear / 12
        assert float(spectral[i]) == pytest.approx(float(torch.linalg.matrix_norm(gap, 2)) / 5, rel=1e-12)
        assert float(frobenius[i]) == pytest.approx(float(gap.square().sum().sqrt()) / 5, rel=1e-12)


def test_a_seeds_gap_is_computed_once(monkeypatch):
    run = run_of(replace(START, data=Design(n=61, d=12)), 0, 1)
    first = kernel_gap(run)
    monkeypatch.setattr(kernels, "first_layer_kernel", None)
    assert torch.equal(kernel_gap(run), first)
    assert len(frobenius_gap(run)) == 2


def test_gaps_need_a_two_layer_network_and_a_known_covariance():
    with pytest.raises(InvalidExperiment, match=r"^first-layer kernel of Linear; expected a TwoLayer$"):
        kernel_gap(run_of(replace(START, model=Linear()), 0))
    with pytest.raises(InvalidExperiment, match=r"^Gaussian has no second_moment; expected Tr\[Sigma\^2\] / d of its"):
        frobenius_gap(run_of(replace(START, data=Gaussian(n=9, d=12)), 0))


def test_nu_follows_the_covariance():
    @dataclass(frozen=True)
    class Wider(Design):
        @property
        def second_moment(self) -> float:
            return 4.0

    X = run_of(START, 0).X[0]
    assert kernels.second_moment(Wider(n=60, d=12)) == 4.0
    added = first_linear_kernel(X, "relu", 4.0) - first_linear_kernel(X, "relu", 1.0)
    assert torch.allclose(added, torch.full_like(added, 3 / (2 * math.pi) / 12))
