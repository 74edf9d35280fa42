"""Trainings that are not what their recipes say are errors that name a seed."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch

from gen_core import GD, MLP, SGD, Every, Experiment, Linear, Run, Square, Stop
from gen_core.errors import BrokenTraining
from gen_core.training import leaving, order
from gen_core.training.batch import Batch
from gen_core.training.result import concatenate
from gen_core.training.trainer import train_rows as train
from tests.toy import Points

descent = Experiment(
    data=Points(),
    model=Linear(init_std=1.0),
    rule=GD(0.1),
    loss=Square(),
    steps=60,
    stop=Stop(loss=1e-3),
    checkpoints=Every(5),
    watch=("train_loss",),
    dtype="float64",
)
in_epochs = replace(descent, rule=SGD(0.05, batch=20), steps=30, stop=Stop())


def run(experiment: Experiment, seeds: int = 4) -> Run:
    rows = [(experiment, seed) for seed in range(seeds)]
    return Run(experiment, tuple(range(seeds)), concatenate([r for _, r in train(rows, torch.device("cpu"))]))


def ended(monkeypatch, name: str, wrong) -> str:
    plain = getattr(Batch, name)
    monkeypatch.setattr(Batch, name, lambda self, *args: wrong(self, plain, *args))
    with pytest.raises(BrokenTraining) as caught:
        run(descent)
    return str(caught.value)


def test_trainings_as_they_are_pass():
    finished = run(descent)
    assert set(finished.result.stopped_by) == {"loss"}
    run(in_epochs)
    run(replace(in_epochs, rule=SGD(0.05, batch=20, replacement=True)))
    run(replace(descent, model=MLP(hidden=(8,)), stop=Stop(loss=1e-2)))


def test_an_ended_row_that_moves_is_named(monkeypatch):
    monkeypatch.setattr(leaving, "SHARE", 0.0)

    def moving(self, plain, step, ended, reason):
        rate = self.rate.clone()
        plain(self, step, ended, reason)
        self.rate.copy_(rate)

    assert re.match(r"seed \d has ended at step \d+ by its loss, and moved since; ", ended(monkeypatch, "_end", moving))


def test_a_row_that_ignores_its_stop_is_named(monkeypatch):
    def deaf(self, plain, step, ended, reason):
        plain(self, step, ended & torch.tensor([seed != 1 for _, seed in self.rows]), reason)

    told = ended(monkeypatch, "_end", deaf)
    assert told.startswith("seed 1 has taken all steps, to loss ")
    assert "expected it to end before, by Stop(loss=0.001" in told


def test_a_row_that_ends_too_soon_is_named(monkeypatch):
    def hasty(self, plain, step, ended, reason):
        plain(self, step, ended | (step >= 5 and reason == "loss"), reason)

    monkeypatch.setattr(Batch, "_end", lambda self, *args, plain=Batch._end: hasty(self, plain, *args))
    with pytest.raises(BrokenTraining, match=r"^seed 0 has ended by its loss at loss .*; expected it to go on to Stop"):
        run(replace(descent, rule=GD(0.001)))


def test_a_checkpoint_at_other_weights_is_named(monkeypatch):
    def early(self, plain, step):
        if self.watching.recorded == 12:
            before = {name: value.detach().clone() for name, value in self.trained.items()}
            for value in self.trained.values():
                value.data.add_(1)
            plain(self, step)
            for name, value in self.trained.items():
                value.data.copy_(before[name])
            return
        plain(self, step)

    monkeypatch.setattr(Batch, "_watch", lambda self, step, plain=Batch._watch: early(self, plain, step))
    with pytest.raises(BrokenTraining, match=r"^seed 0 has moved since its last checkpoint; expected"):
        run(replace(descent, stop=Stop()))


def test_an_evaluation_that_is_kept_too_long_is_named(monkeypatch):
    def stale(self, plain):
        kept = getattr(self, "kept", None)
        if self.evaluated is None and kept is not None and self.watching.recorded < 13:
            self.evaluated = kept
        self.kept = plain(self)
        return self.kept

    monkeypatch.setattr(Batch, "_evaluate", lambda self, plain=Batch._evaluate: stale(self, plain))
    with pytest.raises(BrokenTraining, match=r"^seed 0 has loss .* at its last weights; expected .*, as watched$"):
        run(replace(descent, stop=Stop()))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda n, g: torch.randint(n, (n,), generator=g), "has a point twice in one epoch; expected a draw without"),
        (lambda n, g: torch.arange(n).roll(g.initial_seed() % n), "has one order of its points in two epochs; expect"),
        (lambda n, g: torch.arange(n), "seeds 0 and 1 have one order of their points; expected one for each"),
    ],
)
def test_wrong_orders_are_named(monkeypatch, wrong, message: str):
    monkeypatch.setattr(order.torch, "randperm", lambda n, generator: wrong(n, generator))
    with pytest.raises(BrokenTraining, match=message):
        run(in_epochs)


@pytest.mark.parametrize("name", ["X", "y"])
def test_a_run_on_other_data_than_it_was_trained_with_is_an_error(name: str):
    finished = run(descent)
    rows = {key: value.roll(1, 0) if key == f"drawn.{name}" else value for key, value in finished.result.arrays.items()}
    other = replace(finished, result=replace(finished.result, arrays=rows))
    with pytest.raises(BrokenTraining, match=rf"^{name} of seed 0 is not what it was trained with; expected the same"):
        _ = other.X


def test_a_run_from_another_start_than_it_was_trained_from_is_an_error():
    finished = run(descent)
    finished.result.arrays["drawn.w"] += 1
    with pytest.raises(BrokenTraining, match="w of seed 0 is not what it was trained with; expected the same draw"):
        finished.initial("w")
