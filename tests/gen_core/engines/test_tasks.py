"""Short units go together as one task, and what befalls one of them is for it alone."""

from __future__ import annotations

import pickle

import pytest

from gen_core.engines.dispatch import Answer
from gen_core.engines.folder import FAILED, STORED
from tests.gen_core.engines.obedient import answer, ask, make_loop, trained, unit


@pytest.fixture
def loop(tmp_path):
    return make_loop(tmp_path)


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


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ([unit("a", seconds=0.3), unit("b", seconds=1e-3), unit("c", seconds=1e-3), unit("d")], ["a", "b c"]),
        ([unit("a", seconds=0.1), unit("b", seconds=0.1), unit("c"), unit("d")], ["a", "b"]),
        ([unit("a", "k0", seconds=0), unit("b", seconds=0), unit("c", "k0", seconds=0), unit("d")], ["a", "b"]),
    ],
)
def test_units_with_teachers_or_long_estimates_are_a_task_each(loop, units, expected):
    loop.cluster.slots = 1
    ask(loop, unit("k0"), unit("k1"))
    for order, one in enumerate(units, 2):
        loop.folder.put(one, order, one.keys[0])
    loop.cluster.answering |= {number: trained(f"k{number}", seconds=0.001) for number in range(2)}
    loop.step()
    loop.step()
    assert [keys for keys, _ in loop.cluster.sent.values()][2:] == expected


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
