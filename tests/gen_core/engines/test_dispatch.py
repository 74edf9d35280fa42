"""The engine's loop against a cluster that does as it is told, without Ray."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from itertools import count

import pytest
import torch

from gen_core.engines import dispatch
from gen_core.engines.dispatch import Answer, Dispatcher
from gen_core.engines.folder import FAILED, REFUSED, STORED, EngineFolder, Unit
from gen_core.engines.ledger import Ledger
from gen_core.engines.parcels import packed, unpacked
from gen_core.lab import Store
from gen_core.training.result import TrainingResult

RESULT = TrainingResult({"step": torch.tensor([3, 4])}, ("steps", "loss"))


def unit(key, *needs, seconds=1.0):
    return Unit((key,), needs, seconds, f"what {key} is", ("/a",), "", False, b"recipes")


def trained(*keys, node="1", seconds=2.0):
    about = {"recipe": {}, "seeds": [0, 1], "device": "cpu", "seconds": 2.0, "node": node}
    event = {"label": "it", "seeds": 2, "seconds": seconds, "experiment": "e", "node": node}
    blocks = {key: {"event": event | {"key": key}, "about": about, **packed(RESULT)} for key in keys}
    return Answer(node, [{"refused": "", "blocks": blocks, "failed": {}}])


@dataclass
class Obedient:
    nodes: list[str] = field(default_factory=lambda: ["1", "2"])
    slots: int = 2
    sent: dict[int, tuple[str, set[str]]] = field(default_factory=dict)
    answering: dict[int, Answer] = field(default_factory=dict)
    dropped: list[int] = field(default_factory=list)
    numbers: count = field(default_factory=count)

    def look(self):
        return ""

    def share(self, parcel):
        return parcel

    def send(self, units, taught, avoid):
        assert all(unpacked(parcel).stopped_by == RESULT.stopped_by for parcel in taught)
        assert {unit.payload for unit in units} == {b"recipes"}
        number = next(self.numbers)
        self.sent[number] = " ".join(unit.keys[0] for unit in units), avoid
        return number

    def answers(self, tickets):
        return {ticket: self.answering.pop(ticket) for ticket in tickets if ticket in self.answering}

    def drop(self, ticket):
        self.dropped.append(ticket)


@pytest.fixture
def loop(tmp_path):
    folder = EngineFolder(tmp_path / "engine")
    folder.create()
    (tmp_path / "records").mkdir()
    ledger = Ledger(folder, tmp_path / "records", "obedient 1")
    return Dispatcher(folder, Obedient(), Store(tmp_path / "store"), ledger)


def ask(loop, *units):
    for order, one in enumerate(units):
        loop.folder.put(one, order, one.keys[0])
    assert loop.step() == ""


def answer(loop, number, given):
    loop.cluster.answering[number] = given
    return loop.step()


def test_twice_as_many_as_slots_are_in_flight_and_results_are_stored(loop):
    ask(loop, *(unit(f"k{i}") for i in range(6)))
    assert [key for key, _ in loop.cluster.sent.values()] == ["k0", "k1", "k2", "k3"]
    answer(loop, 1, trained("k1"))
    assert loop.folder.ended("k1") == (STORED, b"")
    assert torch.equal(loop.store.load("k1").arrays["step"], RESULT.arrays["step"])
    loop.step()
    assert len(loop.cluster.sent) == 5
    assert loop.folder.state()["done"] == 1
    assert (
        "1 of 6 blocks, 4 units in flight, 0 failed, 2 nodes"
        in next(loop.ledger.records.glob("progress/*")).read_text()
    )


def test_what_a_cluster_loses_is_sent_four_times_again_and_then_left(loop):
    ask(loop, unit("k"))
    for number in range(5):
        assert loop.folder.ended("k") is None
        answer(loop, number, Answer(broken="Ray has lost it"))
    assert len(loop.cluster.sent) == 5
    how, why = loop.folder.ended("k")
    assert how == REFUSED
    assert why.startswith(b"Ray has lost it after ")


def test_an_error_of_the_code_itself_is_not_sent_again(loop):
    ask(loop, unit("k"), unit("student", "k"))
    answer(loop, 0, Answer(raised=pickle.dumps(LookupError("no"))))
    loop.step()
    assert len(loop.cluster.sent) == 1
    for key in ("k", "student"):
        assert loop.folder.ended(key) == (FAILED, pickle.dumps(LookupError("no")))


def test_a_student_waits_for_its_teacher(loop):
    ask(loop, unit("student", "teacher"), unit("teacher"))
    assert [key for key, _ in loop.cluster.sent.values()] == ["teacher"]
    answer(loop, 0, trained("teacher"))
    loop.step()
    assert [key for key, _ in loop.cluster.sent.values()] == ["teacher", "student"]


def test_of_a_late_unit_and_its_copy_the_first_result_counts(loop):
    loop.grace = -1e9
    ask(loop, unit("k"))
    assert [key for key, _ in loop.cluster.sent.values()] == ["k", "k"]
    loop.grace = 1e9
    answer(loop, 1, trained("k"))
    assert loop.cluster.dropped[0] == 0
    assert (loop.ledger.done, loop.ledger.copies) == (1, 1)
    assert len([*loop.ledger.records.glob("trainings/*")]) == 1


def test_a_node_that_refuses_is_avoided_and_where_all_do_there_is_no_engine(loop):
    refusal = [{"refused": "its torch is 1; expected 2"}]
    ask(loop, unit("k0"))
    answer(loop, 0, Answer("1", refusal))
    assert loop.cluster.sent[1] == ("k0", {"1"})
    answer(loop, 1, Answer("2", refusal))
    assert loop.folder.ended("k0") == (REFUSED, b"node 2: its torch is 1; expected 2")
    (notes,) = loop.ledger.records.glob("notes/*")
    expected = "warning: --engine: node {} trains nothing of this run: its torch is 1; expected 2"
    assert [expected.format(node) for node in "12"] == notes.read_text().splitlines()[:2]
    for i in (1, 2):
        loop.folder.put(unit(f"k{i}"), i, f"k{i}")
        loop.step()
        answer(loop, 2 * i, Answer("1", refusal))
        answer(loop, 2 * i + 1, Answer("2", refusal))
    assert loop.step() == "no node of the cluster trains as this process would"


def test_a_result_with_another_digest_is_left(loop):
    ask(loop, unit("k"))
    spoilt = trained("k")
    spoilt.values[0]["blocks"]["k"]["sha256"] = "0" * 64
    answer(loop, 0, spoilt)
    how, why = loop.folder.ended("k")
    assert how == REFUSED
    assert why.endswith(b"; expected 000000000000")


def test_a_result_whose_lock_is_held_waits(loop):
    ask(loop, unit("k"))
    with loop.store.locked(["k"], wait=True):
        answer(loop, 0, trained("k"))
        assert loop.folder.ended("k") is None
    loop.step()
    assert loop.folder.ended("k") == (STORED, b"")


def test_a_result_that_a_node_has_written_may_appear_late(loop, monkeypatch):
    ask(loop, unit("k"))
    given = trained("k")
    event = given.values[0]["blocks"]["k"]["event"]
    given.values[0]["blocks"]["k"] = {"event": event, "about": {}, "is stored": True}
    answer(loop, 0, given)
    assert loop.folder.ended("k") is None
    monkeypatch.setattr(dispatch.time, "monotonic", lambda: 1e12)
    loop.step()
    assert loop.folder.ended("k") == (STORED, b"")


def together(loop, seconds=0.02, units=40):
    """The keys of the second task, when the first was a unit that took so long."""
    ask(loop, *(unit(f"k{i:02}", seconds=1e-4) for i in range(units)))
    assert [keys for keys, _ in loop.cluster.sent.values()] == ["k00", "k01", "k02", "k03"]
    answer(loop, 0, trained("k00", seconds=seconds))
    loop.step()
    return loop.cluster.sent[4][0].split()


def of_task(keys, **others):
    """The answer to a task of some units, those of `others` as they say."""
    values = [others.get(key) or trained(key, seconds=0.02).values[0] for key in keys]
    return Answer("1", values)


def test_short_units_are_one_task(loop):
    assert together(loop) == [f"k{i:02}" for i in range(4, 22)]
    answer(loop, 4, of_task(loop.cluster.sent[4][0].split()))
    assert all(loop.store.has(f"k{i:02}") for i in range(4, 22))
    assert loop.ledger.done == 19


@pytest.mark.parametrize("seconds", [0.3, 2.0])
def test_units_that_turn_out_long_are_a_task_each(loop, seconds):
    assert together(loop, seconds) == ["k04"]


def test_the_last_units_are_shared_among_the_slots(loop):
    assert together(loop, units=8) == ["k04", "k05"]


def test_units_with_teachers_or_long_estimates_are_a_task_each(loop):
    ask(loop, *(unit(f"k{i}", seconds=1e-4) for i in range(4)))
    for order, one in enumerate([unit("a", seconds=0.3), unit("b", seconds=0.01), unit("c", "k0", seconds=0.01)], 4):
        loop.folder.put(one, order, one.keys[0])
    for number in range(4):
        answer(loop, number, trained(f"k{number}", seconds=0.001))
    loop.step()
    assert [keys for keys, _ in loop.cluster.sent.values()][4:] == ["a", "b", "c"]


def test_of_a_lost_task_each_unit_is_sent_by_itself(loop):
    keys = together(loop)
    before = len(loop.cluster.sent)
    answer(loop, 4, Answer(broken="Ray has lost it"))
    assert [sent for sent, _ in loop.cluster.sent.values()][before : before + len(keys)] == keys
    assert loop.ledger.again == len(keys)


def test_what_one_unit_of_a_task_raises_or_a_node_refuses_is_for_it_alone(loop):
    keys = together(loop)
    raised = pickle.dumps(LookupError("no"))
    answer(loop, 4, of_task(keys, k05={"raised": raised}, k06={"refused": "its data files is 1; expected 2"}))
    assert loop.folder.ended("k05") == (FAILED, raised)
    assert {loop.folder.ended(key) for key in keys if key not in ("k05", "k06")} == {(STORED, b"")}
    assert loop.folder.ended("k06") is None
    assert ("k06", {"1"}) in loop.cluster.sent.values()


def test_a_task_with_a_late_unit_is_dropped_once_copies_of_all_have_come(loop):
    keys = together(loop)[:2]
    job, other, *rest = loop.flying[4]
    job.due = other.due = 0.0
    loop.step()
    first, second = (n for n, (sent, _) in loop.cluster.sent.items() if n > 4 and sent in keys)
    answer(loop, first, trained(keys[0], seconds=0.02))
    assert loop.folder.ended(keys[0]) == (STORED, b"")
    assert 4 not in loop.cluster.dropped
    answer(loop, 4, of_task([keys[0], keys[1], *(each.unit.keys[0] for each in rest)]))
    assert second in loop.cluster.dropped
    assert loop.ledger.done == 1 + len(rest) + 2
