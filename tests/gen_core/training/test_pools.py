"""Draws of points of a pool that all seeds share: what they cost, what is noticed, and equality with plain tensors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pytest
import torch

from gen_core import GD, MLP, SGD, AtLoss, Data, Dataset, Experiment, InvalidExperiment, Logistic, Run, Square, Stop
from gen_core.data.derived import First, Poisoned, UnitNorm
from gen_core.errors import BrokenTraining
from gen_core.training import batch, draws, replicas
from gen_core.training.batch import Batch
from gen_core.training.draws import check_unchanged, confirm_data, initial_parameters, sample_data
from gen_core.training.points import Filling, Pools
from gen_core.training.replicas import checksum, mark
from gen_core.training.result import TrainingResult
from gen_core.training.seeding import generator
from gen_core.training.trainer import train_rows
from gen_core.types import Pool, Pooled, data_of
from tests.gen_core.training.meta_device import Device, counted_on_meta


@dataclass(frozen=True)
class OfAPool:
    """Points of a pool of 200, whose two splits are one."""

    n: int = 150
    n_test: int = 20
    inputs: tuple[int, ...] = (2, 3)
    pools: tuple[int, int] = (200, 200)

    def draw(self, generator: torch.Generator) -> Data:
        index = torch.randperm(200, generator=generator)[: self.n]
        held_out = torch.arange(self.n_test)
        y, y_test = (pool().points[at].sum((1, 2)) for at in (index, held_out))
        return data_of(X=held(pool(), index), y=y, X_test=held(pool(), held_out), y_test=y_test)


NUMBERS = torch.randn(200, 2, 3, generator=torch.Generator().manual_seed(5))


@lru_cache
def pool() -> Pool:
    return Pool(NUMBERS.clone)


held = Pooled
"""How a draw holds its points."""

WATCHED = ("train_loss", "test_loss", "test_outputs")
OF_A_POOL = Experiment(data=OfAPool(), model=MLP((4,)), rule=SGD(0.01, 10), loss=Square(), steps=30, watch=WATCHED)


def replaced(data: Dataset) -> Experiment:
    return replace(OF_A_POOL, data=data)


@pytest.fixture(autouse=True)
def store(monkeypatch):
    monkeypatch.setattr(draws, "_cache", draws._SampleCache())
    pool.cache_clear()
    return draws._cache


def test_points_of_a_pool_are_a_fraction_of_it_in_the_cache_and_copied_when_asked_for(store):
    data = sample_data(OF_A_POOL, 3)
    index = torch.randperm(200, generator=generator(OF_A_POOL.data, 3, "data"))[:150]
    assert torch.equal(data.X, pool().points[index])
    assert torch.equal(data.X_test, pool().points[:20])
    assert store.bytes == 8 * 170 + 4 * 170
    data.X.zero_(), data.X_test.numpy().fill(3)
    check_unchanged(OF_A_POOL, 3, "x")
    assert torch.equal(sample_data(OF_A_POOL, 3).X, pool().points[index])
    copied = (data.X, data.y, data.X_test, data.y_test)
    assert list(map(mark, vars(data).values())) == list(map(mark, copied))


POOL_CHANGES = {
    "in torch": lambda points: points.mul_(2),
    "behind autograd": lambda points: points.data.mul_(-1),
    "in numpy": lambda points: np.negative(points.numpy(), out=points.numpy()),
    "through a view": lambda points: points[1:].zero_(),
}


@pytest.mark.parametrize("change", POOL_CHANGES.values(), ids=POOL_CHANGES)
def test_a_changed_pool_is_noticed_and_made_anew(change):
    before = sample_data(OF_A_POOL, 3).X
    change(vars(sample_data(OF_A_POOL, 3))["X"].pool.points)
    with pytest.raises(InvalidExperiment, match=r"^code that was given it changed the data of OfAPool in place"):
        sample_data(OF_A_POOL, 3)
    assert torch.equal(sample_data(OF_A_POOL, 3).X, before)


def test_one_number_of_a_large_pool_is_noticed_when_draws_are_confirmed(monkeypatch):
    monkeypatch.setattr(replicas, "SAMPLED", 4)
    replicas.places.cache_clear()
    data = sample_data(OF_A_POOL, 3)
    before = data.X
    confirm_data(OF_A_POOL, 3)
    vars(data)["X"].pool.points.numpy()[7, 1, 1] = 9
    with pytest.raises(InvalidExperiment, match=r"^code that was given it changed the data of OfAPool in place"):
        confirm_data(OF_A_POOL, 3)
    replicas.places.cache_clear()
    assert torch.equal(sample_data(OF_A_POOL, 3).X, before)


@pytest.mark.parametrize("part", ["index", "labels"])
def test_a_changed_index_is_noticed(part):
    data = vars(sample_data(OF_A_POOL, 3))
    (data["X"].index if part == "index" else data["y"]).numpy()[0] += 1
    with pytest.raises(InvalidExperiment, match=r"^x changed the data of OfAPool in place"):
        check_unchanged(OF_A_POOL, 3, "x")


def test_the_digest_of_a_draw_from_a_pool_tells_its_points_and_their_order():
    def drawn(points: Pool, index: torch.Tensor) -> int:
        return checksum(Pooled(points, index))

    first, other = torch.arange(9), torch.arange(9).flip(0)
    another = Pool(lambda: pool().points + 1)
    found = [drawn(pool(), first), drawn(pool(), other), drawn(another, first)]
    assert len(set(found)) == 3
    assert drawn(Pool(lambda: pool().points.clone()), first) == found[0]


def test_data_derived_from_a_pool_stay_in_it_unless_their_points_change():
    flipped = sample_data(replaced(First(Poisoned(Signs(), 5), 12)), 3)
    assert vars(flipped)["X"].pool is pool()
    whole = sample_data(replaced(Signs()), 3)
    assert torch.equal(flipped.X, whole.X[:12])
    assert flipped.y.tolist() == [*whole.y[:5].tolist(), *(-whole.y[5:12]).tolist()]
    scaled = sample_data(replaced(UnitNorm(Signs())), 3)
    assert torch.allclose(scaled.X.flatten(1).norm(dim=1), torch.ones(150))
    assert torch.equal(whole.X, sample_data(replaced(Signs()), 3).X)


@dataclass(frozen=True)
class Signs(OfAPool):
    def draw(self, generator: torch.Generator) -> Data:
        data = super().draw(generator)
        return data.but(y=data.y.sign(), y_test=data.y_test.sign())


@dataclass(frozen=True)
class Sums:
    """The sums of the weights and of the inputs."""

    def __call__(self, model, params, data):
        return torch.stack([params["W1"].flatten(1).sum(1), data.X.flatten(1).sum(1), data.X_test.flatten(1).sum(1)], 1)


SOON = replace(replaced(Signs()), rule=SGD(0.3, 16), loss=Logistic(), steps=200)
TRAININGS = {
    "plain": OF_A_POOL,
    "one epoch a step": replace(OF_A_POOL, rule=SGD(0.01, 150)),
    "replacement": replace(OF_A_POOL, rule=SGD(0.01, 10, replacement=True)),
    "all points": replace(OF_A_POOL, rule=GD(0.01)),
    "float64": replace(OF_A_POOL, dtype="float64"),
    "one after another": replace(OF_A_POOL, loss=Square(), steps=20, after=replace(OF_A_POOL, watch=())),
    "by their loss": replace(SOON, stop=Stop(loss=0.55, every=2)),
    "by their accuracy": replace(SOON, stop=Stop(accuracy=0.8, every=3), watch=("train_accuracy", "test_classes")),
    "at levels": replace(SOON, checkpoints=AtLoss((0.65, 0.6), every=2), watch=("train_outputs", "test_outputs")),
    "batch norm": replace(SOON, model=MLP((4,), batch_norm=True), stop=Stop(loss=0.4, every=5)),
    "observed": replace(OF_A_POOL, watch=(Sums(), "train_outputs", "train_loss")),
}


@pytest.mark.parametrize("name", TRAININGS)
def test_rows_that_share_a_pool_end_where_rows_with_points_of_their_own_do_to_the_bit(name, monkeypatch):
    rows, cpu = [(TRAININGS[name], seed) for seed in range(5)], torch.device("cpu")
    own = Batch(rows, cpu)
    assert [type(own.X), type(own.X_test)] == [torch.Tensor, torch.Tensor]
    expected = own.train(lambda step: None)
    monkeypatch.setattr(batch, "Filling", lambda *given: Filling(*given[:-1], True))  # as elsewhere than on a CPU
    shared = Batch(rows, cpu)
    assert isinstance(shared.X, Pooled)
    assert isinstance(shared.X_test, Pooled) == bool(TRAININGS[name].tested)
    found = shared.train(lambda step: None)
    assert found.stopped_by == expected.stopped_by
    assert found.arrays.keys() == expected.arrays.keys()
    for array, value in expected.arrays.items():
        assert torch.equal(found.arrays[array], value), array
    if name.startswith("by their"):
        assert len(set(expected.arrays["step"].tolist())) > 1


def test_rows_of_different_pools_have_points_of_their_own():
    other = Pool(lambda: NUMBERS + 1)
    index = torch.arange(150)
    filling = Filling((3, 150, 2, 3), torch.float32, Pools(torch.device("cpu")), True)
    for row, points in enumerate((pool(), pool(), other)):
        filling.add(row, Pooled(points, index))
    assert isinstance(filling.points, torch.Tensor)
    assert torch.equal(filling.points, torch.stack([NUMBERS[:150], NUMBERS[:150], NUMBERS[:150] + 1]))


@pytest.mark.parametrize("seeds", [2, 7])
def test_a_pool_is_sent_to_a_device_once_for_all_rows_and_batches(seeds, monkeypatch):
    """Bytes that go to torch's meta device, where the pool is of 200 points of 24 bytes."""
    monkeypatch.setattr(batch, "draws_apart", lambda *args: None)  # all starts read as zeros
    rows, meta = [(OF_A_POOL, seed) for seed in range(seeds)], torch.device("meta")
    start = sum(value.nbytes for value in initial_parameters(*rows[0]).values())
    with Device() as device:
        Batch(rows, meta)  # sends the places of the numbers that are compared, for all later ones
        pools, sent = Pools(meta), []
        for _ in range(3):
            device.now.clear()
            Batch(rows, meta, pools)
            sent.append(device.now["bytes"])
    assert sent[1] == sent[2] == seeds * (8 * (150 + 20) + 4 * (150 + 20) + start)
    assert sent[0] == sent[1] + 200 * 24


