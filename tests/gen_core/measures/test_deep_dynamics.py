"""Deep networks beside their linear model, against descent with autograd and sums that are written out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import GD, MLP, Data, Every, Experiment, InvalidExperiment, MinusCopy, Square
from gen_core.data.designs import Design
from gen_core.data.digits import Digits
from gen_core.lab import Lab, Store
from gen_core.measures import Measured, deep_outputs, growth_of_relative_error, relative_error
from gen_core.run import Run

OF_ALL_SEEDS = Design(n=1, d=9, n_test=30).draw(torch.Generator().manual_seed(1))


@dataclass(frozen=True)
class Shared(Design):
    """Held-out points that all seeds share."""

    def draw(self, generator: torch.Generator) -> Data:
        return replace(super().draw(generator), X_test=OF_ALL_SEEDS.X_test, y_test=OF_ALL_SEEDS.y_test)


NET = Experiment(
    data=Design(n=40, d=9, n_test=30),
    model=MinusCopy(MLP(hidden=(12, 7), activation="erf", scheme="lecun_normal", bias=False)),
    rule=GD(0.3),
    loss=Square(),
    steps=12,
    checkpoints=Every(4),
    watch=("test_outputs",),
)


@pytest.fixture
def lab(tmp_path) -> Lab:
    return Lab(Store(tmp_path), torch.device("cpu"))


def descended(run: Run, seed: int, rate: float) -> torch.Tensor:
    """Outputs of the linear model on the held-out points at the checkpoints, by autograd."""
    X, y, X_test = (each[seed].double() for each in (run.X, run.y, run.X_test))
    beta, found = torch.zeros(X[0].numel(), dtype=torch.float64, requires_grad=True), []

    def linear(x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1) @ beta / math.sqrt(x[0].numel())

    for t in range(run.checkpoints[-1] + 1):
        if t in run.checkpoints:
            found.append(linear(X_test).detach())
        (slope,) = torch.autograd.grad((linear(X) - y).square().mean() / 2, beta)
        beta = (beta - rate * slope).detach().requires_grad_()
    return torch.stack(found)


@pytest.mark.parametrize("data", [NET.data, Digits(n=40, flat=False)])
def test_outputs_are_those_of_descent_on_a_linear_model(lab, data):
    run = lab.run(replace(NET, data=data), 2)
    found = deep_outputs(run, 1.7)
    for seed in range(2):
        torch.testing.assert_close(found.linear[seed], descended(run, seed, 1.7), rtol=1e-10, atol=1e-12)
    assert torch.equal(found.net, run.watched("test_outputs").double())
    assert not bool(found.net[:, 0].any())


def errors(run: Run, rate: float) -> list[list[float]]:
    """Of each seed, the relative errors at the checkpoints after the start."""
    found = []
    for seed in range(len(run.seeds)):
        f, linear = run.watched("test_outputs")[seed].double(), descended(run, seed, rate)
        found.append([float(((a - b) ** 2).sum() / (b**2).sum()) for a, b in zip(f[1:], linear[1:], strict=True)])
    return found


def test_errors_are_relative_to_the_linear_model_of_the_same_step(lab):
    run = lab.run(NET, 3)
    expected = errors(run, 1.7)
    assert relative_error(run, 1.7).tolist() == pytest.approx([each[-1] for each in expected])
    growth = [each[-1] / each[1] for each in expected]
    assert growth_of_relative_error(run, 1.7, early=8).tolist() == pytest.approx(growth)


def test_points_that_all_seeds_share_are_resampled(lab):
    run = lab.run(replace(NET, data=Shared(n=40, d=9, n_test=30)), 2)
    for found, expected in (
        (relative_error(run, 1.7), [each[-1] for each in errors(run, 1.7)]),
        (growth_of_relative_error(run, 1.7, early=4), [each[-1] / each[0] for each in errors(run, 1.7)]),
    ):
        assert isinstance(found, Measured)
        assert found.values.tolist() == pytest.approx(expected)
        assert found.resampled.shape == (200, 2)
        assert found.resampled.std(0).min() > 0


def test_counts_are_those_of_points_that_are_repeated(lab):
    outputs = deep_outputs(lab.run(NET, 2), 1.7)
    places = torch.tensor([0, 0, 3, 7, 7, 7])
    counts = torch.bincount(places, minlength=30).double()[None]
    repeated = replace(outputs, net=outputs.net[..., places], linear=outputs.linear[..., places])
    torch.testing.assert_close(outputs.relative_error(counts)[0], repeated.relative_error(), equal_nan=True)


def test_other_losses_have_no_such_linear_model(lab):
    with pytest.raises(InvalidExperiment, match=r"; expected Square\(0.5\), as in eq. \(4\)$"):
        deep_outputs(lab.run(replace(NET, loss=Square(1.0)), 1), 1.0)
