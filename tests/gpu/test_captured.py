"""Steps by a CUDA graph end where the same steps do kernel by kernel, to the bit."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import GD, SGD, Adam, Every, Experiment, Logistic, Momentum, Square, Stop
from gen_core.training import captured, steps
from gen_core.training.captured import Captured
from gen_core.training.order import Batches
from gen_core.training.result import TrainingResult
from gen_core.training.trainer import train_rows
from tests.trainings import CASES, NET

CUDA = torch.device("cuda")
STEPS = captured.WORTH + 31


@dataclass(frozen=True)
class Own(Logistic):
    """A loss of somebody else, which has the library's slope."""


def lengthened(experiment: Experiment) -> Experiment:
    return replace(experiment, steps=STEPS, may_diverge=True)


RECIPES = {name: lengthened(CASES[name]) for name in CASES}
RECIPES |= {
    "all points": lengthened(replace(NET, rule=GD(0.1))),
    "together": lengthened(replace(NET, checkpoints=Every(STEPS))),
    "together, all points": lengthened(replace(NET, rule=GD(0.1), checkpoints=Every(STEPS))),
    "together, adam": lengthened(replace(NET, rule=Adam(0.01, batch=5), checkpoints=Every(STEPS))),
    "together, a pool": lengthened(replace(CASES["of a pool"], checkpoints=Every(STEPS))),
    "momentum": lengthened(replace(NET, rule=Momentum(0.1, batch=16), checkpoints=Every(10), watch=("train_loss",))),
    "momentum, all points": lengthened(replace(NET, rule=Momentum(0.1))),
    "float32": lengthened(replace(NET, dtype="float32")),
    "rows leave": lengthened(replace(NET, rule=SGD(0.5, 16), stop=Stop(loss=0.3, every=1))),
    "rows diverge": lengthened(replace(NET, rule=SGD(9.0, 16), loss=Square())),
}
CHOSEN = [
    name for name, each in RECIPES.items() if captured.is_captured(each) and steps.choose_stepper(each).name == "fused"
]


def trained(experiment: Experiment) -> TrainingResult:
    [(_, result)] = train_rows([(experiment, seed) for seed in range(6)], CUDA)
    return result


def test_a_graph_takes_the_steps_of_most_recipes():
    assert len(CHOSEN) > 25
    assert not {"rule noisy", "rule langevin", "rule newton", "batch norm"} & set(CHOSEN)
    assert {"rule adam", "together", "together, all points", "together, adam", "together, a pool"} <= set(CHOSEN)
    assert not captured.is_captured(replace(RECIPES["all points"], loss=Own()))


@pytest.mark.parametrize("name", CHOSEN)
def test_a_training_by_a_graph_is_the_training_without_one(name, monkeypatch):
    graphs = []
    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda make=torch.cuda.CUDAGraph: graphs.append(1) or make())
    found = trained(RECIPES[name])
    assert len(graphs) > ("together" in name)
    monkeypatch.setattr(captured, "WORTH", sys.maxsize)
    graphs.clear()
    expected = trained(RECIPES[name])
    assert not graphs
    assert found.stopped_by == expected.stopped_by
    for array, value in expected.arrays.items():
        torch.testing.assert_close(found.arrays[array], value, rtol=0, atol=0, equal_nan=True)


def test_a_graph_that_does_not_read_the_points_of_its_step_is_seen(monkeypatch):
    """The comparison above is able to fail."""

    def stale(self, X, y, on_gradient_norms=None, step=Captured.step):
        step(self, *(self.points if self.one else (X, y)))

    expected = trained(RECIPES["float32"])
    monkeypatch.setattr(Captured, "step", stale)
    found = trained(RECIPES["float32"])
    assert not torch.equal(found.arrays["final.W1"], expected.arrays["final.W1"])


def test_a_graph_of_many_steps_that_does_not_read_their_places_is_seen(monkeypatch):
    expected = trained(RECIPES["together"])
    monkeypatch.setattr(Batches, "together", lambda self, size, ask=Batches.together: torch.zeros_like(ask(self, size)))
    found = trained(RECIPES["together"])
    assert not torch.equal(found.arrays["final.W1"], expected.arrays["final.W1"])
