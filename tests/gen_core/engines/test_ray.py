"""On a real cluster: results are those without an engine, to the bit, whatever is killed."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import GD, MLP, Experiment, Linear, Logistic, Square, Unfinished
from gen_core.lab import Lab, Store
from tests.gen_core.engines.conftest import CPU, Engine, send
from tests.trainings import CASES, NET, Points

SHIFT = 0.0
"""What the points of `Shifted` are moved by."""


@dataclass(frozen=True)
class Shifted(Points):
    def draw(self, generator):
        drawn = super().draw(generator)
        return drawn.but(y=drawn.y + SHIFT) if SHIFT else drawn


@dataclass(frozen=True)
class Refusing(MLP):
    def forward(self, params, X):
        raise LookupError("no such weight")


VARIOUS = [CASES[name] for name in ("batch norm", "sparse", "labels of another", "after another", "diverged")]
VARIOUS += [replace(NET, rule=GD(rate)) for rate in (0.1, 0.2)]
VARIOUS += [replace(NET, data=replace(CASES["labels of another"].data, teacher=CASES["labels of another"]))]
BROKEN = replace(NET, model=Refusing((16, 8)))
DIVERGING = replace(NET, rule=GD(1e9), model=Linear(), loss=Square(), steps=400)


def slow(rate: float) -> Experiment:
    """A training of some seconds."""
    return Experiment(data=Points(), model=MLP((32,)), rule=GD(rate), loss=Logistic(), steps=8_000)


def assert_as_alone(engine, experiments, tmp_path):
    """What the engine has put into the store is what a lab without one puts there, to the bit."""
    alone = Lab(Store(tmp_path / "alone"), CPU)
    alone.plan(("case", each, 8) for each in experiments)
    for each in experiments:
        alone.run(each, 8)
        for key in alone.keys(each, 8):
            ours, theirs = engine.store.load(key), alone.store.load(key)
            assert ours.stopped_by == theirs.stopped_by
            assert ours.arrays.keys() == theirs.arrays.keys()
            for name, array in theirs.arrays.items():
                assert torch.equal(ours.arrays[name].nan_to_num(), array.nan_to_num()), (each.label(), name)


def test_results_are_those_without_an_engine_to_the_bit(engine, tmp_path):
    lab = engine.lab(*VARIOUS)
    for each in VARIOUS:
        lab.run(each, 8)
    lab.run(VARIOUS[0], 16)  # a later look, which no plan has
    assert engine.trained_here == []
    events = [json.loads(line) for line in engine.lines("trainings")]
    assert set(Counter(event["key"] for event in events).values()) == {1}
    notes = {entry.key: entry.about for entry in engine.store.entries()}
    assert {event["key"] for event in events} == notes.keys()
    assert all(each["node"].isdecimal() and each["seconds"] > 0 for each in (*events, *notes.values()))
    assert_as_alone(engine, VARIOUS, tmp_path)


def test_errors_of_trainings_are_raised_once(engine):
    lab = engine.lab(BROKEN, DIVERGING)
    with pytest.raises(LookupError, match="no such weight"):
        lab.run(BROKEN, 8)
    with pytest.raises(Unfinished, match="training diverged"):
        lab.run(DIVERGING, 8)
    assert engine.trained_here == []
    assert engine.process.folder.state()["failed"] == 2


def test_a_worker_with_other_code_is_refused(engine, monkeypatch):
    monkeypatch.setattr("tests.gen_core.engines.test_ray.SHIFT", 1e-9)
    strange = replace(NET, data=Shifted(), loss=Square())
    engine.lab(strange).run(strange, 8)
    assert {event.experiment for event in engine.trained_here} == {strange.key}
    notes = engine.lines("notes")
    assert sum("trains nothing of this run: its code is" in line for line in notes) == 3
    assert engine.process.folder.over() == ""
    assert not any(str(engine.root) in line for line in notes)


def test_a_task_whose_worker_is_killed_is_trained_again(engine, nodes, tmp_path):
    lab = engine.lab(slow(0.01))
    os.kill(nodes.at_work()[1], signal.SIGKILL)
    lab.run(slow(0.01), 8)
    assert engine.trained_here == []
    assert_as_alone(engine, [slow(0.01)], tmp_path)


def test_a_task_whose_node_is_killed_is_trained_by_another(engine, nodes):
    lab = engine.lab(slow(0.02))
    send(nodes.at_work()[0], signal.SIGKILL)
    lab.run(slow(0.02), 8)
    assert engine.trained_here == []


def test_a_node_that_sees_no_store_sends_its_results(engine, tmp_path):
    for marker in engine.store.root.glob("engine-*"):
        marker.unlink()
    engine.lab(*VARIOUS, NET).run(NET, 8)
    assert engine.trained_here == []
    assert_as_alone(engine, [NET], tmp_path)


def test_a_task_whose_node_is_frozen_is_trained_by_another(engine, nodes):
    lab = engine.lab(slow(0.03))
    node = nodes.at_work()[0]
    send(node, signal.SIGSTOP)
    try:
        lab.run(slow(0.03), 8)
    finally:
        send(node, signal.SIGKILL)
    assert engine.trained_here == []
    assert engine.process.folder.over() == ""


def test_a_cluster_that_cannot_be_reached_or_has_no_gpu_is_said_in_one_line(nodes, tmp_path):
    no_gpu = Engine.start(tmp_path / "gpu", nodes.address, device="cuda")
    nowhere = Engine.start(tmp_path / "nowhere", "127.0.0.1:1")
    assert no_gpu.process.wait() == "the Ray cluster has no GPU; expected one for --device cuda"
    assert nowhere.process.wait() == "the Ray cluster at 127.0.0.1:1 cannot be reached (Connection refused)"
    for each in (no_gpu, nowhere):
        each.process.end()


def test_what_a_lost_cluster_leaves_is_trained_here(engine, nodes):
    lab = engine.lab(slow(0.04))
    nodes.at_work()
    for pid in (*nodes.nodes, *nodes.head):
        send(pid, signal.SIGKILL)
    lab.run(slow(0.04), 8)
    assert {event.experiment for event in engine.trained_here} == {slow(0.04).key}
    (note,) = lab.store.notes
    assert note.startswith("warning: --engine: its process has ended")
    assert note.endswith("; what is missing is trained without it")
