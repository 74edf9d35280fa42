import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from gen_core import GD, MLP, SGD, ConvNet, Data, Every, Experiment, Linear, Logistic, Newton, Square, Stop
from gen_core.training.cost import cost

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


def test_activations_of_convolutions_count_at_every_place():
    # of 8 images of 7 x 7 and 16 of 4 x 4, 32 units and one output, 4 numbers for each point of a batch
    layers = 8 * 49 + 16 * 16 + 32 + 1
    parameters = CONV.model.size((1, 14, 14)).parameters
    data, batches = 2 * 196 * 1000, 2 * 32 * 196
    evaluated = 2 * layers * 1000
    assert cost(CONV).memory == 4 * (data + 6 * parameters + 4 * 32 * layers + batches + evaluated)


def test_evaluations_and_watched_arrays_count():
    watched = replace(DENSE, checkpoints=Every(10), watch=("train_loss",))
    assert cost(watched).operations - cost(DENSE).operations == pytest.approx(100 * 1000 * cost_of_a_point(), rel=1e-6)
    looked = replace(DENSE, stop=Stop(loss=0.1, every=10), checkpoints=Every(1000))
    assert cost(looked).operations == pytest.approx(cost(watched).operations, rel=1e-6)
    weights = replace(DENSE, checkpoints=Every(10), watch=("weights",))
    assert cost(weights).memory - cost(DENSE).memory == 101 * 4 * DENSE.model.size((196,)).parameters
    assert cost(replace(DENSE, dtype="float64")).memory == 2 * cost(DENSE).memory


def cost_of_a_point():
    return DENSE.model.size((196,)).multiply_adds


MEMORY = """
import torch
from dataclasses import replace
from tests.gen_core.training.test_cost import DENSE, Noise
from gen_core.training.cost import cost
from gen_core.training.trainer import train_rows as train
cpu = torch.device("cpu")
def peak():  # of this process alone: ru_maxrss would begin at its parent's
    [line] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
    return 1024 * int(line.split()[1])
big = replace(DENSE, data=Noise(4096), steps=3)
list(train([(replace(DENSE, data=Noise(64), steps=1), 0)], cpu))
before = peak()
[(rows, trained)] = train([(big, seed) for seed in range(8)], cpu)
print((peak() - before) / 8, cost(big).memory)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_at_least_half_of_the_measured_peak():
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{Path(__file__).parent}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    measured, estimated = map(float, done.stdout.split())
    assert measured / 2 <= estimated <= 8 * measured
