"""Steps of a sparse model against autograd, and which trainings take them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from gen_core import GD, SGD, Experiment, Logistic, Momentum, SparseLinear, Square, Stop
from gen_core.training.draws import initial_parameters, sample_data
from gen_core.training.steps import STEPPERS, Autograd, SparseSteps, choose_stepper, make_stepper
from tests.trainings import Coordinates

ROWS = 3
SPARSE = Experiment(
    data=Coordinates(),
    model=SparseLinear(48, first=0.7, bound=1.0, start="uniform"),
    rule=SGD(0.1, batch=6),
    loss=Logistic(),
    steps=9,
    dtype="float64",
)


def rows(experiment: Experiment) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor]:
    starts = [initial_parameters(experiment, seed) for seed in range(ROWS)]
    params = {name: torch.stack([start[name] for start in starts]) for name in starts[0]}
    trained = {name: params[name].requires_grad_() for name in experiment.model.trainable}
    return params, trained, torch.tensor([0.1, 0.3, 0.0], dtype=torch.float64)


def points(experiment: Experiment, step: int) -> tuple[Tensor, Tensor]:
    own = torch.Generator().manual_seed(step)
    drawn = [sample_data(experiment, seed) for seed in range(ROWS)]
    places = [torch.randperm(len(each.y), generator=own)[: experiment.rule.batch] for each in drawn]
    return tuple(
        torch.stack([getattr(each, of)[at] for each, at in zip(drawn, places, strict=True)]) for of in ("X", "y")
    )


@pytest.mark.parametrize("loss", [Logistic(), Square(1.0)], ids=["logistic", "square"])
@pytest.mark.parametrize("rule", [GD(0.1), SGD(0.1, batch=1), SGD(0.1, batch=20)], ids=["all", "one", "many"])
def test_steps_are_those_of_autograd_where_points_share_coordinates(rule, loss):
    experiment = replace(SPARSE, rule=rule, loss=loss)
    assert choose_stepper(experiment).name == "sparse"
    ends = []
    for kind in (SparseSteps, Autograd):
        params, trained, rate = rows(experiment)
        stepper = kind(experiment, params, trained, rate, lambda: [])
        for step in range(9):
            stepper.step(*points(experiment, step), None)
        ends.append(params)
    start = rows(experiment)[0]
    for name in start:
        torch.testing.assert_close(ends[0][name], ends[1][name], rtol=0, atol=1e-14)
        assert torch.equal(ends[0][name][2], start[name][2])  # of rate 0
    assert not torch.equal(ends[0]["w"][1], start["w"][1])


def test_a_batch_that_shares_coordinates_is_among_them():
    X, _ = points(replace(SPARSE, rule=SGD(0.1, batch=20)), 0)
    assert all(len(each.unique()) < 20 for each in X[..., 1])


def test_a_point_off_the_sample_is_not_trained_on():
    params, trained, rate = rows(SPARSE)
    X, y = points(SPARSE, 0)
    X[0, 0, 1] = 1e6
    before = params["w"].detach().clone()
    make_stepper(SPARSE, params, trained, rate, lambda: []).step(X, y, None)
    assert params["w1"][0].isnan()
    assert not params["w"][1].isnan().any()
    assert torch.equal(params["w"][2], before[2])


@dataclass(frozen=True)
class Doubled(SparseLinear):
    def forward(self, params: dict[str, Tensor], X: Tensor) -> Tensor:
        return 2 * super().forward(params, X)


@pytest.mark.parametrize(
    "other",
    [
        {"model": Doubled(48)},
        {"rule": Momentum(0.1)},
        {"rule": SGD(0.1, batch=6, weight_decay=0.1)},
        {"rule": GD(0.1), "stop": Stop(gradient=0.1)},
    ],
    ids=["another forward", "momentum", "decay", "stopped by the gradient"],
)
def test_other_trainings_are_left_to_autograd(other):
    assert choose_stepper(replace(SPARSE, **other)).name == "autograd"


def test_the_cost_of_a_step_is_that_of_its_points():
    assert STEPPERS["sparse"].cost(SPARSE) == 3 * 6 * 2
    assert math.isclose(STEPPERS["sparse"].cost(replace(SPARSE, rule=GD(0.1))), 3 * 48 * 2)
