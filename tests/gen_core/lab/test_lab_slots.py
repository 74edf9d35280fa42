"""Labs of several processes on a card that is not there: what is a GPU to them computes on the CPU."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from gen_core.lab import Lab, Store, lab, work
from gen_core.training import parts, slots
from gen_core.training.slots import Slots, provide_device
from tests.gen_core.lab.test_lab_processes import EXPERIMENTS, SEEDS, ended

ROOT = Path(__file__).parents[3]
CUDA = torch.device("cuda")
IMPORT = "import tests.gen_core.lab.test_lab_slots as t"


def faked(
    folder: Path, each: int, told: Callable[[str], object] = lambda line: None, cards: tuple[str, ...] = ("a",)
) -> pytest.MonkeyPatch:
    """Give this process cards of so many slots, and have each slot told as it is taken and given back."""
    card, patch, train = Slots(cards, folder / "locks", each), pytest.MonkeyPatch(), work.train_rows

    @contextlib.contextmanager
    def slot_on(kind: torch.device, enough: Callable[[], bool] = lambda: False) -> Iterator[torch.device | None]:
        assert kind == CUDA
        outer = card.card is None
        with card.taken(enough) as taken:
            if outer and taken is not None:
                told(f"in {os.getpid()}")
            try:
                yield None if taken is None else torch.device("cpu")
            finally:
                if outer and taken is not None:
                    told(f"out {os.getpid()}")

    def train_rows(*arguments):
        assert card.card is not None
        return train(*arguments)

    patch.setattr(lab, "slot_on", slot_on)
    patch.setattr(slots, "slot_on", slot_on)
    patch.setattr(work, "train_rows", train_rows)
    patch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    return patch


def teller(folder: str) -> Callable[[str], None]:
    """Writes lines to the log of all processes."""

    def told(line: str) -> None:
        with (Path(folder) / "log").open("a") as out:
            out.write(f"{line}\n")

    return told


def compute(folder: str, each: int, asked: list[int]) -> None:
    """Plan all experiments, ask for some, and write down each slot that is taken and each training that ends."""
    told = teller(folder)
    faked(Path(folder), each, told)
    ours = Lab(Store(Path(folder) / "store"), CUDA, finished=lambda event: told(f"trained {event.key}"))
    ours.plan(("case", experiment, SEEDS) for experiment in EXPERIMENTS)
    for i in asked:
        ours.run(EXPERIMENTS[i], SEEDS)


def measure(folder: str, each: int, asked: list[int], killed: bool) -> None:
    """Train and measure experiments one by one, where all measures are heavy; or be killed in a measure."""
    told = teller(folder)
    faked(Path(folder), each, told)
    parts.HEAVY = 1
    if killed:
        provide_device(CUDA)
        with parts.measuring(1):
            told("held")
            time.sleep(300)
    ours = Lab(Store(Path(folder) / "store"), CUDA)
    for i in asked:
        outputs = ours.run(EXPERIMENTS[i], SEEDS).train_outputs()
        told(f"value {i} {outputs.square().mean().item().hex()}")


def started(code: str) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", f"{IMPORT}; {code}"]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def most_at_once(lines: list[str]) -> int:
    inside, most = 0, 0
    for line in lines:
        inside += {"in": 1, "out": -1}.get(line.split()[0], 0)
        most = max(most, inside)
    return most


def test_students_and_teachers_are_trained_once_each_and_one_at_a_time(tmp_path):
    """Three processes ask for students and for teachers in orders of their own."""
    orders = [7, 6, 5, 0, 4], [0, 4, 6, 7, 5], [6, 5, 4, 7, 0]
    ended(*[started(f"t.compute({str(tmp_path)!r}, 1, {order})") for order in orders])
    lines = (tmp_path / "log").read_text().splitlines()
    trained = Counter(line for line in lines if line.startswith("trained"))
    assert len(trained) == 2 * len(EXPERIMENTS)
    assert set(trained.values()) == {1}
    assert most_at_once(lines) == 1


def test_who_measures_what_is_heavy_takes_a_slot_too_and_that_of_a_killed_one_is_taken_over(tmp_path):
    """Two slots of one card; a process is killed in one of them, and three others share both from then on."""
    where, log = str(tmp_path), tmp_path / "log"
    holder = started(f"t.measure({where!r}, 2, [], True)")
    while not log.exists() or "held" not in log.read_text():
        assert holder.poll() is None, holder.communicate()
        time.sleep(0.05)
    with Slots(["a"], tmp_path / "locks", 2).taken(lambda: True) as first:
        assert first == 0
        with Slots(["a"], tmp_path / "locks", 2).taken(lambda: True) as second:
            assert second is None
    orders = [4, 0, 1, 2], [1, 4, 2, 0], [2, 1, 0, 4]
    others = [started(f"t.measure({where!r}, 2, {order}, False)") for order in orders]
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    ended(*others)
    lines = log.read_text().splitlines()
    of_others = [line for line in lines if line.split()[-1] != str(holder.pid) and line != "held"]
    assert most_at_once(of_others) <= 2
    slots_taken = Counter(line for line in of_others if line.startswith("in"))
    assert len(slots_taken) == 3
    assert min(slots_taken.values()) >= 4  # for each measure of its own, and for what it trains
    values = {line for line in lines if line.startswith("value")}
    on_cpu = Lab(Store(tmp_path / "other"), torch.device("cpu"))
    outputs = {i: on_cpu.run(EXPERIMENTS[i], SEEDS).train_outputs() for i in (0, 1, 2, 4)}
    assert values == {f"value {i} {value.square().mean().item().hex()}" for i, value in outputs.items()}


def test_keys_and_results_do_not_tell_which_card_has_trained(tmp_path):
    stored = []
    for busy in ((), ("a",)):
        folder = tmp_path / f"without-{len(busy)}"
        folder.mkdir()
        patch = faked(folder, 1, cards=("a", "b"))
        try:
            ours = Lab(Store(folder / "store"), CUDA)
            with contextlib.ExitStack() as held:
                for card in busy:
                    assert held.enter_context(Slots([card], folder / "locks", 1).taken(lambda: True)) == 0
                run = ours.run(EXPERIMENTS[4], 4)
            stored.append((sorted(ours.made), {name: value.tolist() for name, value in run.result.arrays.items()}))
        finally:
            patch.undo()
    assert stored[0] == stored[1]


def test_what_is_in_the_store_needs_no_slot_and_a_missing_one_waits(tmp_path):
    shown: list[str] = []
    other = Slots(["a"], tmp_path / "locks", 1)
    patch = faked(tmp_path, 1)
    try:
        ours = Lab(Store(tmp_path / "store"), CUDA, progress=lambda what, share: shown.append(what))
        first = ours.run(EXPERIMENTS[0], 4)
        with other.taken(lambda: True) as taken:
            assert taken == 0
            assert torch.equal(ours.run(EXPERIMENTS[0], 4).w, first.w)
            patch.setattr("time.sleep", lambda seconds: pytest.fail("it waits"))
            with pytest.raises(pytest.fail.Exception, match="it waits"):
                ours.run(EXPERIMENTS[1], 4)
        assert shown[-1] == "waiting for a GPU to train Linear on Points, GD"
        [note] = {entry.about["gpu"] for entry in ours.store.entries()}
        assert note == "a card"
    finally:
        patch.undo()


def test_who_waits_for_a_slot_holds_no_lock_and_goes_on_once_another_process_has_trained_it(tmp_path):
    train = work.train_rows
    patch = faked(tmp_path, 1)
    ours, holder = (Lab(Store(tmp_path / "store"), CUDA) for _ in range(2))

    def meanwhile(seconds: float) -> None:
        """The holder of the slot trains what is waited for."""
        if not holder._train_locked(holder.blocks(EXPERIMENTS[2], 4), torch.device("cpu")):
            pytest.fail("its locks are held")

    try:
        with Slots(["a"], tmp_path / "locks", 1).taken(lambda: True):
            patch.setattr("gen_core.training.slots.time.sleep", meanwhile)
            patch.setattr(work, "train_rows", train)
            assert ours.run(EXPERIMENTS[2], 4).w.isfinite().all()
        assert not ours.made
        assert len(holder.made) == 1
    finally:
        patch.undo()