def test_to_gather_from_a_pool_waits_for_nothing_and_sends_a_stretch_of_places_alone(monkeypatch):
    monkeypatch.setattr(batch, "draws_apart", lambda *args: None)  # all starts read as zeros
    rows, launches = [(OF_A_POOL, seed) for seed in range(4)], []
    for by_index in (True, False):
        monkeypatch.setattr(batch, "Filling", lambda *given, by=by_index: Filling(*given[:-1], by))
        with Device() as device:
            order = Batch(rows, torch.device("meta"))._batches()
            device.now.clear()
            for _ in range(OF_A_POOL.steps):
                next(order)
        assert (device.now["reads"], device.now["fetches"]) == (0, 0)
        assert device.now["bytes"] == 8 * len(rows) * OF_A_POOL.steps * 10
        launches.append(device.now["launches"])
        told = counted_on_meta(OF_A_POOL)
        for phase in ("step", "watch", "look"):
            assert [told[f"{phase} {what}"] for what in ("reads", "fetches", "bytes")] == [0, 0, 0]
    assert launches[0] == launches[1] + 1  # 24 kB of points are gathered at once


def trained() -> tuple[Run, dict[str, torch.Tensor]]:
    """A run of three seeds, and what is measured of it."""
    [(_, result)] = train_rows([(OF_A_POOL, seed) for seed in range(3)], torch.device("cpu"))
    run = Run(OF_A_POOL, (0, 1, 2), result)
    loss = run.at({name: 2 * value for name, value in run.parameters.items()}).train_loss
    points = {"X": run.X, "y": run.y, "X_test": run.X_test, "y_test": run.y_test}
    return run, {"f": run.train_outputs(), "f_test": run.test_outputs(), "loss": loss, **points}


def test_a_training_on_a_pool_is_that_on_its_points_to_the_bit(monkeypatch):
    pooled, measured = trained()
    monkeypatch.setattr(draws, "_cache", draws._SampleCache())
    monkeypatch.setitem(globals(), "held", lambda pool, index: Pooled(pool, index)[:])
    plain, expected = trained()
    assert isinstance(vars(sample_data(OF_A_POOL, 0))["X"], torch.Tensor)
    for name, value in plain.result.arrays.items():
        assert name == "drawn" or torch.equal(value, pooled.result.arrays[name]), name
    for name, value in expected.items():
        assert torch.equal(value, measured[name]), name


def test_what_was_trained_on_other_points_of_a_pool_is_refused():
    run, _ = trained()
    drawn = {**run.result.arrays, "drawn.X": run.result.arrays["drawn.X"].roll(1)}
    other = replace(run, result=TrainingResult(drawn, run.result.stopped_by))
    for measure in (lambda: other.X, other.train_outputs):
        with pytest.raises(BrokenTraining, match="X of seed 0 is not what it was trained with"):
            measure()
