"""What a training asks of a GPU, as a table that a change must not raise: no step waits, and each has few kernels."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest
import torch

from gen_core import MLP, SGD, ConvNet, CrossEntropy
from gen_core.training.batch import Batch
from gen_core.training.fused import Fused
from tests.gen_core.training.meta_device import counted_on_meta
from tests.trainings import CASES, NET, Points


class Asked(NamedTuple):
    """The most that a training may ask: kernels and reads of a step, and reads where it records.

    A step fetches nothing, and sends nothing but noise, bytes of which come now and then. A look asks for one number,
    which the host waits for at the next look.
    """

    launches: int
    reads: int = 0
    sent: int = 0
    watch_reads: int = 0


TABLE = {
    "mlp erf": Asked(36),
    "mlp identity": Asked(24),
    "mlp leaky_relu": Asked(28),
    "mlp relu": Asked(28),
    "mlp sigmoid": Asked(28),
    "mlp softplus": Asked(30),
    "mlp tanh": Asked(28),
    "polynomial": Asked(55),
    "batch norm": Asked(33),
    "classes": Asked(17),
    "conv": Asked(38),
    "conv valid": Asked(38),
    "resnet": Asked(60),
    "linear": Asked(12),
    "two layers": Asked(22),
    "li-liang": Asked(10),
    "sparse": Asked(20),
    "minus its copy": Asked(23),
    "potential": Asked(22, sent=129600),
    "labels of another": Asked(28),
    "rule gd": Asked(28),
    "rule decay": Asked(33),
    "rule replacement": Asked(28),
    "rule momentum": Asked(33),
    "rule adagrad": Asked(36),
    "rule adam": Asked(43),
    "rule adam-w": Asked(50),
    "rule steps": Asked(31),
    "rule cosine": Asked(31),
    "rule inverse time": Asked(31),
    "rule langevin": Asked(47, sent=124256),
    "rule noisy": Asked(39, sent=124256),
    "rule l1 ball": Asked(59),
    "rule l2 ball": Asked(52),
    "rule layerwise": Asked(35),
    "rule sam": Asked(92),
    "rule newton": Asked(87, reads=2),
    "loss square": Asked(26),
    "loss logistic": Asked(28),
    "loss log-sum-exp": Asked(29),
    "stop loss": Asked(28),
    "stop accuracy": Asked(28),
    "stop gradient": Asked(59),
    "watched": Asked(28),
    "at loss": Asked(28, watch_reads=1),
    "after another": Asked(28),
    "of a pool": Asked(28),
    "diverged": Asked(26),
    "mlp 100-256-1": Asked(20),
    "conv 3-64-64": Asked(20),
}
SHAPES = {
    "mlp 100-256-1": replace(NET, data=Points((100,)), model=MLP((256,))),
    "conv 3-64-64": replace(
        NET,
        data=Points((3, 32, 32), classes=3, n=16, n_test=0),
        model=ConvNet((64, 64), kernel=5, hidden=(), outputs=10, bias=False),
        rule=SGD(0.1, 4),
        loss=CrossEntropy(),
    ),
}


def too_much(name: str) -> list[str]:
    """What a training asks more often than the table says, each as one line."""
    told, most = counted_on_meta((CASES | SHAPES)[name]), TABLE[name]
    limits = {
        "step launches": most.launches,
        "step reads": most.reads,
        "step fetches": 0,
        "step bytes": most.sent,
        "look reads": 0,
        "look fetches": 0,
        "look late": 1,
        "look bytes": 0,
        "watch reads": most.watch_reads,
        "watch fetches": 0,
        "watch bytes": 0,
    }
    assert told["step launches"] > 0
    return [f"{told[what]} {what}; at most {limit}" for what, limit in limits.items() if told[what] > limit]


@pytest.mark.parametrize("name", [*CASES, *SHAPES])
def test_no_training_asks_more_of_a_device_than_before(name):
    assert too_much(name) == []


def waits(stepper):
    bool((stepper.rate > 0).any())


def fetches(stepper):
    stepper.rate.cpu()


def sends(stepper):
    stepper.rate.add_(torch.zeros(len(stepper.rate)).to(stepper.rate))


def one_kernel_more(stepper):
    stepper.rate.mul_(1)


@pytest.mark.parametrize("fault", [waits, fetches, sends, one_kernel_more])
@pytest.mark.parametrize("name", ["linear", "rule momentum", *SHAPES])
def test_a_wait_a_copy_and_a_kernel_more_in_a_step_are_told(monkeypatch, name, fault):
    step = Fused.step
    monkeypatch.setattr(Fused, "step", lambda self, *points: (fault(self), step(self, *points)))
    told = {line.partition(";")[0].partition(" ")[2] for line in too_much(name)}
    expected = {waits: "step reads", fetches: "step fetches", sends: "step bytes", one_kernel_more: "step launches"}
    assert expected[fault] in told


def test_a_wait_in_a_look_is_told(monkeypatch):
    evaluate = Batch._evaluate
    monkeypatch.setattr(Batch, "_evaluate", lambda self: (float(self.rate.sum()), evaluate(self))[1])
    [line] = too_much("stop loss")
    assert line.endswith("look reads; at most 0")
