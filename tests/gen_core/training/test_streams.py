"""Numbers that do not come from a seed's own stream are found, wherever they are drawn from."""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from numpy.random import default_rng

from gen_core import GD, Data, Experiment, InvalidExperiment, Linear, Square
from gen_core.training import draws, streams
from gen_core.training.draws import initial_parameters, sample_data
from gen_core.training.streams import elsewhere


def number(by: str) -> float:
    """A random number from somewhere else."""
    if by == "fork":
        with torch.random.fork_rng():
            return float(torch.rand(1))
    return {
        "torch": lambda: float(torch.rand(1)),
        "numpy": lambda: float(np.random.rand()),  # noqa: NPY002
        "Python": random.random,
        "fresh numpy": lambda: float(np.random.default_rng().random()),
        "fresh torch": lambda: float((g := torch.Generator(), g.seed(), torch.rand(1, generator=g))[2]),
        "secrets": lambda: secrets.randbelow(10**9) / 1e9,
        "system": lambda: random.SystemRandom().random(),
        "nowhere": lambda: 0.5,
    }[by]()


@dataclass(frozen=True)
class Points:
    by: str = "nowhere"
    noise: float = 1.0
    n: int = 10
    inputs: tuple[int, ...] = (3,)

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n, 3, generator=generator)
        return Data(X, X.sum(1) + (number(self.by) if self.noise else 0.0))


@dataclass(frozen=True)
class Half:
    data: Points
    by: str = "nowhere"
    inputs: tuple[int, ...] = (3,)
    n: int = 10

    def draw(self, generator: torch.Generator) -> Data:
        return self.derive(self.data.draw(generator), generator)

    def derive(self, data: Data, generator: torch.Generator) -> Data:
        return Data(data.X, data.y / 2 + number(self.by))


@dataclass(frozen=True)
class Started(Linear):
    by: str = "nowhere"
    placed_by: str = "nowhere"

    def init(self, inputs, generator, dtype):
        return {k: v + number(self.by) for k, v in super().init(inputs, generator, dtype).items()}

    def place(self, params, data):
        return {k: v + number(self.placed_by) for k, v in params.items()}


@pytest.fixture(autouse=True)
def nothing_drawn(monkeypatch):
    monkeypatch.setattr(draws, "_cache", draws._SampleCache())
    monkeypatch.setattr(streams, "_repeated", set())


def experiment(data=None, model=None) -> Experiment:
    return Experiment(data=data or Points(), model=model or Linear(), rule=GD(0.1), loss=Square(), steps=1)


SHARED = ["torch", "numpy", "Python"]
FRESH = ["fork", "fresh numpy", "fresh torch", "secrets", "system"]
TOLD = {by: f"from {by}'s global generator" for by in SHARED}
TOLD |= dict.fromkeys(FRESH, "other numbers when it is called again with the same generator")
TOLD["fresh torch"] = "rand from another generator than its own"


@pytest.mark.parametrize("by", [*SHARED, *FRESH])
def test_a_draw_a_derivation_and_a_start_are_each_named(by):
    cases = {
        "Points.draw": lambda: sample_data(experiment(Points(by)), 0),
        "Half.derive": lambda: sample_data(experiment(Half(Points(), by)), 0),
        "Started.init": lambda: initial_parameters(experiment(model=Started(by=by)), 0),
    }
    for who, draw in cases.items():
        with pytest.raises(InvalidExperiment) as caught:
            draw()
        assert str(caught.value).startswith(f"{who} draws {TOLD[by]}; expected the generator that it is given alone")


@pytest.mark.parametrize("by", SHARED)
def test_a_place_on_the_data_is_named(by):
    initial_parameters(experiment(model=Started()), 0)
    with pytest.raises(InvalidExperiment, match=rf"^Started\.place draws from {by}'s global generator; expected"):
        initial_parameters(experiment(model=Started(placed_by=by)), 0)


def test_only_the_first_draw_of_a_form_is_made_twice(monkeypatch):
    made = []
    plain = Points.draw
    monkeypatch.setattr(Points, "draw", lambda self, generator: (made.append(self), plain(self, generator))[1])
    for seed in range(3):
        sample_data(experiment(Points()), seed)
        sample_data(experiment(Points(noise=2.5)), seed)
    assert len(made) == 7
    with pytest.raises(InvalidExperiment, match="other numbers when it is called again"):
        sample_data(experiment(Points("secrets")), 0)
    made.clear()
    sample_data(experiment(Points("secrets", noise=0.0)), 0)
    assert len(made) == 2  # another branch may be taken where a number is 0


def test_global_states_are_put_back():
    before = streams._global_states()
    with elsewhere():
        assert all(now != before[name] for name, now in streams._global_states().items())
    assert streams._global_states() == before
    sample_data(replace(experiment(), data=Points(noise=3.0)), 1)
    assert streams._global_states() == before


@dataclass(frozen=True)
class ByNumpy(Points):
    seed: str = "0"

    def draw(self, generator: torch.Generator) -> Data:
        own = int(torch.randint(2**40, (), generator=generator))
        seed = {"0": 0, "own": own, "few": generator.initial_seed() % 2, "none": None}[self.seed]
        X = torch.randn(self.n, 3, generator=generator)
        return Data(X, X @ torch.from_numpy(default_rng(seed).normal(size=3)).float())


@pytest.mark.parametrize("seed", ["0", "few", "none"])
def test_a_generator_of_numpy_with_a_seed_that_others_have_is_refused(seed):
    with pytest.raises(InvalidExperiment, match=r"^ByNumpy.draw draws "):
        _ = [sample_data(experiment(ByNumpy(seed=seed)), each) for each in range(4)]
    assert np.random.default_rng is default_rng


def test_one_with_a_seed_from_the_stream_is_not():
    teachers = [sample_data(experiment(ByNumpy(seed="own")), each) for each in range(4)]
    assert len({float(each.y.sum()) for each in teachers}) == 4
