"""The parts of a plan, and processes that train them all together, killed ones among them."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, strategies

from gen_core import GD, MLP, Experiment
from gen_core.lab import Lab, Plan, Store, fill, first_place, plan
from gen_core.training.cost import group_seconds
from tests.gen_core.lab.test_lab_processes import CPU, EXPERIMENTS, LINEAR, ROOT, SEEDS

LARGE = replace(LINEAR, model=MLP((1000,)))
MANY = [*EXPERIMENTS, *(replace(LINEAR, rule=GD(0.3 + i / 100)) for i in range(8))]


def seconds_of(experiments):
    return group_seconds([(each, SEEDS) for each in experiments], "cpu")


def plan_of(experiments):
    return Plan.of([("case", each, SEEDS) for each in experiments], "cpu")


@given(
    strategies.lists(strategies.integers(1, 10), min_size=1, max_size=12),
    strategies.integers(1, 100),
    strategies.sampled_from([0.0, 0.01, 0.1, 8.0]),
)
def test_a_plan_is_cut_into_parts_that_are_whole_and_small_enough(steps, number, shortest):
    experiments = [replace(LINEAR, rule=GD(0.1 + i / 100), steps=1000 * each) for i, each in enumerate(steps)]
    before = plan.PARTS, plan.SHORTEST
    plan.PARTS, plan.SHORTEST = number, {"cpu": shortest}
    try:
        parts = plan_of(experiments).parts
    finally:
        plan.PARTS, plan.SHORTEST = before
    groups: dict[str, list[Experiment]] = {}
    for each in experiments:
        groups.setdefault(each.batch_key(), []).append(each)
    total = sum(map(seconds_of, groups.values()))
    assert sorted(e.key for members, _ in parts for e in members) == sorted(e.key for e in experiments)
    together = [seconds_of(members) for members, _ in parts]
    assert together == sorted(together, reverse=True)
    for members, seeds in parts:
        assert seeds == SEEDS
        halves = [half for half in (members[: len(members) // 2], members[len(members) // 2 :]) if half]
        dearer = sum(map(seconds_of, halves)) > plan.DEARER * seconds_of(members)
        assert len(members) == 1 or dearer or seconds_of(members) <= max(shortest, total / number) * (1 + 1e-9)
        assert len({e.batch_key() for e in members}) == 1
    if total < shortest:
        assert len(parts) == len(groups)


@given(strategies.permutations(range(8)))
def test_parts_do_not_depend_on_the_order_of_the_cases(order):
    experiments = [replace(LARGE, rule=GD(0.1 + i / 100), steps=1000 * (1 + i // 4)) for i in range(8)]
    before = plan.PARTS, plan.SHORTEST
    plan.PARTS, plan.SHORTEST = 5, {"cpu": 0.0}
    try:
        parts, others = (plan_of(each).parts for each in (experiments, [experiments[i] for i in order]))
    finally:
        plan.PARTS, plan.SHORTEST = before
    assert parts == others
    assert len(parts) > 2


@pytest.mark.parametrize(("device", "steps"), [("cuda", 200_000), ("cuda", 10**8), ("cpu", 10**6)])
def test_what_rows_share_is_not_taken_again_by_parts(device, steps):
    many = [replace(LINEAR, rule=GD(0.1 + i / 1000), steps=steps) for i in range(40)]
    alone, together = (group_seconds([(each, SEEDS) for each in group], device) for group in (many[:1], many))
    assert max(together, plan.SHORTEST[device]) < len(many) * alone
    assert [len(members) for members, _ in Plan.of([("a", each, SEEDS) for each in many], device).parts] == [40]


def test_what_takes_its_arithmetic_is_cut():
    many = [replace(LARGE, rule=GD(0.1 + i / 1000), steps=50_000) for i in range(40)]
    assert seconds_of(many[:1]) > 2 * plan.SHORTEST["cpu"]
    parts = Plan.of([("a", each, SEEDS) for each in many], "cpu").parts
    assert [len(members) for members, _ in parts] == [1] * 40


def test_a_task_of_an_array_begins_at_its_own_part():
    assert first_place({"SLURM_ARRAY_TASK_ID": "3"}) == 3
    assert first_place({"JOB_COMPLETION_INDEX": "5"}) == 5
    assert first_place({"SLURM_ARRAY_TASK_ID": "4294967294", "JOB_COMPLETION_INDEX": ""}) == 4294967294
    assert first_place({}) == 0

    class Asked:
        def __init__(self):
            self.order, self.device = [], torch.device("cpu")

        def lacks(self, experiments, seeds):
            return experiments not in self.order

        def train_if_free(self, experiments, seeds):
            self.order.append(experiments)
            return True

    parts = [([name], 8) for name in "abc"]
    for place, order in {0: "abc", 2: "cab", 4294967294: "cab"}.items():
        asked = Asked()
        fill(asked, parts, place)  # type: ignore[arg-type]
        assert "".join(each for (each,) in asked.order) == order


def filled(root, log, kind):
    """Train what the store lacks, and write down every training that ends."""

    def finished(event):
        with Path(log).open("a") as out:
            out.write(f"{event.key}\n")

    lab = Lab(Store(Path(root), kind), CPU, finished=finished)
    lab.plan(("case", each, SEEDS) for each in MANY)
    fill(lab, lab.planned.parts, first_place(os.environ))
    assert not lab.failures


def process(tmp_path, kind, place):
    code = f"import test_filling as t; t.filled({str(tmp_path / 'store')!r}, {str(tmp_path / 'log')!r}, {kind!r})"
    path = f"{ROOT}{os.pathsep}{Path(__file__).parent}"
    threads = str(torch.get_num_threads())  # which the keys tell
    environment = os.environ | {"PYTHONPATH": path, "SLURM_ARRAY_TASK_ID": str(place), "OMP_NUM_THREADS": threads}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("kind", ["system", "lease"])
def test_six_processes_of_which_three_are_killed_train_everything_once(tmp_path, kind, made):
    log, chance = tmp_path / "log", random.Random(kind)
    processes = [process(tmp_path, kind, place) for place in range(6)]
    while not log.exists():
        assert any(one.poll() is None for one in processes)
        time.sleep(0.01)
    for one in processes[:3]:
        time.sleep(chance.random() / 4)
        one.send_signal(signal.SIGKILL)
    for one in processes:
        _, said = one.communicate(timeout=900)
        assert one.returncode == 0 or one in processes[:3], said
    lab = Lab(Store(tmp_path / "store"), CPU)
    keys = [key for each in MANY for key in lab.keys(each, SEEDS)]
    counts = Counter(log.read_text().split())  # a process may be killed after it saved and before it wrote so
    assert set(counts.values()) == {1}
    assert len(keys) - 3 <= len(counts) <= len(keys)
    for key in keys:
        mine, other = lab.store.load(key), made.store.load(key)
        assert mine is not None
        assert other is not None
        assert mine.stopped_by == other.stopped_by
        assert mine.arrays.keys() == other.arrays.keys()
        assert all(torch.equal(array, other.arrays[name]) for name, array in mine.arrays.items())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The lab of one process that has trained the same, group by group."""
    lab = Lab(Store(tmp_path_factory.mktemp("made")), CPU)
    lab.plan(("case", each, SEEDS) for each in MANY)
    for each in MANY:
        lab.run(each, SEEDS)
    return lab


def test_what_fails_is_left_and_told_and_what_can_be_trained_is_trained(tmp_path):
    wrong = replace(LINEAR, rule=GD(1e9))
    lab = Lab(Store(tmp_path / "store"), CPU)
    lab.plan(("case", each, SEEDS) for each in (*EXPERIMENTS[:2], wrong))
    refused = RuntimeError("no")
    lab.failures[wrong.key] = refused
    fill(lab, lab.planned.parts)
    assert lab.failures == {wrong.key: refused}
    assert not lab.lacks(EXPERIMENTS[:2], SEEDS)
    assert not lab.store.has(lab.keys(wrong, SEEDS)[0])
