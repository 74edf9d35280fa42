"""What fails, fails for who asks for it and for nobody else."""

from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import (
    GD,
    Data,
    DataMissing,
    Experiment,
    InvalidExperiment,
    Linear,
    Square,
    Unfinished,
)
from gen_core.errors import StoreFailure
from gen_core.lab import Event, work

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Points:
    n: int = 12
    inputs: tuple[int, ...] = (3,)
    fault: str = ""

    def source(self) -> str:
        if self.fault == "missing":
            raise DataMissing("points are not there; get them with: make points")
        return ""

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n, *self.inputs, generator=generator, dtype=torch.float64)
        if self.fault == "shape":
            X = X[1:]
        return Data(X, X.sum(1).sign())


A = Experiment(data=Points(), model=Linear(), rule=GD(0.1), loss=Square(), steps=20, dtype="float64")
B = replace(A, rule=GD(0.2))


def plan(lab, *experiments, first=8):
    lab.plan((f"case {i}", e, first) for i, e in enumerate(experiments))
    return lab


def test_data_that_is_missing_drops_out_of_its_group_and_raises_for_who_asks(make, batches):
    missing = replace(A, data=Points(fault="missing"))
    lab = plan(make(), A, missing, B)
    assert {demand.experiment: demand.data_error for demand in lab.planned.groups[0]} == {
        A: "",
        missing: "points are not there; get them with: make points",
        B: "",
    }
    lab.run(A, 8)
    assert [len(rows) for rows in batches] == [16]
    with pytest.raises(DataMissing, match="points are not there; get them with: make points"):
        lab.run(missing, 8)


def test_the_failure_of_one_member_is_raised_to_who_asks_for_it_alone(make, batches):
    bad = replace(A, data=Points(fault="shape"))
    events: list[Event] = []
    lab = plan(make(events), A, bad, B)
    assert lab.run(A, 8).w.isfinite().all()
    assert lab.run(B, 8).w.isfinite().all()
    tried = len(batches)
    for _ in range(2):
        with pytest.raises(InvalidExperiment, match=r"Points drew X of shape \(11, 3\); expected \(12, 3\)"):
            lab.run(bad, 8)
    assert len(batches) == tried
    assert len(events) == 4
    assert list(lab.failures) == [bad.key]


def test_a_failure_leaves_the_batches_alone_that_it_is_not_in(make, batches, monkeypatch):
    bad = replace(A, data=Points(fault="shape"))
    group = [A, bad, B, replace(A, rule=GD(0.3))]
    lab = plan(make(), *group, first=4)
    order = [demand.experiment for demand in lab.planned.groups[0]]
    memory = work.memory_of(A, "cpu")
    monkeypatch.setattr(work, "memory_budget", lambda device: memory.batch + 8 * memory.seed)
    lab.run(A, 4)
    pairs = [order[:2], order[2:]]
    expected = [each for pair in pairs for each in ([pair, [pair[0]], [pair[1]]] if bad in pair else [pair])]
    assert [list(dict.fromkeys(e for e, _ in rows)) for rows in batches] == expected
    assert list(lab.failures) == [bad.key]


def test_what_has_failed_in_one_batch_is_not_tried_in_the_next(make, batches, monkeypatch):
    bad = replace(A, data=Points(fault="shape"))
    lab = plan(make(), bad, B)
    memory = work.memory_of(A, "cpu")
    monkeypatch.setattr(work, "memory_budget", lambda device: memory.batch + 4 * memory.seed)
    lab.run(B, 8)
    assert sorted(len(rows) for rows in batches if rows[0][0] == bad) == [4]
    assert [rows[0][0] for rows in batches].count(B) == 2


def test_one_whose_memory_cannot_be_estimated_fails_by_itself(make, batches, monkeypatch):
    bad = replace(A, data=Points(fault="shape"))
    lab, estimate = plan(make(), A, bad), work.memory_of

    def fails(*of):
        raise InvalidExperiment("no such estimate")

    monkeypatch.setattr(work, "memory_of", fails)
    assert lab.run(A, 8).w.isfinite().all()
    assert list(lab.failures) == [bad.key]
    assert estimate is not work.memory_of


def test_nothing_more_is_trained_for_a_store_that_is_full(make, batches, monkeypatch):
    lab = plan(make(), A, B)
    memory = work.memory_of(A, "cpu")
    monkeypatch.setattr(work, "memory_budget", lambda device: memory.batch + 8 * memory.seed)

    def full(*of):
        raise StoreFailure("no room")

    monkeypatch.setattr(lab.store, "save", full)
    for each in (A, B):
        with pytest.raises(StoreFailure, match="no room"):
            lab.run(each, 8)
    assert len(batches) == 1


def test_a_failure_at_a_later_look_leaves_the_earlier_one(make, monkeypatch):
    lab = plan(make(), A)
    lab.run(A, 8)

    def fail(rows, *rest):
        raise Unfinished("out of memory: no room")

    monkeypatch.setattr(work, "train_rows", fail)
    with pytest.raises(Unfinished, match="out of memory: no room"):
        lab.run(A, 16)
    assert lab.run(A, 8).w.shape == (8, 3)


def test_an_experiment_that_diverges_is_unfinished_and_its_neighbours_are_not(make):
    bad = replace(A, rule=GD(1e6), steps=200)
    good = replace(A, steps=200)
    lab = plan(make(), bad, good)
    with pytest.raises(Unfinished, match=r"training diverged: the loss is not finite for 8 of 8 seeds .*rate 1e\+06"):
        lab.run(bad, 8)
    assert lab.run(good, 8).w.isfinite().all()


def test_an_interruption_is_nobodys_failure(make, monkeypatch):
    lab = plan(make(), A)

    def interrupt(rows, *rest):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(work, "train_rows", interrupt)
        with pytest.raises(KeyboardInterrupt):
            lab.run(A, 8)
    assert not lab.failures
    assert lab.run(A, 8).seeds == tuple(range(8))


def test_a_damaged_entry_is_made_again_and_told(make, batches):
    lab = plan(make(), A)
    first = lab.run(A, 8)
    for path in lab.store.root.rglob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:-3])
        break
    second = plan(make(), A)
    assert torch.equal(second.run(A, 8).w, first.w)
    assert len(second.store.notes) == 1
    assert [len(rows) for rows in batches] == [8, 4]
