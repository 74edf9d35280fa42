"""Steps by a graph, with a graph that repeats its step in Python: what is captured when, and what the graph is told.

On a GPU, tests/gpu compares them with steps without a graph, to the bit."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch

from gen_core import GD, SGD, AdaGrad, Adam, Cosine, Every, Langevin, Logistic, Momentum, Noisy, Steps, Stop
from gen_core.training import captured, steps
from gen_core.training.batch import Batch
from gen_core.training.captured import EAGER, WORTH, Captured, is_captured
from gen_core.training.fused import Fused
from gen_core.training.seeding import TOGETHER
from tests.trainings import CASES, NET

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Own(Logistic):
    """A loss of somebody else, with the library's slope."""


LONG = replace(NET, rule=SGD(0.1, 16), steps=WORTH + 7, checkpoints=Every(WORTH + 7))


@dataclass(frozen=True)
class OwnRule(GD):
    """A rule of somebody else, which may keep anything."""


class Graph:
    """Stands for a CUDA graph: a replay takes the steps of the capture again, with the points that are there."""

    made: ClassVar[list[Graph]] = []
    steps: int

    def __init__(self):
        self.replays = 0
        Graph.made.append(self)

    def replay(self):
        self.replays += 1
        self.take()


def replays():
    """Of the graphs of one step, and of those of many: how often each was replayed."""
    return {steps: [g.replays for g in Graph.made if g.steps == steps] for steps in (1, TOGETHER)}


def tensors(value):
    """All in a rule's state."""
    if isinstance(value, torch.Tensor):
        return [value]
    return [each for part in value.values() for each in tensors(part)]


@pytest.fixture
def graphs(monkeypatch):
    """All steppers that may be captured are, on the CPU."""

    @contextmanager
    def graph(made, capture_error_mode):
        stepper = steppers[-1]
        made.take, made.steps = taken[-1], 1 if stepper.places is None else TOGETHER
        kept = [*stepper.trained.values(), *stepper.gradients.values(), *tensors(stepper.state)]
        before = [value.detach().clone() for value in kept]
        yield
        for value, was in zip(kept, before, strict=True):  # nothing is computed within a capture
            value.detach().copy_(was)

    def capture(take, capture=captured.captured):
        taken.append(take)
        return capture(take)

    def make_stepper(experiment, params, trained, rate, streams):
        kind = Captured if is_captured(experiment) else Fused
        steppers.append(kind(experiment, params, trained, rate, streams))
        return steppers[-1]

    steppers, taken = [], []
    Graph.made = []
    monkeypatch.setattr(captured, "captured", capture)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", graph)
    monkeypatch.setattr("gen_core.training.batch.make_stepper", make_stepper)
    return Graph.made


def trained(experiment):
    return Batch([(experiment, seed) for seed in range(6)], CPU).train(lambda step: None).arrays


def expected(experiment, monkeypatch):
    """What the training without a graph gives."""
    before = len(Graph.made)
    with monkeypatch.context() as patched:
        patched.setattr(captured, "WORTH", experiment.steps + 1)
        arrays = trained(experiment)
    assert len(Graph.made) == before
    return arrays


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0)


RULES = [
    GD(0.1),
    GD(0.1, weight_decay=0.1),
    SGD(0.1, 16),
    SGD(0.1, 16, replacement=True),
    SGD(0.1, 5),
    Momentum(0.1, batch=16),
    Momentum(0.1, batch=16, nesterov=True),
    Momentum(0.1),
    AdaGrad(0.1, batch=16),
    Adam(0.01, batch=16),
    Adam(0.01, batch=5, weight_decay=0.1, decoupled=True),
]


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_each_step_is_taken_once_with_its_own_points(rule, graphs, monkeypatch):
    experiment = replace(LONG, rule=rule)
    found = trained(experiment)
    # Step by step from the fourth to the 16th, and the last 11 after the 96th.
    assert replays() == {1: [TOGETHER - EAGER + 11], TOGETHER: [5]}
    assert_equal(found, expected(experiment, monkeypatch))


@pytest.mark.parametrize(
    ("change", "many"),
    [
        ({"checkpoints": Every(16)}, [7]),
        ({"checkpoints": Every(40)}, [5]),  # not over 40 and 120
        ({"checkpoints": Every(10)}, []),
        ({"stop": Stop(loss=1e-9, every=32)}, [7]),
        ({"stop": Stop(accuracy=1.0, every=5)}, []),
        ({"rule": SGD(Cosine(0.1, 128), 16)}, []),
        ({"rule": SGD(Steps(0.1, (64,)), 16)}, []),
    ],
)
def test_steps_are_taken_together_where_nothing_is_looked_at_between_them(change, many, graphs, monkeypatch):
    form = {"steps": 128, "checkpoints": Every(128), "watch": ("train_loss", "weights")}
    experiment = replace(LONG, **form | change)
    found = trained(experiment)
    assert replays()[TOGETHER] == many
    assert_equal(found, expected(experiment, monkeypatch))


@pytest.mark.parametrize("every", [1, 16, 48])
def test_rows_that_leave_make_new_graphs(every, graphs, monkeypatch):
    experiment = replace(LONG, rule=Momentum(0.03, batch=16), steps=6 * WORTH, stop=Stop(loss=0.4, every=every))
    experiment = replace(experiment, checkpoints=Every(experiment.steps))
    found = trained(experiment)
    assert len(replays()[1]) > 1
    assert (len(replays()[TOGETHER]) > 1) is (every > 1)
    assert_equal(found, expected(experiment, monkeypatch))


@pytest.mark.parametrize("first", [1, 2])
def test_where_no_graph_can_be_made_steps_go_on_without_it(first, graphs, monkeypatch):
    experiment, fake, made = replace(LONG, rule=Momentum(0.1, batch=16)), torch.cuda.graph, []
    known = expected(experiment, monkeypatch)

    @contextmanager
    def failing(graph, capture_error_mode):
        made.append(graph)
        with fake(graph, capture_error_mode):
            yield
        if len(made) >= first:
            raise RuntimeError("CUDA error: operation failed due to a previous error during capture")

    monkeypatch.setattr(torch.cuda, "graph", failing)
    assert_equal(trained(experiment), known)
    assert replays() == ({1: [0], TOGETHER: []} if first == 1 else {1: [experiment.steps - EAGER], TOGETHER: [0]})


def test_points_of_a_pool_are_gathered_within_the_graph(graphs, monkeypatch):
    experiment = replace(CASES["of a pool"], rule=SGD(0.1, 16), steps=LONG.steps, checkpoints=LONG.checkpoints)
    found = trained(experiment)
    assert replays()[TOGETHER] == [5]
    assert_equal(found, expected(experiment, monkeypatch))


@pytest.mark.parametrize(
    "change",
    [
        {"rule": Noisy(SGD(0.1, 16), 0.1)},
        {"rule": Langevin(0.1, 0.01)},
        {"rule": OwnRule(0.1)},
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
