"""Rows that leave their batch end as they would have ended within it, and so do the rows that go on without them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import (
    GD,
    SAM,
    SGD,
    AdaGrad,
    Adam,
    AtLoss,
    ConvNet,
    Cosine,
    CrossEntropy,
    Every,
    L2Ball,
    Langevin,
    LiLiang,
    Linear,
    LogSumExp,
    Momentum,
    Newton,
    Noisy,
    Projected,
    Steps,
    Stop,
)
from gen_core.training import leaving
from gen_core.training.batch import Batch
from gen_core.training.result import concatenate
from gen_core.training.trainer import train_rows
from tests.trainings import CASES, CLASSES, NET, PICTURES

ROWS, CPU = 9, torch.device("cpu")


@dataclass(frozen=True)
class Norms:
    """The norm of a seed's weights and the sum of its points."""

    def __call__(self, model, params, data):
        squares = [p.flatten(1).square().sum(1) for p in params.values()]
        return torch.stack([torch.stack(squares).sum(0).sqrt(), data.X.flatten(1).sum(1)], 1)


SOON = replace(NET, rule=SGD(0.3, 16), stop=Stop(loss=0.45, every=2), steps=120)
WATCH = ("weights", "train_loss", "train_outputs", "test_classes", "test_outputs", "test_loss", Norms())
ENDING = {
    "sgd": SOON,
    "replacement": replace(SOON, rule=SGD(0.3, 16, replacement=True)),
    "one point": replace(SOON, rule=SGD(0.05, 1), steps=400),
    "all points": replace(SOON, rule=GD(0.3)),
    "decay": replace(SOON, rule=SGD(0.3, 16, weight_decay=0.01)),
    "momentum": replace(SOON, rule=Momentum(0.1, batch=16)),
    "nesterov": replace(SOON, rule=Momentum(0.1, nesterov=True, batch=7)),
    "adagrad": replace(SOON, rule=AdaGrad(0.05, batch=16)),
    "adam": replace(SOON, rule=Adam(0.01, batch=16)),
    "adam-w": replace(SOON, rule=Adam(0.01, weight_decay=0.1, decoupled=True)),
    "langevin": replace(SOON, rule=Langevin(0.3, 1e-4, batch=16)),
    "noisy momentum": replace(SOON, rule=Noisy(Momentum(0.1, batch=16), 0.05)),
    "noisy noise": replace(SOON, rule=Noisy(Langevin(0.3, 1e-4, batch=16), 0.05)),
    "ball": replace(SOON, rule=Projected(SGD(0.3, 16), L2Ball(5.0)), stop=Stop(loss=0.5, every=2)),
    "sam": replace(SOON, rule=SAM(Momentum(0.1, batch=16), 0.05)),
    "steps": replace(SOON, rule=SGD(Steps(0.3, (9, 70)), 16)),
    "cosine": replace(SOON, rule=Momentum(Cosine(0.1, 120), batch=16)),
    "accuracy": replace(SOON, stop=Stop(accuracy=0.9)),
    "gradient": replace(SOON, rule=GD(0.3), stop=Stop(gradient=0.28)),
    "newton": replace(SOON, model=Linear(), rule=Newton(1e-3), stop=Stop(gradient=1e-2), steps=20),
    "whole loss": replace(SOON, rule=GD(0.3), loss=LogSumExp(), stop=Stop(accuracy=0.9, every=2), steps=400),
    "watched": replace(SOON, checkpoints=Every(7), watch=WATCH),
    "watched momentum": replace(SOON, rule=Momentum(0.1, batch=16), watch=WATCH),
    "at loss": replace(SOON, checkpoints=AtLoss((0.6, 0.5, 0.44), every=3), watch=WATCH),
    "conv": replace(SOON, data=PICTURES, model=ConvNet((4, 6)), stop=Stop(loss=0.6, every=2)),
    "classes": replace(SOON, data=CLASSES, model=LiLiang(16, 3), loss=CrossEntropy(), stop=Stop(loss=0.8, every=2)),
    "batch norm": replace(SOON, model=CASES["batch norm"].model, stop=Stop(loss=0.3, every=2)),
    "after": replace(SOON, after=replace(NET, rule=SGD(0.2, 16), stop=Stop(loss=0.6, every=2), steps=60)),
    "float32": replace(SOON, rule=Adam(0.01, batch=16), dtype="float32"),
}


