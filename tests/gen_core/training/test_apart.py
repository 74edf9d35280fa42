"""Foreign code that mixes seeds, or draws for itself, only after a while is refused when it begins to."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from gen_core import GD, InvalidExperiment, Linear, Square
from gen_core.training import apart, foreign, independence, leaving
from gen_core.training.trainer import train_rows
from tests.gen_core.training.teacher import LEAST_SQUARES
from tests.trainings import CASES

CPU = torch.device("cpu")
LATE = replace(LEAST_SQUARES, steps=60, watch=())
GENERATOR = np.random.default_rng()


@pytest.fixture(autouse=True)
def nothing_checked(monkeypatch):
    monkeypatch.setattr(independence, "_checked", set())


def train(experiment, seeds=4):
    [(_, result)] = train_rows([(experiment, seed) for seed in range(seeds)], CPU)
    return result.arrays


@dataclass(frozen=True)
class Later(GD):
    """Does something else from a step on; its state counts the steps."""

    after: int = 20

    def start(self, params, streams):
        return {"t": 0, "sum": torch.zeros(len(next(iter(params.values()))))}

    def update(self, params, grads, state, rate):
        state["t"] += 1
        super().update(params, grads, state, rate)
        if state["t"] > self.after:
            with torch.no_grad():
                self.change(params, state, rate)

    def change(self, params, state, rate):
        pass


class Consensus(Later):
    def change(self, params, state, rate):
        for p in params.values():
            p += (rate > 0).view(-1, 1) * 0.5 * (p.mean(0, keepdim=True) - p)


class Largest(Later):
    def change(self, params, state, rate):
        for p in params.values():
            p /= 1 + 0.1 * rate.view(-1, 1) * p.abs().max()


class Numpy(Later):
    def change(self, params, state, rate):
        for p in params.values():
            p += rate.view(-1, 1) * GENERATOR.normal()


class Clock(Later):
    def change(self, params, state, rate):
        for p in params.values():
            p += rate.view(-1, 1) * random.SystemRandom().random()


class Quiet(Later):
    """Each row by itself: what is refused is not that something begins later."""

    def change(self, params, state, rate):
        for p in params.values():
            state["sum"] += p.square().sum(1)
            p -= rate.view(-1, 1) * 0.1 * p / (1 + state["sum"].view(-1, 1))


@dataclass(frozen=True)
class Shared(GD):
    """The same noise in all rows."""

    numpy: bool = False

    def start(self, params, streams):
        return {"g": np.random.default_rng(0) if self.numpy else torch.Generator().manual_seed(1)}

    def update(self, params, grads, state, rate):
        super().update(params, grads, state, rate)
        with torch.no_grad():
            for p in params.values():
                xi = state["g"].normal() if self.numpy else torch.randn(p.shape[1:], generator=state["g"])
                p += rate.view(-1, 1) * xi


@dataclass(frozen=True)
class OnPlateau(Square):
    """A loss that is scaled down once it is small, on average over all rows."""

    def per_point(self, f, y):
        each = super().per_point(f, y)
        return each / each.max() if float(each.detach().mean()) < 0.05 else each


@dataclass(frozen=True)
class Decaying(Linear):
    """A model whose outputs are of the largest row's scale once weights are large."""

    def forward(self, params, X):
        f, size = super().forward(params, X), params["w"].norm(dim=1).max()
        return f / size if size > 1 else f


@dataclass(frozen=True)
class Random:
    """A schedule of random shares."""

    rate: float = 0.1

    def share(self, step):
        return 1.0 if step < 9 else float(GENERATOR.random())

    def batch_form(self):
        return replace(self, rate=1.0)


MIXING = {
    "a consensus": (replace(LATE, rule=Consensus(0.1)), "Consensus mixes seeds: w of seed 0 is off by "),
    "the largest": (replace(LATE, rule=Largest(0.1)), "Largest mixes seeds: w of seed 0 is off by "),
    "a plateau": (replace(LATE, loss=OnPlateau()), "OnPlateau mixes seeds: w of seed 0 is off by "),
    "a large model": (replace(LATE, model=Decaying()), "Decaying mixes seeds: w of seed 0 is off by "),
    "numpy": (replace(LATE, rule=Numpy(0.1)), "Numpy takes another step 32 when it is taken again; expected numbers"),
    "the system": (replace(LATE, rule=Clock(0.1)), "Clock takes another step 32 when it is taken again; expected"),
    "shared noise": (replace(LATE, rule=Shared(0.1)), "the training of Shared draws randn from another generator than"),
    "shared by numpy": (
        replace(LATE, rule=Shared(0.1, numpy=True)),
        "a Generator in the state of a rule",
    ),
    "a schedule": (replace(LATE, rule=GD(Random())), r"Random\(rate=0.1\) has share 0"),
}


@pytest.mark.parametrize("way", MIXING)
def test_what_mixes_seeds_or_draws_later_is_refused_when_it_does(way):
    experiment, begins = MIXING[way]
    with pytest.raises(InvalidExperiment, match=f"^{begins}"):
        train(experiment)


def test_what_changes_later_for_each_row_by_itself_is_not(monkeypatch):
    seen = []
    monkeypatch.setattr("gen_core.training.batch.step_apart", lambda *a: seen.append(a[1]) or apart.step_apart(*a))
    train(replace(LATE, rule=Quiet(0.1)))
    assert seen == [4, 8, 16, 32, 60]


def test_nothing_is_looked_at_where_all_code_is_our_own(monkeypatch):
    monkeypatch.setattr("gen_core.training.batch.step_apart", None)
    train(LATE)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", CASES)
def test_no_model_rule_loss_or_stop_of_ours_would_be_refused_or_end_elsewhere(monkeypatch, name, rows):
    monkeypatch.setattr(leaving, "SHARE", 0.0)  # else rows of our own rules would leave where foreign ones stay
    expected = train(CASES[name], rows)
    monkeypatch.setattr(foreign, "_foreign", lambda kind: True)
    for array, found in train(CASES[name], rows).items():
        torch.testing.assert_close(found, expected[array], rtol=0, atol=0, equal_nan=True)


@dataclass(frozen=True)
class Drawing(GD):
    """Draws from its streams when it starts, and in each step."""

    def start(self, params, streams):
        own = streams()
        return {"own": own, "size": torch.stack([torch.rand((), generator=each) for each in own])}

    def update(self, params, grads, state, rate):
        super().update(params, grads, state, rate)
        with torch.no_grad():
            for p in params.values():
                xi = torch.stack([torch.randn(p.shape[1:], generator=each) for each in state["own"]])
                p += (rate * state["size"]).view(-1, 1) * xi


def test_streams_are_at_the_same_place_after_a_look(monkeypatch):
    drawing = replace(LATE, rule=Drawing(0.1))
    looked = train(drawing)["final.w"]
    monkeypatch.setattr("gen_core.training.batch.looked_at", lambda experiment: frozenset())
    assert torch.equal(train(drawing)["final.w"], looked)
