"""Experiments of no steps: what is measured at initialization."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from fixtures.data.synthetic import Gaussian
from gen_core import GD, Every, Experiment, Geometric, InvalidExperiment, Newton, Square, Stop, TwoLayer
from gen_core.lab import Lab, Store
from gen_core.models.two_layer import Linear
from gen_core.training.cost import cost, seconds

START = Experiment(
    data=Gaussian(n=12, d=6), model=TwoLayer(8), rule=GD(1.0), loss=Square(), steps=0, watch=("weights", "train_loss")
)


@pytest.mark.parametrize("checkpoints", [Every(3), Geometric()])
def test_the_start_is_the_only_checkpoint(tmp_path, checkpoints):
    told: list[float] = []
    lab = Lab(Store(tmp_path), torch.device("cpu"), progress=lambda what, share: told.append(share))
    run = lab.run(replace(START, checkpoints=checkpoints), 3)

    assert run.checkpoints == (0,)
    assert run.watched("weights.W").shape == (3, 1, 8, 6)
    assert torch.equal(run.watched("weights.W")[:, 0], run.initial("W"))
    assert torch.equal(run.weights("W"), run.initial("W"))
    assert "final.W" not in run.result.arrays
    assert run.endings == "3 by steps at step 0"
    # A symmetric start is the zero function.
    assert run.watched("train_loss")[:, 0].tolist() == pytest.approx((run.y.square().mean(1) / 2).tolist())
    assert set(told) == {0.0}


def test_weights_that_are_not_trained_are_named(tmp_path):
    run = Lab(Store(tmp_path), torch.device("cpu")).run(replace(START, watch=()), 2)
    with pytest.raises(InvalidExperiment, match="trained parameter 'v' is not in this run; it has none"):
        run.weights("v")


def test_stops_look_at_the_start():
    assert replace(START, stop=Stop(loss=0.1, every=5)).grid == (0,)
    assert Stop(loss=0.1, every=5).evaluations((0,)) == {0}


@pytest.mark.parametrize("experiment", [START, replace(START, model=Linear(), rule=Newton())])
def test_cost_is_that_of_one_evaluation(experiment):
    assert cost(experiment).operations == 12 * experiment.model.size((6,)).multiply_adds
    assert 0 < seconds(experiment, 8, "cpu") < 1e-3


@pytest.mark.parametrize("steps", [-1, 1.5, True])
def test_steps_that_cannot_be_taken(steps):
    with pytest.raises(InvalidExperiment, match=f"^steps {steps}; expected an integer >= 0$"):
        replace(START, steps=steps)
