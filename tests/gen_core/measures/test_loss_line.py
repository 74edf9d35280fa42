"""The line of test over training losses against scipy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import linregress

from fixtures.puzzles.families import by_scale, dense_net, for_steps
from gen_core import Runs, Stop, Unfinished
from gen_core.data.digits import Digits
from gen_core.lab import Lab, Store
from gen_core.measures import (
    Measured,
    held_out_losses,
    line,
    norm_products,
    normalized,
    off_line,
    resampled_line,
    train_losses,
)
from gen_core.models.contract import layers_of

GAINS = (0.7, 1.0, 2.0, 4.0, 6.0)
DATA = Digits(n=60, n_test=50, task="ten_classes")


@pytest.fixture
def lab(tmp_path):
    return Lab(Store(tmp_path), torch.device("cpu"))


@pytest.fixture
def runs(lab):
    sweep = for_steps(by_scale(DATA, dense_net(16), 0.02, GAINS), 20)
    return Runs({f"{gain:g}": lab.run(point, 3) for gain, point in sweep.points}, GAINS)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def test_line_against_scipy():
    train, test = normal(6, 3), normal(4, 6, 3)
    found = line(train, test)
    for resample in range(4):
        for seed in range(3):
            x, y = train[:, seed].numpy(), test[resample, :, seed].numpy()
            expected = linregress(x, y)
            residuals = y - expected.slope * x - expected.intercept
            assert float(found.slope[resample, seed]) == pytest.approx(expected.slope)
            assert float(found.intercept[resample, seed]) == pytest.approx(expected.intercept)
            assert float(found.r2[resample, seed]) == pytest.approx(expected.rvalue**2)
            assert float(found.rmse[resample, seed]) == pytest.approx(np.sqrt((residuals**2).sum() / 4))
            spread = np.sqrt(((x - x.mean()) ** 2).sum())
            assert float(found.rmse[resample, seed]) == pytest.approx(expected.stderr * spread)


def test_points_on_a_line_are_no_distance_from_it():
    x = torch.tensor([[1.0], [2.0], [4.0]], dtype=torch.float64)
    found = line(x, 3 * x - 1)
    assert [float(v) for v in (found.slope, found.intercept, found.r2)] == pytest.approx([3, -1, 1])
    assert float(found.rmse) == pytest.approx(0, abs=1e-12)
    assert float(found.above(torch.tensor([10.0]), torch.tensor([31.0]))) == pytest.approx(2)


def test_test_losses_that_do_not_vary_are_explained_by_nothing():
    assert line(normal(4, 2), torch.ones(4, 2, dtype=torch.float64)).r2.tolist() == [0, 0]


def test_held_out_losses_are_those_of_the_normalized_networks(runs):
    found = held_out_losses(runs, norm_products(runs))
    assert found.shape == (5, 3, 50)
    run = runs["2"]
    layers = layers_of(run.model, run.experiment.data.inputs)
    f = run.model.forward(normalized(run.parameters, layers), run.X_test)
    for seed in range(3):
        expected = torch.nn.functional.cross_entropy(f[seed], run.y_test[seed], reduction="none")
        assert torch.allclose(found[2, seed].float(), expected, rtol=1e-5)


@pytest.mark.parametrize("normalize", [True, False])
def test_line_of_a_family_against_scipy(runs, normalize: bool):
    rho = norm_products(runs) if normalize else torch.ones(5, 3)
    train, test = train_losses(runs, rho), held_out_losses(runs, rho)
    slope = resampled_line(runs, "slope", normalize=normalize)
    assert isinstance(slope, Measured)
    assert slope.resampled.shape == (200, 3)
    for seed in range(3):
        expected = linregress(train[:, seed], test[:, seed].mean(-1)).slope
        assert float(slope.values[seed]) == pytest.approx(expected)


def test_distance_of_one_network_from_the_line_of_the_others(runs):
    found = off_line(runs, "2")
    assert isinstance(found, Measured)
    rho = norm_products(runs)
    train, test = train_losses(runs, rho).numpy(), held_out_losses(runs, rho).mean(-1).numpy()
    others = [0, 1, 3, 4]
    for seed in range(3):
        fitted = linregress(train[others, seed], test[others, seed])
        left = test[:, seed] - fitted.slope * train[:, seed] - fitted.intercept
        expected = np.log10(abs(left[2]) / np.sqrt((left[others] ** 2).sum() / 2))
        assert float(found.values[seed]) == pytest.approx(expected)


def test_a_network_that_did_not_come_to_the_loss_is_told(lab, runs):
    point = replace(runs["1"].experiment, stop=Stop(loss=1e-6, every=5))
    short = Runs({**runs.runs, "short": lab.run(point, 3)})
    for measure in (lambda: resampled_line(short, "r2"), lambda: off_line(short, "short")):
        with pytest.raises(Unfinished, match="after 20 steps; expected at most 1e-06"):
            measure()
