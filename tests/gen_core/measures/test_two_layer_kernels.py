"""Kernels of the second layer against Jacobians, features and quadrature; gaps and changes against plain algebra."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from scipy.integrate import quad
from torch.func import jacrev

from gen_core import GD, Every, Experiment, InvalidExperiment, Linear, Square, TwoLayer
from gen_core.data.designs import Design
from gen_core.lab import Lab, Store
from gen_core.measures import (
    constants,
    expansion_gap,
    expected_first_layer_kernel,
    first_layer_kernel,
    first_linear_kernel,
    first_linear_norm,
    kernel_change,
    kernel_gap,
    kernels,
    sampling_gap,
    second_kernel_gap,
    second_kernel_top,
    second_layer_kernel,
    second_linear_kernel,
)
from gen_core.models.activations import activation
from gen_core.run import Run
from gen_core.training.result import TrainingResult

NAMES = ("erf", "tanh", "sigmoid", "softplus", "relu", "leaky_relu")
START = Experiment(data=Design(n=40, d=8), model=TwoLayer(20, "relu"), dtype="float64")


def normals(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def run_of(experiment: Experiment, *seeds: int) -> Run:
    return Run(experiment, seeds, TrainingResult({}, ()))


def norm(A: torch.Tensor) -> float:
    return float(torch.linalg.matrix_norm(A, 2))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("symmetric", [True, False])
def test_the_second_layers_kernel_is_that_of_the_jacobian(monkeypatch, name, symmetric):
    model, X = TwoLayer(10, name, symmetric=symmetric), normals(7, 5)
    params = model.init((5,), torch.Generator().manual_seed(1), torch.float64)
    J = jacrev(lambda v: model.forward({"W": params["W"][None], "v": v[None]}, X[None])[0])(params["v"])
    for room in (kernels.SLOPES, 1):
        monkeypatch.setattr(kernels, "SLOPES", room)
        torch.testing.assert_close(second_layer_kernel(X, params["W"], name), J @ J.mT, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_the_second_linear_kernel_is_that_of_its_features(name):
    X, known, moment = normals(9, 4), constants(name), 1.7
    longer = X.norm(dim=1) / 2 - 1
    features = torch.cat(
        [
            known.zeta * X / 2,
            torch.full((9, 1), known.theta1 * math.sqrt(moment) / math.sqrt(8), dtype=torch.float64),
            (known.theta0 + known.theta1 * longer + known.theta2 * longer**2)[:, None],
        ],
        1,
    )
    torch.testing.assert_close(second_linear_kernel(X, name, moment), features @ features.mT, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["relu", "softplus", "erf"])
def test_the_second_linear_kernel_is_the_expected_one_of_orthogonal_points(name):
    """E[phi(w x) phi(w x')] is a product of means there, by quadrature, to the third order in |x| / sqrt(d) - 1."""
    phi, r, s, d = activation(name), 0.02, -0.03, 10_000

    def mean(std: float) -> float:
        def at(g: float) -> float:
            return float(phi(torch.tensor(std * g, dtype=torch.float64))) * math.exp(-g * g / 2)

        return sum(quad(at, *ends, epsabs=1e-12)[0] for ends in ((-12, 0), (0, 12))) / math.sqrt(2 * math.pi)

    x = torch.zeros(2, d, dtype=torch.float64)
    x[0, 0], x[1, 1] = (1 + r) * math.sqrt(d), (1 + s) * math.sqrt(d)
    assert float(second_linear_kernel(x, name, 0.0)[0, 1]) == pytest.approx(mean(1 + r) * mean(1 + s), abs=1e-5)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("name", ["erf", "relu"])
def test_gaps_are_those_of_the_kernels_written_out(name, symmetric):
    experiment = replace(START, model=TwoLayer(20, name, symmetric=symmetric))
    run = run_of(experiment, 3, 4)
    measures = (second_kernel_gap, second_kernel_top, sampling_gap, expansion_gap, first_linear_norm)
    found = [measured(run) for measured in measures]
    for i in range(2):
        X, W = run.X[i], run.initial("W")[i]
        hidden = {"erf": torch.erf, "relu": torch.relu}[name](X @ W.mT / math.sqrt(8))
        second, mean = hidden @ hidden.mT / 20, expected_first_layer_kernel(X, name)
        expected = (
            norm(second - second_linear_kernel(X, name, 1.0)) / 5,
            norm(second) / 40,
            norm(first_layer_kernel(X, W, name) - mean) / 5,
            norm(mean - first_linear_kernel(X, name, 1.0)) / 5,
            norm(first_linear_kernel(X, name, 1.0)) / 5,
        )
        assert [float(values[i]) for values in found] == pytest.approx(expected, rel=1e-12)
    assert (kernel_gap(run) <= found[2] + found[3] + 1e-12).all()


def trained(**changes) -> Experiment:
    return replace(START, rule=GD(1.6), loss=Square(0.5), steps=4, checkpoints=Every(2), **changes)


def test_the_change_of_a_kernel_is_that_of_jacobians(tmp_path):
    run = Lab(Store(tmp_path), torch.device("cpu")).run(trained(), 2)
    found, signs, points = kernel_change(run), run.initial("v"), run.X
    for i in range(2):
        v, X = signs[i : i + 1], points[i : i + 1]

        def jacobian(W: torch.Tensor, v: torch.Tensor = v, X: torch.Tensor = X) -> torch.Tensor:
            J = jacrev(lambda W: run.model.forward({"W": W[None], "v": v}, X)[0])(W).flatten(1)
            return J @ J.mT

        before, after = jacobian(run.initial("W")[i]), jacobian(run.weights("W")[i])
        assert float(found[i]) == pytest.approx(norm(after - before) / norm(before), rel=1e-9)
    assert (found > 0.01).all()


def test_kernels_need_a_two_layer_network():
    for measured in (
        second_kernel_gap,
        second_kernel_top,
        sampling_gap,
        expansion_gap,
        first_linear_norm,
        kernel_change,
    ):
        with pytest.raises(InvalidExperiment, match=r"^kernel of Linear; expected a TwoLayer$"):
            measured(run_of(replace(START, model=Linear()), 0))


def test_the_change_is_that_of_the_first_layer_alone(tmp_path):
    both = trained(model=TwoLayer(20, "relu", train=("W", "v")))
    with pytest.raises(InvalidExperiment, match=r"^TwoLayer with train=\('W', 'v'\); expected \('W',\), so that all"):
        kernel_change(Lab(Store(tmp_path), torch.device("cpu")).run(both, 1))
