"""Several processes on one store: nothing is trained twice, nothing is waited for without end, kills do no harm."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from gen_core import GD, MLP, SGD, Data, Experiment, LabelledBy, Linear, Logistic, Square
from gen_core.lab import Lab, Store
from gen_core.training import trainer

ROOT = Path(__file__).parents[3]
CPU = torch.device("cpu")
SEEDS = 8


@dataclass(frozen=True)
class Points:
    n: int = 40
    inputs: tuple[int, ...] = (10,)

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n, *self.inputs, generator=generator)
        return Data(X, X[:, 0].sign())


LINEAR = Experiment(data=Points(), model=Linear(), rule=GD(0.1), loss=Square(), steps=4000)
NET = replace(LINEAR, model=MLP(hidden=(8,)), rule=SGD(0.1, 8), loss=Logistic(), steps=2000)
EXPERIMENTS = [replace(LINEAR, rule=GD(rate)) for rate in (0.02, 0.05, 0.1, 0.2)] + [NET]
EXPERIMENTS += [replace(LINEAR, data=LabelledBy(Points(), teacher), steps=900) for teacher in (EXPERIMENTS[0], NET)]
EXPERIMENTS += [replace(NET, data=LabelledBy(Points(), EXPERIMENTS[5]), steps=500)]


def work(root, log, planned, asked, *, kill_after=0):
    """Plan some experiments, ask for some, and write down every training that ends."""

    def finished(event):
        with Path(log).open("a") as out:
            out.write(json.dumps({"key": event.key, "pid": os.getpid()}) + "\n")
        if kill_after and len(Path(log).read_text().splitlines()) == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    lab = Lab(Store(Path(root)), CPU, finished=finished)
    lab.plan(("case", EXPERIMENTS[i], SEEDS) for i in planned)
    for i in asked:
        lab.run(EXPERIMENTS[i], SEEDS)


def process(tmp_path, *arguments, **options):
    where = str(tmp_path / "store"), str(tmp_path / "log")
    code = f"import test_lab_processes as t; t.work(*{where!r}, *{arguments!r}, **{options!r})"
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{Path(__file__).parent}", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True)


def ended(*processes):
    for one in processes:
        _, said = one.communicate(timeout=900)
        assert one.returncode == 0, said


def trainings(tmp_path):
    return [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (([0, 1, 2, 4], [0, 1, 4]), ([0, 1, 2, 4], [0, 2, 4])),
        (([0, 1, 2], [0, 1, 2]), ([3, 2, 1, 4], [1, 4, 3])),
    ],
    ids=["the same group", "groups that overlap"],
)
def test_two_processes_train_each_key_once(tmp_path, first, second):
    ended(process(tmp_path, *first), process(tmp_path, *second))
    counts = Counter(training["key"] for training in trainings(tmp_path))
    assert set(counts.values()) == {1}
    assert len(counts) == 2 * len({*first[0], *second[0]})


def test_processes_wait_for_teachers_and_never_for_each_other(tmp_path):
    every = list(range(8))
    orders = [7, 6, 5, 0, 4], [0, 4, 6, 7, 5], [6, 5, 4, 7, 0]
    ended(*(process(tmp_path, every, order) for order in orders))
    counts = Counter(training["key"] for training in trainings(tmp_path))
    assert set(counts.values()) == {1}
    assert len(counts) == 2 * len(every)


def test_a_killed_run_resumes_with_what_is_missing(tmp_path, monkeypatch):
    one = process(tmp_path, [0, 1, 2], [0], kill_after=3)
    assert one.wait(timeout=900) == -signal.SIGKILL
    one.stderr.close()
    kept = [training["key"] for training in trainings(tmp_path)]
    assert len(kept) == 3

    asked: list[int] = []
    rows = trainer.Batch
    monkeypatch.setattr(trainer, "Batch", lambda batch, *given: asked.append(len(batch)) or rows(batch, *given))
    work(tmp_path / "store", tmp_path / "log", [0, 1, 2], [2, 1, 0])
    counts = Counter(training["key"] for training in trainings(tmp_path))
    assert len(counts) == 6
    assert set(counts.values()) == {1}
    assert asked == [3 * SEEDS - 3 * 4]
