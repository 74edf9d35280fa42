"""Seeds that share what each must draw for itself are named."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from gen_core import GD, SGD, Data, Experiment, InvalidExperiment, Linear, Square
from gen_core.errors import BrokenTraining
from gen_core.training import batch, draws, seeding
from gen_core.training.draws import initial_parameters, sample_data
from gen_core.training.replicas import Twins, mark, sampled, surprise
from gen_core.training.streams import OwnStream
from gen_core.training.trainer import train_rows as train

SHARED = torch.randn(40, 3, generator=torch.Generator().manual_seed(9))


@dataclass(frozen=True)
class Drawn:
    n: int = 40
    inputs: tuple[int, ...] = (3,)
    by: str = "own"

    def draw(self, generator: torch.Generator) -> Data:
        if self.by == "own":
            X = torch.randn(self.n, 3, generator=generator)
        elif self.by == "global":
            X = torch.randn(self.n, 3)
        elif self.by == "another":
            X = torch.empty(self.n, 3).normal_(generator=torch.Generator().manual_seed(1))
        elif self.by == "ignored":
            torch.randn(1, generator=generator)
            X = SHARED[: self.n]
        else:
            X = SHARED[: self.n]
        return Data(X, X.sum(1))


@dataclass(frozen=True)
class Coins:
    """Few outcomes, which two seeds may share."""

    n: int = 4
    inputs: tuple[int, ...] = (1,)

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.ones(self.n, 1)
        return Data(X, 2.0 * torch.randint(2, (self.n,), generator=generator) - 1)


@pytest.fixture(autouse=True)
def nothing_drawn(monkeypatch):
    monkeypatch.setattr(draws, "_cache", draws._SampleCache())
    monkeypatch.setattr(draws, "_starts", Twins())
    monkeypatch.setattr(seeding, "_owners", {})


def linear(data, rule=None, std: float = 1.0, steps: int = 4) -> Experiment:
    return Experiment(data=data, model=Linear(init_std=std), rule=rule or GD(0.1), loss=Square(), steps=steps)


def trained(experiment: Experiment, seeds: int = 3) -> None:
    list(train([(experiment, seed) for seed in range(seeds)], torch.device("cpu")))


@pytest.mark.parametrize(
    ("by", "what"),
    [("global", "from torch's global generator"), ("another", "normal_ from another generator")],
)
def test_a_draw_from_another_stream_is_refused(by: str, what: str):
    with pytest.raises(InvalidExperiment, match=rf"^Drawn\.draw draws {what}.*; expected the generator that it is"):
        sample_data(linear(Drawn(by=by)), 0)


def test_draws_are_the_same_under_the_check():
    own = torch.Generator().manual_seed(5)
    with OwnStream(own, "x") as stream:
        drawn = torch.randn(9, generator=own), torch.randperm(9, generator=own)
    assert stream.used
    own.manual_seed(5)
    assert torch.equal(drawn[0], torch.randn(9, generator=own))
    assert torch.equal(drawn[1], torch.randperm(9, generator=own))


def test_data_that_uses_its_stream_and_is_the_same_for_two_seeds_is_refused_each_time():
    experiment = linear(Drawn(by="ignored"))
    sample_data(experiment, 3)
    for _ in range(2):
        with pytest.raises(InvalidExperiment) as caught:
            sample_data(experiment, 4)
        assert str(caught.value) == "seeds 3 and 4 have the same Drawn data; expected each to draw its own"
    sample_data(experiment, 3)


def test_data_that_are_fixed_for_all_seeds_and_starts_at_zero_are_no_twins():
    trained(linear(Drawn(by="fixed"), std=0.0))
    trained(linear(Drawn(by="fixed"), SGD(0.1, batch=10)))


def test_few_outcomes_may_agree_by_chance():
    experiment = linear(Coins())
    labels = [tuple(sample_data(experiment, seed).y.tolist()) for seed in range(32)]
    assert len(set(labels)) < 32
    trained(experiment, 32)


def test_two_seeds_with_one_stream_are_named(monkeypatch):
    plain = seeding.digest
    monkeypatch.setattr(seeding, "digest", lambda recipe, seed, *rest, **kw: plain(recipe, seed // 2, *rest, **kw))
    sample_data(linear(Drawn()), 6)
    with pytest.raises(InvalidExperiment, match=r"^seeds 6 and 7 share one random stream of 'data'; expected"):
        sample_data(linear(Drawn()), 7)


def test_two_seeds_with_one_start_are_named(monkeypatch):
    plain = draws.generator
    monkeypatch.setattr(draws, "generator", lambda recipe, seed, what: plain(recipe, 0, what))
    initial_parameters(linear(Drawn(n=41)), 0)
    with pytest.raises(InvalidExperiment, match=r"^seeds 0 and 1 have the same start of Linear; expected"):
        initial_parameters(linear(Drawn(n=41)), 1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sample_data", "seeds 0 and 1 train on the same data; expected each to train on its own"),
        ("initial_parameters", "seeds 0 and 1 start at the same weights; expected each at its own"),
    ],
)
def test_rows_of_a_batch_with_one_draw_are_named(monkeypatch, name: str, message: str):
    plain = getattr(draws, name)
    monkeypatch.setattr(batch, name, lambda experiment, seed: plain(experiment, 0))
    with pytest.raises(BrokenTraining) as caught:
        trained(linear(Drawn()))
    assert str(caught.value) == message


def test_a_mark_is_that_of_a_copy_in_another_dtype():
    value = torch.randn(1000, dtype=torch.float64)
    assert mark(value) == mark(value.float()) == mark(value.float().double())
    assert mark(torch.zeros(3)) == mark(-torch.zeros(3))
    assert mark(value) != mark(-value)


def test_surprise_is_the_bits_of_what_varies():
    signs = torch.tensor([1.0, -1.0] * 10)
    assert surprise([signs]) == pytest.approx(20)
    assert surprise([torch.zeros(50)]) == 0
    assert surprise([torch.zeros(50), signs]) == pytest.approx(20)
    assert surprise([torch.arange(64.0), signs]) == pytest.approx(20)
    assert surprise([torch.tensor([0.1, 0.2, 0.3])]) == 60


@pytest.mark.parametrize("shape", [(800, 64), (500, 784), (1000, 1, 28, 28), (3, 100), (5000, 192)])
def test_samples_are_of_all_columns(shape: tuple[int, ...]):
    column = torch.arange(shape[-1]).expand(shape)
    counts = sampled(column.clone()).bincount(minlength=shape[-1])
    assert counts.sum() == 256
    assert (counts > 0).sum() >= min(shape[-1], 256) / 2
    assert counts.max() <= 12 * 256 / shape[-1] + 8
