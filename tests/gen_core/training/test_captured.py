"""Steps by a graph, with a graph that repeats its step in Python: what is captured when, and what the graph is told.

On a GPU, tests/gpu compares them with steps without a graph, to the bit."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch

from gen_core import GD, SGD, Adam, Langevin, Logistic, Momentum, Noisy, Stop
from gen_core.training import captured, steps
from gen_core.training.batch import Batch
from gen_core.training.captured import EAGER, WORTH, Captured, is_captured
from gen_core.training.fused import Fused
from tests.trainings import NET

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Own(Logistic):
    """A loss of somebody else, with the library's slope."""


class Graph:
    """Stands for a CUDA graph: a replay takes the step of the capture again, with the points that are there."""

    made: ClassVar[list[Graph]] = []

    def __init__(self):
        self.replays = 0
        Graph.made.append(self)

    def replay(self):
        self.replays += 1
        Fused.step(self.stepper, *self.stepper.points)


@pytest.fixture
def graphs(monkeypatch):
    """All steppers that may be captured are, on the CPU."""

    @contextmanager
    def graph(made, capture_error_mode):
        stepper = made.stepper = steppers[-1]
        kept = [*stepper.trained.values(), *stepper.gradients.values()]
        before = [value.detach().clone() for value in kept]
        yield
        for value, was in zip(kept, before, strict=True):  # nothing is computed within a capture
            value.detach().copy_(was)

    def make_stepper(experiment, params, trained, rate, streams):
        kind = Captured if is_captured(experiment) else Fused
        steppers.append(kind(experiment, params, trained, rate, streams))
        return steppers[-1]

    steppers = []
    Graph.made = []
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", graph)
    monkeypatch.setattr("gen_core.training.batch.make_stepper", make_stepper)
    return Graph.made


def trained(experiment):
    return Batch([(experiment, seed) for seed in range(6)], CPU).train(lambda step: None).arrays


@pytest.mark.parametrize(
    "rule", [GD(0.1), SGD(0.1, 16), SGD(0.1, 16, replacement=True), Momentum(0.1, batch=16), Momentum(0.1)]
)
def test_each_step_is_taken_once_with_its_own_points(rule, graphs, monkeypatch):
    experiment = replace(NET, rule=rule, steps=WORTH + 7)
    found = trained(experiment)
    assert [graph.replays for graph in graphs] == [experiment.steps - EAGER]
    monkeypatch.setattr(captured, "WORTH", experiment.steps + 1)
    expected = trained(experiment)
    assert len(graphs) == 1
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0)


def test_rows_that_leave_make_a_new_graph(graphs, monkeypatch):
    experiment = replace(NET, rule=Momentum(0.3, batch=16), steps=3 * WORTH, stop=Stop(loss=0.4, every=1))
    found = trained(experiment)
    assert len(graphs) > 1
    monkeypatch.setattr(captured, "WORTH", experiment.steps + 1)
    for name, value in trained(experiment).items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0)


def test_where_no_graph_can_be_made_steps_go_on_kernel_by_kernel(graphs, monkeypatch):
    experiment = replace(NET, rule=Momentum(0.1, batch=16), steps=WORTH + 7)
    expected, fake = trained(experiment), torch.cuda.graph

    @contextmanager
    def failing(made, capture_error_mode):
        with fake(made, capture_error_mode):
            yield
        raise RuntimeError("CUDA error: operation failed due to a previous error during capture")

    monkeypatch.setattr(torch.cuda, "graph", failing)
    for name, value in trained(experiment).items():
        torch.testing.assert_close(value, expected[name], rtol=0, atol=0)
    assert [graph.replays for graph in graphs] == [experiment.steps - EAGER, 0]


@pytest.mark.parametrize(
    "change",
    [
        {"rule": Adam(0.01)},
        {"rule": Noisy(SGD(0.1, 16), 0.1)},
        {"rule": Langevin(0.1, 0.01)},
        {"rule": Momentum(0.1, nesterov=True)},
        {"rule": GD(0.1, weight_decay=0.1)},
        {"loss": Own()},
        {"steps": WORTH - 1},
    ],
)
def test_what_may_keep_something_on_the_host_is_not_captured(change):
    long = replace(NET, steps=WORTH)
    assert is_captured(long)
    assert not is_captured(replace(long, **change))


def test_a_cpu_has_no_graphs():
    batch = Batch([(replace(NET, steps=WORTH), 0)], CPU)
    stepper = steps.make_stepper(batch.experiment, batch.params, batch.trained, batch.rate, lambda: [])
    assert type(stepper) is Fused