@dataclass(frozen=True)
class Foreign(SGD):
    """A rule of its author's, whose state may be of rows in ways of its own."""


def trained(experiment, seeds=tuple(range(ROWS))):
    rows = [(experiment, seed) for seed in seeds]
    return concatenate([result for _, result in train_rows(rows, CPU)])


def left(monkeypatch):
    """Numbers of rows of each departure from now on."""
    seen, leave = [], Batch._keep
    monkeypatch.setattr(Batch, "_keep", lambda self, kept: (seen.append(len(self.rows) - len(kept)), leave(self, kept)))
    return seen


def assert_alike(found, expected, tolerance):
    assert found.stopped_by == expected.stopped_by
    assert found.arrays.keys() == expected.arrays.keys()
    for name, array in expected.arrays.items():
        assert found.arrays[name].dtype == array.dtype
        torch.testing.assert_close(found.arrays[name], array, rtol=tolerance, atol=tolerance, equal_nan=True)


@pytest.mark.parametrize("name", ENDING)
def test_trainings_end_as_if_no_row_had_left(monkeypatch, name):
    experiment = ENDING[name]
    departures = left(monkeypatch)
    found = trained(experiment)
    assert departures
    monkeypatch.setattr(leaving, "SHARE", 0.0)
    del departures[:]
    expected = trained(experiment)
    assert not departures
    tolerance = 1e-10 if experiment.dtype == "float64" else 2e-5
    assert_alike(found, expected, tolerance)
    last = int(found.arrays["step"].max())
    ended = [row for row, step in enumerate(found.arrays["step"].tolist()) if step < last][:1]
    for array, values in expected.arrays.items():
        assert torch.equal(found.arrays[array][ended], values[ended]), array


@pytest.mark.parametrize("name", ["watched", "adam", "noisy momentum", "at loss"])
def test_a_row_that_others_leave_is_the_row_alone(name):
    together = trained(ENDING[name])
    alone = concatenate([trained(ENDING[name], (seed,)) for seed in range(ROWS)])
    if name == "at loss":  # levels below the stop count at the next look, which a row alone does not take
        for part in (together, alone):
            part.arrays["reached"] = torch.minimum(part.arrays["reached"], part.arrays["step"].unsqueeze(1))
    assert_alike(together, alone, 1e-10)


@pytest.mark.parametrize("batch", [None, 16])
def test_rows_of_other_rates_data_and_seeds_come_back_in_their_order(monkeypatch, batch):
    departures = left(monkeypatch)
    rates = (0.03, 0.3, 0.1, 0.6)
    rule = GD if batch is None else (lambda rate: SGD(rate, 16))
    rows = [(replace(SOON, rule=rule(rate), steps=60), seed) for seed in (5, 2, 7) for rate in rates]
    [(_, found)] = train_rows(rows, CPU)
    assert departures
    assert_alike(found, concatenate([result for row in rows for _, result in train_rows([row], CPU)]), 1e-10)
    assert len(set(found.arrays["step"].tolist())) > 2


def test_rows_that_diverge_leave(monkeypatch):
    departures = left(monkeypatch)
    squares = replace(CASES["loss square"], model=Linear(), steps=200, may_diverge=True)
    rows = [(replace(squares, rule=GD(rate)), seed) for seed in (0, 1) for rate in (1e-3, 1e9)]
    [(_, found)] = train_rows(rows, CPU)
    assert departures == [2]
    assert found.stopped_by == ("steps", "diverged") * 2
    monkeypatch.setattr(leaving, "SHARE", 0.0)
    [(_, expected)] = train_rows(rows, CPU)
    assert_alike(found, expected, 1e-12)


def test_what_is_computed_falls_with_the_rows(monkeypatch):
    counts, step = [], Batch._step
    monkeypatch.setattr(Batch, "_step", lambda self, at, X, y: (counts.append(len(X)), step(self, at, X, y)))
    ends = sorted(trained(SOON).arrays["step"].tolist())
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < ROWS / 2
    for at, rows in enumerate(counts, 1):  # at most twice as many as live
        assert rows < 2 * sum(end >= at for end in ends) + 1


def test_rows_of_a_foreign_rule_stay(monkeypatch):
    departures = left(monkeypatch)
    foreign = trained(replace(SOON, rule=Foreign(0.3, 16)))
    assert not departures
    assert foreign.arrays["step"].tolist() == trained(SOON).arrays["step"].tolist()
    assert departures
