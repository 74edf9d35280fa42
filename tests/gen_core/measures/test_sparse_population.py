"""Population accuracies against all points of a small population, one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from fixtures.data.synthetic import SparseNoise
from fixtures.nakkiran.overfitting import from_first, overfit
from fixtures.theory_iii.regressions import gd
from gen_core import Experiment, InvalidExperiment, SparseLinear, Unfinished
from gen_core.lab import Lab, Store
from gen_core.measures import overfitted_accuracy, population_accuracy, population_of


@pytest.fixture
def lab(tmp_path) -> Lab:
    return Lab(Store(tmp_path), torch.device("cpu"))


def one_by_one(run, w1: torch.Tensor, w: torch.Tensor) -> list[float]:
    """P(y <w, x> > 0) over all (y, eta, k), per seed; a score of 0 counts half."""
    d, p = population_of(run.experiment).d, population_of(run.experiment).p
    params = {name: run.initial(name) for name in ("coordinates", "law", "shift")} | {"w1": w1, "w": w}
    total = torch.zeros(len(w1), dtype=torch.float64)
    for y in (-1.0, 1.0):
        for eta, chance in ((1.0, 1 - p), (-1.0, p)):
            k = torch.arange(2.0, d + 1, dtype=torch.float64)
            X = torch.stack((torch.full_like(k, eta * y), k), 1).expand(len(w1), -1, -1)
            score = y * run.experiment.model.forward(params, X)
            total += chance / 2 * torch.heaviside(score, torch.tensor(0.5).double()).mean(1)
    return total.tolist()


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("first", [-3.0, -0.3, 0.0, 0.3, 0.5, 3.0])
@pytest.mark.parametrize(("start", "peek"), [("constant", "none"), ("sign", "aligned"), ("sign", "interpolating")])
def test_population_accuracy_counts_all_points(lab, p, first, start, peek):
    model = SparseLinear(30, first=first, bound=0.3, start=start, peek=peek)
    run = lab.run(replace(overfit(p, model, d=80), steps=3), 2)
    w1, w = run.initial("w1"), run.initial("w")
    assert population_accuracy(run, w1, w).tolist() == pytest.approx(one_by_one(run, w1, w), abs=1e-12)
    path = population_accuracy(run, run.watched("weights.w1"), run.watched("weights.w"))
    assert path.shape == (2, len(run.checkpoints))
    assert path[:, 0].tolist() == pytest.approx(one_by_one(run, w1, w), abs=1e-12)
    assert path[:, -1].tolist() == pytest.approx(one_by_one(run, run.weights("w1"), run.w), abs=1e-12)


def test_uniform_start_above_its_bound(lab):
    run = lab.run(overfit(0.1, SparseLinear(30, first=1.0, bound=0.2, start="uniform"), d=10**4), 3)
    assert bool((run.weights("w1") > 0.2).all())
    assert overfitted_accuracy(run).tolist() == pytest.approx(one_by_one(run, run.weights("w1"), run.w), abs=1e-12)


def test_a_fitted_sample_costs_what_its_noisy_points_cost(lab):
    # From e_1 with p < 1/4 a point with eta = 1 ends at |w(k)| near 2p < w(1), and one with eta = -1 at 2 - 2p > w(1).
    n, d, p = 200, 10**8, 0.1
    run = lab.run(overfit(p, SparseLinear(n, first=1.0), d=d), 4)
    noisy = (run.X[..., 0] != run.y).sum(1)
    expected = 1 - p - (0.5 - p) * noisy.double() / (d - 1)
    assert overfitted_accuracy(run).tolist() == pytest.approx(expected.tolist(), abs=1e-13)


def test_what_is_not_fitted_is_unfinished(lab):
    short = replace(overfit(0.1, SparseLinear(50)), steps=25)
    with pytest.raises(
        Unfinished, match=r"not fitted: training accuracy 0\.\d+ and loss .* after 25 steps; expected 1"
    ):
        overfitted_accuracy(lab.run(short, 2))
    rough = replace(overfit(0.1, SparseLinear(50)), steps=150)
    run = lab.run(rough, 2)
    assert run.train_accuracy.min() == 1
    with pytest.raises(Unfinished, match=r"training accuracy 1\.0000 and loss"):
        overfitted_accuracy(run)


def test_other_data_and_models_are_refused(lab):
    regression: Experiment = gd(steps=2)
    with pytest.raises(InvalidExperiment, match="Gaussian has no d and p; expected sparse data"):
        population_of(regression)
    sparse = SparseNoise(n=50, d=100, p=0.1)
    run = lab.run(replace(regression, data=sparse), 1)
    with pytest.raises(InvalidExperiment, match="population accuracy of Linear; expected a SparseLinear"):
        population_accuracy(run, run.w[:, 0], run.w)


def test_the_limit_is_reached_from_far_below(lab):
    run = lab.run(from_first(0.1, lambda n: -float(n)).at("quick"), 2)
    assert overfitted_accuracy(run).tolist() == pytest.approx([0.1, 0.1], abs=1e-8)
