"""Slots of GPUs among real processes, on machines without one: a slot is a lock file."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from gen_core.errors import StoreFailure
from gen_core.training import slots
from gen_core.training.slots import Slots

ROOT = Path(__file__).parents[3]
PROCESS = """
import os, signal, sys, time
from pathlib import Path
from gen_core.training.slots import Slots
folder, each = Path(sys.argv[1]), int(sys.argv[2])

def tell(word):
    with (folder / "log").open("a") as out:
        out.write(f"{word} {os.getpid()}\\n")

def told():
    return (folder / "log").read_text().split() if (folder / "log").exists() else []

def wait_for(word, times):
    while told().count(word) < times:
        time.sleep(0.01)

def taken():
    return Slots(["a"], folder / "locks", each).taken(lambda: False)

"""


def process(folder: Path, each: int, code: str) -> subprocess.Popen:
    command = [sys.executable, "-c", PROCESS + code, str(folder), str(each)]
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True)


def ended(*processes: subprocess.Popen) -> None:
    for one in processes:
        _, said = one.communicate(timeout=300)
        assert one.returncode == 0, said


def most_at_once(folder: Path) -> int:
    inside = [0]
    for line in (folder / "log").read_text().splitlines():
        inside.append(inside[-1] + {"in": 1, "out": -1}[line.split()[0]])
    return max(inside)


@pytest.fixture
def one(tmp_path):
    """A slot of the one card "a", with so many slots, as another process would take it; None where there is none."""

    def taken(each: int, card: str = "a") -> contextlib.AbstractContextManager[int | None]:
        return Slots([card], tmp_path / "locks", each).taken(lambda: True)

    return taken


def test_with_one_slot_two_processes_never_overlap(tmp_path):
    code = """
for _ in range(20):
    with taken():
        tell("in")
        time.sleep(0.005)
        tell("out")
"""
    ended(process(tmp_path, 1, code), process(tmp_path, 1, code))
    assert (tmp_path / "log").read_text().count("in") == 40
    assert most_at_once(tmp_path) == 1


def test_with_two_slots_two_processes_overlap_and_a_third_waits(tmp_path, one):
    code = 'with taken():\n    tell("in")\n    wait_for("go", 1)\n    tell("out")'
    first, second = process(tmp_path, 2, code), process(tmp_path, 2, code)
    subprocess.run([sys.executable, "-c", PROCESS + 'wait_for("in", 2)', str(tmp_path), "2"], cwd=ROOT, timeout=300)
    with one(2) as third:
        assert third is None
    with one(3) as other, one(2, card="b") as elsewhere:
        assert other == elsewhere == 0
    third_process = process(tmp_path, 2, 'tell("asked")\nwith taken():\n    tell("in")\n    tell("out")')
    subprocess.run([sys.executable, "-c", PROCESS + 'wait_for("asked", 1)', str(tmp_path), "2"], cwd=ROOT, timeout=300)
    with (tmp_path / "log").open("a") as log:
        log.write("go 0\n")
    ended(first, second, third_process)
    lines = [line for line in (tmp_path / "log").read_text().splitlines() if line[0] in "io"]
    (tmp_path / "log").write_text("\n".join(lines))
    assert len(lines) == 6
    assert most_at_once(tmp_path) == 2


def test_the_slot_of_a_killed_process_is_taken_over(tmp_path, one):
    holder = process(tmp_path, 1, 'with taken():\n    tell("in")\n    time.sleep(300)')
    subprocess.run([sys.executable, "-c", PROCESS + 'wait_for("in", 1)', str(tmp_path), "1"], cwd=ROOT, timeout=300)
    with one(1) as refused:
        assert refused is None
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with one(1) as taken:
        assert taken == 0


def test_processes_spread_over_the_cards_before_they_share_one(tmp_path):
    with contextlib.ExitStack() as held:
        cards = [held.enter_context(Slots(["a", "b"], tmp_path, 2).taken(lambda: True)) for _ in range(5)]
    assert cards == [0, 1, 0, 1, None]


def test_within_a_slot_the_same_card_is_given_again_and_held_to_the_outer_end(tmp_path, one):
    mine = Slots(["a"], tmp_path / "locks", 1)
    with mine.taken(lambda: True) as outer:
        with mine.taken(lambda: True) as inner:
            assert outer == inner == 0
        with one(1) as other:
            assert other is None
    with one(1) as other:
        assert other == 0


def test_a_slot_is_given_back_where_a_training_fails(tmp_path, one):
    with pytest.raises(ZeroDivisionError), one(1):
        raise ZeroDivisionError
    with one(1) as taken:
        assert taken == 0


def test_a_wait_ends_where_another_process_has_done_it(one, tmp_path, monkeypatch):
    slept = []
    monkeypatch.setattr(slots.time, "sleep", slept.append)
    answers = iter([False, False, True])
    with one(1), Slots(["a"], tmp_path / "locks", 1).taken(lambda: next(answers)) as taken:
        assert taken is None
    assert slept == [slots.LOOK_AGAIN] * 2


def test_a_folder_that_cannot_be_written_is_said_in_a_line(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StoreFailure, match=r"^\S+file: no lock for a GPU \(.*\); expected a folder to write to \("),
        Slots(["a"], tmp_path / "file", 1).taken(lambda: True),
    ):
        pass


@pytest.fixture
def two_cards(monkeypatch, tmp_path):
    """Two cards that are not there; gives what was asked of them."""
    asked = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda i: SimpleNamespace(uuid=f"uuid-{i}"))
    monkeypatch.setattr(torch.cuda, "device", lambda i: contextlib.nullcontext(asked.append(i)))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: asked.append("emptied"))
    monkeypatch.setattr(slots, "lock_folder", lambda: tmp_path / "locks")
    slots.of_visible_cards.cache_clear()
    yield asked
    slots.of_visible_cards.cache_clear()
    slots.provide_device(torch.device("cpu"))


def test_a_slot_is_a_device_whose_memory_is_given_back_at_its_outer_end(two_cards, tmp_path):
    cuda = torch.device("cuda")
    with Slots(["uuid-0"], tmp_path / "locks").taken(lambda: True), slots.slot_on(cuda) as found:
        assert found == torch.device("cuda", 1)  # the other one has a process already
        with slots.slot_on(cuda) as again:
            assert again == found
        assert two_cards == [1, 1]
    assert two_cards == [1, 1, "emptied"]
    with contextlib.ExitStack() as held:
        for _ in range(4):
            held.enter_context(Slots(["uuid-0", "uuid-1"], tmp_path / "locks").taken(lambda: True))
        with slots.slot_on(cuda, lambda: True) as none:
            assert none is None
    assert two_cards == [1, 1, "emptied"]


def test_a_heavy_measure_gets_what_its_process_computes_on(two_cards):
    with slots.device_in_slot() as found:
        assert found == torch.device("cpu")
    assert two_cards == []
    slots.provide_device(torch.device("cuda"))
    with slots.device_in_slot() as found:
        assert found == torch.device("cuda", 0)


def test_the_folder_is_the_users_and_not_the_runs(monkeypatch, tmp_path):
    monkeypatch.setattr(slots.tempfile, "gettempdir", lambda: str(tmp_path))
    assert slots.lock_folder() == tmp_path / f"gen-core-{os.getuid()}"
