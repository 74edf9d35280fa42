"""A stored result is compared with what its seeds draw now; one of other draws is trained again, once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import GD, Data, Experiment, InvalidExperiment, Linear, Square
from gen_core.training import draws, streams

OUTSIDE = {"data": 0.0, "start": 0.0, "calls": 0.0}
"""What the draws below look up at run time, where no key can see it."""


@dataclass(frozen=True)
class Points:
    n: int = 12
    inputs: tuple[int, ...] = (3,)

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n, 3, generator=generator, dtype=torch.float64)
        y = X.sum(1)
        y[7] += globals()["OUTSIDE"]["data"]
        return Data(X, y)


@dataclass(frozen=True)
class Begun(Linear):
    def init(self, inputs, generator, dtype):
        now = globals()["OUTSIDE"]
        now["calls"] += 1
        shift = now["start"] * (now["calls"] if now["start"] < 0 else 1)
        return {name: value + shift for name, value in super().init(inputs, generator, dtype).items()}


A = Experiment(data=Points(), model=Begun(), rule=GD(0.1), loss=Square(), steps=5, dtype="float64")


@pytest.fixture(autouse=True)
def nothing_drawn(monkeypatch):
    monkeypatch.setattr(draws, "_cache", draws._SampleCache())
    monkeypatch.setattr(streams, "_repeated", set())
    for name in OUTSIDE:
        monkeypatch.setitem(OUTSIDE, name, 0.0)


def test_a_result_of_the_same_draws_is_believed_and_compared_once_per_process(make, monkeypatch):
    events = []
    make(events).run(A, 8)
    again = make(events)
    again.run(A, 8)
    calls = OUTSIDE["calls"]
    again.run(A, 8)
    assert OUTSIDE["calls"] == calls
    assert len(events) == 2  # the blocks of four seeds
    assert again.store.notes == []


@pytest.mark.parametrize(("what", "told"), [("data", "on other data"), ("start", "from another start")])
@pytest.mark.parametrize("after", [False, True])
def test_a_single_changed_number_is_a_miss_with_its_reason(make, monkeypatch, what, told, after):
    one = replace(A, after=A, data=Points(n=9)) if after else A
    events = []
    before = make(events).run(one, 8)
    monkeypatch.setitem(OUTSIDE, what, 1e-12)
    monkeypatch.setattr(draws, "_cache", draws._SampleCache())
    lab = make(events)
    found = lab.run(one, 8)
    assert len(events) == 4
    assert [note.partition(" of ")[2] for note in lab.store.notes] == [
        f"Begun on Points, GD was trained {told} (seed {seed}); it is trained again" for seed in (0, 4)
    ]
    assert not torch.equal(found.w, before.w)
    assert make(events).run(one, 8).w.equal(found.w)
    assert len(events) == 4


def test_a_start_that_differs_each_time_is_no_result(make, monkeypatch):
    make().run(A, 8)
    monkeypatch.setitem(OUTSIDE, "start", -1e-12)
    with pytest.raises(InvalidExperiment) as caught:
        make().run(A, 8)
    assert str(caught.value) == (
        "a training of Begun on Points, GD was trained from another start (seed 0), just now: its draw is another one "
        "each time; expected the same from the same generator"
    )


def test_data_that_change_within_a_process_are_refused_and_then_drawn_anew(make, monkeypatch):
    events = []
    make(events).run(A, 8)
    monkeypatch.setitem(OUTSIDE, "data", 1.0)
    with pytest.raises(InvalidExperiment, match=r"^Points does not draw what it drew before \(seed 0\); expected the"):
        make(events).run(A, 8)
    make(events).run(A, 8)
    assert len(events) == 4


def test_an_entry_that_does_not_tell_its_draws_is_a_miss(make):
    lab = make()
    lab.run(A, 4)
    (block,) = lab.blocks(A, 4)
    result = lab.store.load(block.key)
    del result.arrays["drawn"]
    lab.store.save(block.key, result, {})
    events = []
    other = make(events)
    other.run(A, 4)
    assert len(events) == 1
    assert other.store.notes[0].endswith(" does not tell what it was trained on; it is trained again")
