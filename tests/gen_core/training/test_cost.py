import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from gen_core import (
    GD,
    MLP,
    SGD,
    ConvNet,
    CrossEntropy,
    Data,
    Every,
    Experiment,
    LiLiang,
    Linear,
    Logistic,
    Momentum,
    Newton,
    SparseLinear,
    Square,
    Stop,
)
from gen_core.training.cost import CPU_STEP, cost, group_seconds

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Noise:
    n: int = 1000
    inputs: tuple[int, ...] = (196,)
    n_test: int = 0

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n, *self.inputs, generator=generator)
        return Data(X, X.flatten(1)[:, 0].sign())


DENSE = Experiment(data=Noise(), model=MLP(), rule=SGD(0.01, 32), loss=Logistic(), steps=1000)
LINEAR = Experiment(data=Noise(50, (200,)), model=Linear(), rule=GD(1e-3), loss=Square(), steps=1000, dtype="float64")
CONV = replace(DENSE, data=Noise(1000, (1, 14, 14)), model=ConvNet(channels=(8, 16), hidden=(32,)))


@pytest.mark.parametrize(
    ("experiment", "operations"),
    [
        # forward, gradients of inputs and of weights, for each point of each batch; the first layer needs no gradient
        # of its inputs, which the estimate leaves in
        (LINEAR, 2 * 50 * 200 * 1000),
        (DENSE, 32 * 1000 * (2 * 196 * 128 + 3 * 128 * 128 + 3 * 128)),
        (CONV, 32 * 1000 * (2 * 49 * 9 * 8 + 3 * 16 * 72 * 16 + 3 * 256 * 32 + 3 * 32)),
        (replace(LINEAR, rule=Newton(), steps=20), 20 * (50 * 200 * 200 + 200**3 // 3)),
    ],
    ids=["linear", "dense", "conv", "newton"],
)
def test_operations_are_within_a_factor_of_2_of_a_count_by_hand(experiment, operations):
    assert operations / 2 <= cost(experiment).operations <= 2 * operations


def test_evaluations_and_watched_arrays_count():
    watched = replace(DENSE, checkpoints=Every(10), watch=("train_loss",))
    assert cost(watched).operations - cost(DENSE).operations == pytest.approx(100 * 1000 * cost_of_a_point(), rel=1e-6)
    looked = replace(DENSE, stop=Stop(loss=0.1, every=10), checkpoints=Every(1000))
    assert cost(looked).operations == pytest.approx(cost(watched).operations, rel=1e-6)


def cost_of_a_point():
    return DENSE.model.size((196,)).multiply_adds


CIFAR = Noise(50_000, (3, 32, 32), 10_000)
FILTERS = ConvNet(channels=(64, 64), kernel=5, hidden=(), outputs=10, bias=False)
BY_SCALE = Experiment(
    data=CIFAR,
    model=FILTERS,
    rule=Momentum(0.01, batch=100),
    loss=CrossEntropy(),
    steps=100_000,
    stop=Stop(loss=0.01, every=500),
)
COORDINATES = replace(
    LINEAR,
    data=Noise(6400, (2,)),
    model=SparseLinear(6400),
    rule=SGD(0.1, 1),
    steps=256_000,
    checkpoints=Every(256_000),
)
SECOND_ORDER = replace(LINEAR, data=Noise(10_000, (3, 32, 32)), rule=Newton(), loss=Logistic(), steps=30)


@pytest.mark.parametrize(
    ("experiment", "seeds", "by_hand"),
    [
        # 200 networks of 64 and 64 filters: (64 x 75 x 16^2 + 64 x 1600 x 8^2 + 10 x 4096) multiply-adds a point, three
        # times for each of a batch, at 3e12 a second; and 200 evaluations of 50 000 points
        (BY_SCALE, 200, 200 * (3 * 100 * 100_000 + 200 * 50_000) * 7.8e6 / 3e12),
        # by a graph, 20 kernels of 2 us a step, and what starts it
        (replace(DENSE, steps=20_000), 32, 20_000 * (23 * 2e-6 + 2 * 3e-5)),
        # 20 kernels a step, whatever the number of networks
        (COORDINATES, 8, 256_000 * 20 * 3e-5),
        (COORDINATES, 192, 256_000 * 20 * 3e-5),
        # Hessians of 10 000 points in 3072 dimensions and their factors, in float64
        (SECOND_ORDER, 16, 16 * 30 * (10_000 * 3072**2 + 3072**3 / 3) / 7e12),
    ],
    ids=["convolutions", "a graph", "launches of 8", "launches of 192", "float64"],
)
def test_seconds_on_a_gpu_are_within_a_factor_of_2_of_a_count_by_hand(experiment, seeds, by_hand):
    assert by_hand / 2 <= group_seconds([(experiment, seeds)], "cuda") <= 2 * by_hand


@pytest.mark.parametrize(
    ("experiment", "seeds", "measured"),
    [
        (BY_SCALE, 25, 10.5e-3),
        (replace(DENSE, data=Noise(60_000, (784,)), model=LiLiang(16_000, 10), rule=SGD(0.1, 64)), 25, 3.33e-3),
        (replace(DENSE, data=Noise(60_000, (784,)), model=LiLiang(8_000, 10), rule=SGD(0.1, 64)), 25, 1.85e-3),
        (replace(COORDINATES, rule=SGD(0.1, 1, weight_decay=1e-9)), 25, 1.10e-3),  # the decay is one kernel more
        (replace(SECOND_ORDER, data=Noise(60_000, (784,))), 8, 36e-3),
        (replace(DENSE, data=Noise(512, (100,)), model=MLP((256,)), rule=SGD(0.01, 64)), 32, 0.15e-3),
        (replace(DENSE, data=Noise(512, (100,)), model=Linear(), rule=SGD(0.01, 64)), 32, 0.12e-3),
    ],
    ids=["convolutions", "16000 units", "8000 units", "autograd", "newton", "a small graph", "the smallest"],
)
def test_seconds_of_a_step_are_within_a_factor_of_3_of_those_on_an_h100(experiment, seeds, measured):
    alone = replace(experiment, stop=Stop(), checkpoints=Every(10**6))
    one, two = (group_seconds([(replace(alone, steps=steps), seeds)], "cuda") for steps in (10**6, 2 * 10**6))
    assert measured / 3 <= (two - one) / 10**6 <= 3 * measured


def test_a_group_that_takes_two_batches_launches_twice_as_often():
    once, twice = (group_seconds([(replace(BY_SCALE, steps=1), seeds)], "cuda") for seeds in (1, 30))
    assert 1.5 * once < twice
    small = replace(DENSE, steps=10_000)
    assert group_seconds([(small, 1)], "cuda") == group_seconds([(small, 40)], "cuda")
    assert group_seconds([], "cuda") == group_seconds([], "cpu") == 0


def test_what_a_step_takes_beside_its_arithmetic_is_shared_by_the_rows_of_a_batch():
    one, many = (group_seconds([(replace(DENSE, steps=10_000), seeds)], "cpu") for seeds in (1, 40))
    shared = 10_000 * CPU_STEP
    assert many - shared == pytest.approx(40 * (one - shared))
    alone, together = (group_seconds([(COORDINATES, 8)] * number, "cpu") for number in (1, 16))
    assert together < 1.5 * alone


MEMORY = """
import torch
from dataclasses import replace
from tests.gen_core.training.test_cost import DENSE, Noise
from gen_core.training.cost import cost
from gen_core.training.draws import sample_data
from gen_core.training.trainer import train_rows as train
cpu = torch.device("cpu")
def peak():  # of this process alone: ru_maxrss would begin at its parent's
    [line] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
    return 1024 * int(line.split()[1])
big = replace(DENSE, data=Noise(4096), steps=3)
list(train([(replace(DENSE, data=Noise(64), steps=1), 0)], cpu))
for seed in range(8):
    sample_data(big, seed)  # where draws are kept is no part of a batch
before = peak()
[(rows, trained)] = train([(big, seed) for seed in range(8)], cpu)
print((peak() - before) / 8, cost(big).memory)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_within_a_factor_of_2_of_what_the_process_takes():
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{Path(__file__).parent}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    measured, estimated = map(float, done.stdout.split())
    assert measured / 2 <= estimated <= 2 * measured
