"""The engine's loop against a cluster that does as it is told, without Ray."""

from __future__ import annotations

import pickle

import pytest
import torch

from gen_core.engines import dispatch
from gen_core.engines.dispatch import Answer
from gen_core.engines.folder import FAILED, REFUSED, STORED
from tests.gen_core.engines.obedient import RESULT, answer, ask, make_loop, trained, unit


@pytest.fixture
def loop(tmp_path):
    return make_loop(tmp_path)


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


def test_what_is_in_the_store_by_now_is_not_sent(loop):
    ask(loop, *(unit(f"k{i}") for i in range(6)))
    with loop.store.locked(["k4"], wait=True):
        loop.store.save("k4", RESULT, {})
    answer(loop, 0, trained("k0"))
    loop.step()
    assert loop.folder.ended("k4") == (STORED, b"")
    assert [keys for keys, _ in loop.cluster.sent.values()] == ["k0", "k1", "k2", "k3", "k5"]


def test_a_teacher_that_another_process_has_trained_is_found(loop, monkeypatch):
    ask(loop, unit("student", "teacher"))
    with loop.store.locked(["teacher"], wait=True):
        loop.store.save("teacher", RESULT, {})
    assert loop.cluster.sent == {}
    monkeypatch.setattr(dispatch, "LOOK_AGAIN", -1.0)
    loop.step()
    assert [keys for keys, _ in loop.cluster.sent.values()] == ["student"]


def test_a_teacher_is_shared_once_for_its_students_and_no_longer(loop, monkeypatch):
    shared = []
    monkeypatch.setattr(loop.cluster, "share", lambda parcel: shared.append(parcel) or parcel)
    ask(loop, unit("teacher"), unit("a", "teacher"), unit("b", "teacher"))
    answer(loop, 0, trained("teacher"))
    loop.step()
    assert (len(shared), len(loop._shared)) == (1, 1)
    answer(loop, 1, trained("a"))
    assert len(loop._shared) == 1
    answer(loop, 2, trained("b"))
    assert loop._shared == {}
