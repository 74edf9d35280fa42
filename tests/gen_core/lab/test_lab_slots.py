"""Labs of several processes on a card that is not there: what is a GPU to them computes on the CPU."""

import contextlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from gen_core.lab import Lab, Store, lab, work
from gen_core.training.slots import Slots
from tests.gen_core.lab.test_lab_processes import EXPERIMENTS, SEEDS, ended

ROOT = Path(__file__).parents[3]
CUDA = torch.device("cuda")
IMPORT = "import tests.gen_core.lab.test_lab_slots as t"


def faked(folder: Path, each: int, told: Callable[[str], object] = lambda line: None) -> pytest.MonkeyPatch:
    """Give this process one card of so many slots, and have its trainings told as they begin and end."""
    card, patch, train = Slots(["a"], folder / "locks", each), pytest.MonkeyPatch(), work.train_rows

    @contextlib.contextmanager
    def slot_on(kind: torch.device, enough: Callable[[], bool] = lambda: False) -> Iterator[torch.device | None]:
        assert kind == CUDA
        outer = card.card is None
        with card.taken(enough) as taken:
            if outer and taken is not None:
                told(f"in {os.getpid()}")
            yield None if taken is None else torch.device("cpu")
            if outer and taken is not None:
                told(f"out {os.getpid()}")

    def train_rows(*arguments):
        assert card.card == 0
        return train(*arguments)

    patch.setattr(lab, "slot_on", slot_on)
    patch.setattr(work, "train_rows", train_rows)
    patch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    return patch


def compute(folder: str, each: int, asked: list[int]) -> None:
    """Plan all experiments, ask for some, and write down each slot that is taken and each training that ends."""

    def told(line: str) -> None:
        with (Path(folder) / "log").open("a") as out:
            out.write(f"{line}\n")

    faked(Path(folder), each, told)
    ours = Lab(Store(Path(folder) / "store"), CUDA, finished=lambda event: told(f"trained {event.key}"))
    ours.plan(("case", experiment, SEEDS) for experiment in EXPERIMENTS)
    for i in asked:
        ours.run(EXPERIMENTS[i], SEEDS)


def test_students_and_teachers_are_trained_once_each_and_one_at_a_time(tmp_path):
    """Three processes ask for students and for teachers in orders of their own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    orders = [7, 6, 5, 0, 4], [0, 4, 6, 7, 5], [6, 5, 4, 7, 0]
    codes = [f"{IMPORT}; t.compute({str(tmp_path)!r}, 1, {order})" for order in orders]
    running = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True)
        for code in codes
    ]
    ended(*running)
    lines = (tmp_path / "log").read_text().splitlines()
    trained = Counter(line for line in lines if line.startswith("trained"))
    assert len(trained) == 2 * len(EXPERIMENTS)
    assert set(trained.values()) == {1}
    inside = 0
    for line in lines:
        inside += {"in": 1, "out": -1}.get(line.split()[0], 0)
        assert inside <= 1


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
        if not holder._train_locked([EXPERIMENTS[2]], 4, torch.device("cpu")):
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
