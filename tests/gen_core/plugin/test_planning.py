"""The table of `--plan`, against arithmetic by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import GD, MLP, SGD, ConvNet, CrossEntropy, Data, Every, Experiment, Linear, Logistic, Momentum, Stop
from gen_core.lab import Lab, Store
from gen_core.plugin import planning
from gen_core.plugin.planning import Estimate, plan_lines
from gen_core.training.cost import cost


@dataclass(frozen=True)
class Noise:
    n: int
    inputs: tuple[int, ...]
    n_test: int = 0

    def draw(self, generator: torch.Generator) -> Data:
        raise AssertionError("a plan draws nothing")


LINEAR = Experiment(
    data=Noise(50, (200,)), model=Linear(), rule=GD(0.1), loss=Logistic(), steps=300, checkpoints=Every(300)
)
DENSE = replace(
    LINEAR, data=Noise(1000, (100,)), model=MLP(hidden=(256,)), rule=SGD(0.1, batch=32), steps=2_000, dtype="float64"
)
CONV = replace(
    LINEAR,
    data=Noise(50_000, (3, 32, 32)),
    model=ConvNet(channels=(64, 64), kernel=5, hidden=(), outputs=10, bias=False),
    rule=Momentum(0.01, batch=100),
    loss=CrossEntropy(),
    steps=100_000,
    stop=Stop(loss=0.01, every=500),
    checkpoints=Every(100_000),
)

# Forward, gradients of inputs and of weights: three times the weights' work for each point of each step; then one look.
LINEAR_WORK = 3 * 300 * 50 * 200 + 50 * 200
DENSE_WORK = (3 * 2_000 * 32 + 1_000) * (100 * 256 + 256)
# 64 filters of 3 x 5 x 5 at 16 x 16 places, 64 of 64 x 5 x 5 at 8 x 8, ten sums; looks at 0, 500, ..., 100 000.
CONV_WORK = (3 * 100_000 * 100 + 201 * 50_000) * (64 * 75 * 256 + 64 * 1_600 * 64 + 4_096 * 10)
# The points; weights with a gradient; momentum; the activations of a batch; those of a look at 1024 points at a time.
LINEAR_BYTES = 4 * (50 * 200 + 2 * 200)
DENSE_BYTES = 8 * (1_000 * 100 + 2 * (100 * 256 + 256 + 257) + 32 * 257 + 1_000 * 257)
CONV_BYTES = 4 * (50_000 * 3_072 + 3 * 148_160 + (100 + 1_024) * (64 * 256 + 64 * 64 + 10))


def planned(tmp_path, *wanted):
    lab = Lab(Store(tmp_path), torch.device("cpu"))
    lab.plan((f"case {at}", experiment, seeds) for at, (experiment, seeds) in enumerate(wanted))
    return lab


@pytest.mark.parametrize(
    ("experiment", "work", "memory"),
    [(LINEAR, LINEAR_WORK, LINEAR_BYTES), (DENSE, DENSE_WORK, DENSE_BYTES), (CONV, CONV_WORK, CONV_BYTES)],
    ids=["linear", "dense", "conv"],
)
def test_estimates_agree_with_arithmetic_by_hand(experiment, work, memory):
    other = replace(experiment, rule=replace(experiment.rule, rate=0.2))
    found = Estimate([(experiment, 8), (other, 17)], "cpu", 2**30)
    assert found.number == 25
    assert found.operations == pytest.approx(25 * work, rel=1e-3)  # but for passes of one layer's bias
    assert memory <= found.row <= 2.5 * memory


def test_batches_fill_the_budget_and_hold_one_row_at_least():
    row = cost(DENSE).memory
    for budget, batches in ((9 * row, 1), (4 * row, 3), (row, 9), (row - 1, 9)):
        assert Estimate([(DENSE, 9)], "cpu", budget).batches == batches
    nothing = Estimate([], "cpu", 2**30)
    assert (nothing.number, nothing.batches, nothing.row, nothing.seconds) == (0, 0, 0, 0.0)


def test_the_table_has_a_line_a_group_longest_first(tmp_path):
    lab = planned(tmp_path, (LINEAR, 8), (DENSE, 8), (CONV, 17), (replace(CONV, rule=Momentum(0.02, batch=100)), 17))
    head, names, *groups, total, fitting = plan_lines(lab)
    assert head == "plan: 4 experiments in 4 groups, longest first"
    assert " ".join(names.split()) == "GROUP ROWS STEPS MULTIPLY-ADDS A ROW BATCHES TIME ON H100: BATCHES TIME WHAT"
    found = [re.split(r" {2,}", line.strip()) for line in groups]
    assert [each[:4] for each in found] == [
        ["1", "17", "100000", f"{17 * CONV_WORK:.1e}"],
        ["2", "17", "100000", f"{17 * CONV_WORK:.1e}"],
        ["3", "8", "2000", f"{8 * DENSE_WORK:.1e}"],
        ["4", "8", "300", f"{8 * LINEAR_WORK:.1e}"],
    ]
    assert [each[-1] for each in found] == [
        *["ConvNet on Noise, Momentum: n=50000 of 3x32x32, 148160 parameters, batches of 100, float32; 1 x 17 seeds"]
        * 2,
        "MLP on Noise, SGD: n=1000 of 100, 26113 parameters, batches of 32, float64; 1 x 8 seeds",
        "Linear on Noise, GD: n=50 of 200, 200 parameters, all points a step, float32; 1 x 8 seeds",
    ]
    assert found[0][5] == "17"  # of a GiB each
    assert found[0][7] in {"1", "2", "3"}  # of 20 GiB
    work = 34 * CONV_WORK + 8 * DENSE_WORK + 8 * LINEAR_WORK
    assert total.startswith(f"in all {work:.1e} multiply-adds: about ")
    assert "on one process of this cpu" in total
    assert "on an H100 (estimates are orders of magnitude" in total
    assert fitting.startswith("a row of every group fits into this machine's memory")
    assert not any("case" in line for line in (head, *groups, total, fitting))


def test_what_does_not_fit_into_the_machine_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "machine_memory", lambda device: 2**29)
    line = plan_lines(planned(tmp_path, (LINEAR, 8), (CONV, 8)))[-1]
    assert re.fullmatch(
        r"a row of groups 1 \([\d.]+ [MG]iB\) does not fit into this machine's memory, 512\.0 MiB", line
    )
