"""Recipes without data, and trainings that may diverge."""

from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import GD, Energy, Every, Experiment, InvalidExperiment, Momentum, Potential, Run, Unfinished
from gen_core.lab import Lab, Store
from gen_core.plugin.planning import plan_lines
from gen_core.training.cost import cost
from gen_core.training.trainer import train_rows
from tests.gen_core.training.teacher import LEAST_SQUARES


@dataclass(frozen=True)
class DoubleWell(Potential):
    chains: int = 50
    depth: float = 1.0

    def init(self, inputs, generator, dtype):
        return {"x": torch.randn(self.chains, 2, generator=generator, dtype=torch.float64).to(dtype)}

    def energy(self, params):
        x = params["x"]
        return self.depth * (x[..., 0] ** 2 - 1) ** 2 / 4 + x[..., 1] ** 2 / 2


@dataclass(frozen=True)
class Bowl(DoubleWell):
    """One chain a seed."""

    def init(self, inputs, generator, dtype):
        return {"x": torch.randn(3, generator=generator, dtype=torch.float64).to(dtype)}

    def energy(self, params):
        return params["x"].square().sum(1) / 2


@dataclass(frozen=True)
class Lopsided(DoubleWell):
    def energy(self, params):
        return params["x"]


WELLS = Experiment(
    model=DoubleWell(),
    rule=GD(0.1),
    loss=Energy(),
    steps=40,
    checkpoints=Every(10),
    watch=("weights", "train_loss"),
    dtype="float64",
)


def run(experiment, seeds=range(3)):
    [(_, trained)] = train_rows([(experiment, seed) for seed in seeds], torch.device("cpu"))
    return Run(experiment, tuple(seeds), trained)


def test_each_chain_takes_the_steps_of_its_own_energy():
    finished = run(WELLS)
    x = finished.initial("x").clone()
    for _ in range(40):
        u, v = x.unbind(-1)
        x = x - 0.1 * torch.stack([u * (u**2 - 1), v], -1)
    torch.testing.assert_close(finished.weights("x"), x)
    u, v = x.unbind(-1)
    torch.testing.assert_close(finished.train_loss, ((u**2 - 1) ** 2 / 4 + v**2 / 2).sum(1))
    assert finished.watched("weights.x").shape == (3, 5, 50, 2)
    assert not torch.equal(finished.initial("x")[0], finished.initial("x")[1])


def test_a_potential_of_one_chain_by_another_rule():
    finished = run(replace(WELLS, model=Bowl(), rule=Momentum(0.1, momentum=0.5)))
    x, v = finished.initial("x").clone(), 0
    for _ in range(40):
        v = 0.5 * v + x
        x = x - 0.1 * v
    torch.testing.assert_close(finished.weights("x"), x)


def test_a_recipe_without_data_is_planned_stored_and_measured(tmp_path):
    lab = Lab(Store(tmp_path), torch.device("cpu"))
    lab.plan([("case", WELLS, 4)])
    assert WELLS.label() == "DoubleWell, GD"
    assert any("no data, 100 parameters, all points a step, float64;" in line for line in plan_lines(lab))
    first = lab.run(WELLS, 4)
    again = Lab(Store(tmp_path), torch.device("cpu")).run(WELLS, 4)
    assert torch.equal(first.weights("x"), again.weights("x"))
    assert (first.X.shape, first.y.shape) == ((4, 1), (4, 1))
    moved = first.at({"x": torch.zeros(4, 50, 2)})
    torch.testing.assert_close(moved.train_loss, torch.full((4,), 50 / 4, dtype=torch.float64))
    assert cost(WELLS).memory >= 8 * 5 * 100


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Experiment(), "^neither data nor a model; expected one of them at least$"),
        (
            lambda: run(replace(WELLS, model=Lopsided())),
            r"^energy of Lopsided of shape \(2, 50, 2\); expected \(2\[, chai",
        ),
    ],
)
def test_recipes_without_data_that_cannot_run_are_refused(make, message):
    with pytest.raises(InvalidExperiment, match=message):
        make()


DIVERGING = replace(LEAST_SQUARES, rule=GD(40.0), steps=2000)


def test_a_claimed_divergence_is_measured_and_another_one_is_an_error(tmp_path):
    lab = Lab(Store(tmp_path), torch.device("cpu"))
    finished = lab.run(replace(DIVERGING, may_diverge=True), 4)
    assert finished.diverged.tolist() == [True] * 4
    assert not lab.run(replace(LEAST_SQUARES, may_diverge=True), 4).diverged.any()
    assert not lab.run(Experiment(model=DoubleWell()), 4).diverged.any()
    with pytest.raises(Unfinished, match=r"^training diverged: .*\(rate 40\), or may_diverge=True to measure it$"):
        lab.run(DIVERGING, 4)
    assert replace(DIVERGING, may_diverge=True).batch_key() == DIVERGING.batch_key()


def test_divergence_is_allowed_of_trainings_alone():
    with pytest.raises(InvalidExperiment, match=r"^may_diverge True with steps 0; expected none"):
        Experiment(model=DoubleWell(), may_diverge=True)
    with pytest.raises(InvalidExperiment, match=r"^may_diverge 1; expected True or False$"):
        replace(DIVERGING, may_diverge=1)
