"""On a GPU a training ends where it ends on the CPU, for every model, rule, loss, stop and dtype; twice, to the bit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import GD, MLP, Experiment
from gen_core.lab import Lab, Store
from gen_core.training.result import TrainingResult
from gen_core.training.trainer import train_rows
from tests.trainings import CASES, NET, Points

SEEDS = (0, 1, 2)
CPU = torch.device("cpu")
WITHIN = {"float64": 1e-8, "float32": 2e-3}
"""Of the way that a parameter has moved: rounding, grown over some steps."""


@dataclass(frozen=True)
class Faulty(MLP):
    """A model with a fault of its author's."""

    def forward(self, params, X):
        raise ValueError("a fault of mine")


def trained(experiment: Experiment, device: torch.device) -> TrainingResult:
    [(_, result)] = train_rows([(experiment, seed) for seed in SEEDS], device)
    return result


@pytest.mark.parametrize("dtype", WITHIN)
@pytest.mark.parametrize("name", CASES)
def test_a_training_ends_where_it_ends_on_the_cpu(name, dtype):
    if name == "sparse" and dtype == "float32":
        pytest.skip("SparseLinear is float64 alone")
    experiment = CASES[name]
    first = {"after": replace(experiment.after, dtype=dtype)} if experiment.after else {}
    experiment = replace(experiment, dtype=dtype, **first)
    on_cpu, on_gpu = trained(experiment, CPU), trained(experiment, torch.device("cuda"))
    assert on_gpu.stopped_by == on_cpu.stopped_by
    assert set(on_gpu.arrays) == set(on_cpu.arrays)
    for array, expected in on_cpu.arrays.items():
        found = on_gpu.arrays[array]
        assert (found.device, found.dtype, found.shape) == (CPU, expected.dtype, expected.shape), array
        if array.startswith("drawn") or (not expected.is_floating_point() and "classes" not in array):
            assert torch.equal(found, expected), array
        elif expected.is_floating_point() and not experiment.may_diverge:  # where numbers overflow, rounding decides
            size = expected.nan_to_num(0.0, 0.0, 0.0).abs().max().clamp(min=1e-3)
            torch.testing.assert_close(found / size, expected / size, rtol=0, atol=WITHIN[dtype], equal_nan=True)


@pytest.mark.parametrize("name", CASES)
def test_and_twice_it_is_the_same_to_the_bit(name):
    first, second = (trained(replace(CASES[name]), torch.device("cuda")) for _ in range(2))
    for array, expected in first.arrays.items():
        torch.testing.assert_close(second.arrays[array], expected, rtol=0, atol=0, equal_nan=True)


def test_what_does_not_fit_is_halved_and_ends_the_same(monkeypatch):
    budget = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(0.02)
    try:
        n = int(0.02 * budget / 8 / (2 * 64 * 64) / 3)  # of two rows, one fits
        big = replace(NET, data=Points((2, 64, 64), n=n, n_test=0), model=MLP((4,)), rule=GD(0.1), steps=2)
        batches = [len(rows) for rows, _ in train_rows([(big, seed) for seed in range(4)], torch.device("cuda"))]
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert sum(batches) == 4
    assert len(batches) > 1


def test_a_failed_training_lets_go_of_what_it_held(tmp_path):
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    lab = Lab(Store(tmp_path), torch.device("cuda"))
    for n in (40_000, 50_000):
        with pytest.raises(ValueError, match="of mine"):
            lab.run(replace(NET, data=Points(n=n, n_test=0), model=Faulty((8,))), 2)
    assert len(lab.failures) == 2
    # What is kept for all trainings of a size, as the places of the sampled entries, takes some kilobytes.
    assert torch.cuda.memory_allocated() - before < 2**20
