"""Measures on another device than the CPU: on torch's meta device, which computes shapes alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from gen_core import GD, SGD, ConvNet, CrossEntropy, Experiment, Logistic, Run, Square, TwoLayer
from gen_core.data.designs import Design
from gen_core.data.digits import Digits
from gen_core.measures import (
    first_layer_kernel,
    homogeneity_gap,
    joint_table,
    kernel_gap,
    kernels,
    pattern_change,
    rank_correlation,
    resamples,
    share_retained,
    spectral_norm,
)
from gen_core.measures.linear_phase import LinearPhase
from gen_core.training import parts, slots
from gen_core.training.parts import measuring_on
from gen_core.training.trainer import train_rows

META = torch.device("meta")


CONV = Experiment(
    data=Digits(n=60, n_test=40, task="ten_classes", flat=False),
    model=ConvNet((4, 6), hidden=(), outputs=10, bias=False),
    rule=SGD(0.05, 10),
    loss=CrossEntropy(),
    steps=1,
)
TWO_LAYERS = replace(CONV, data=Digits(n=60), model=TwoLayer(10, "relu"), loss=Logistic())
KERNEL = Experiment(data=Design(n=61, d=13), model=TwoLayer(40, "relu"), rule=GD(0.1), loss=Square(), steps=1)


def run_of(experiment: Experiment) -> Run:
    [(_, trained)] = train_rows([(experiment, seed) for seed in range(3)], torch.device("cpu"))
    return Run(experiment, (0, 1, 2), trained)


@pytest.fixture
def came_back(monkeypatch) -> list[tuple[int, ...]]:
    """Shapes of the tensors that came from torch's meta device to the CPU, each full of ones: there are no values."""
    given, real = [], torch.Tensor.cpu

    def cpu(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.device != META:
            return real(tensor)
        given.append(tuple(tensor.shape))
        return torch.ones(tensor.shape, dtype=tensor.dtype)

    monkeypatch.setattr(torch.Tensor, "cpu", cpu)
    monkeypatch.setattr(parts, "memory_budget", lambda _: 2**30)
    return given


MEASURED = {
    "training outputs": (CONV, Run.train_outputs, [(3, 60, 10)]),
    "test outputs": (CONV, Run.test_outputs, [(3, 40, 10)]),
    "outputs": (CONV, lambda run: run.outputs(run.X), [(3, 60, 10)]),
    "homogeneity": (CONV, homogeneity_gap, [(3, 40, 2, 10)]),
    "patterns": (TWO_LAYERS, pattern_change, [(1,)] * 3),
    "kernels": (KERNEL, kernel_gap, [(61, 61)] * 3),
}


@pytest.mark.parametrize("name", MEASURED)
def test_a_measure_of_a_run_is_computed_where_it_is_said(name, came_back):
    experiment, measure, expected = MEASURED[name]
    run = run_of(experiment)
    with measuring_on(META):
        measure(run)
    assert came_back == expected
    measure(run)
    assert came_back == expected


PAIRS = {"kernels": 61**2 * (40 + 1 + 13)}
"""Multiply-adds of a seed for measures that go over pairs of points."""


@pytest.mark.parametrize("name", MEASURED)
def test_what_is_heavy_is_measured_in_a_slot_and_all_else_on_the_cpu(name, came_back, monkeypatch):
    experiment, measure, expected = MEASURED[name]
    run, inside = run_of(experiment), []

    @contextlib.contextmanager
    def slot_on(kind: torch.device) -> Iterator[torch.device]:
        assert kind == torch.device("cuda")
        inside.append("in")
        yield META
        inside.append("out")

    monkeypatch.setattr(slots, "slot_on", slot_on)
    slots.provide_device(torch.device("cuda"))
    try:
        size = experiment.parts.model.size(experiment.data.inputs)
        least, most = 20 * size.multiply_adds, 200 * size.parameters * 61
        monkeypatch.setattr(parts, "HEAVY", PAIRS.get(name, most) + 1)
        kernels._gap.cache_clear()
        measure(run)
        assert came_back == inside == []
        monkeypatch.setattr(parts, "HEAVY", PAIRS.get(name, least))
        kernels._gap.cache_clear()
        measure(run)
    finally:
        slots.provide_device(torch.device("cpu"))
        kernels._gap.cache_clear()
    assert came_back == expected
    assert inside == ["in", "out"] * (3 if name in PAIRS else 1)


def test_functions_of_tensors_stay_on_their_device(came_back):
    def there(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
        return torch.empty(shape, dtype=dtype, device=META)

    phase = LinearPhase((0, 1, 2), there(4, 3, 2, 2, 2))
    known = {"information": there(4, 3), "correlation": there(4, 3), "linear": there(4)}
    vars(phase).update(known, T0=there(4, dtype=torch.int64))
    points = [there(4, 50, dtype=torch.bool) for _ in range(3)]
    found = [
        phase.least_share(),
        share_retained(phase),
        joint_table(*points, resamples(50)),
        rank_correlation(there(5, 4), there(5, 4)),
        first_layer_kernel(there(9, 4), there(6, 4), "relu"),
    ]
    assert {each.device.type for each in found} == {"meta"}
    assert spectral_norm(there(300, 300)) == pytest.approx(300)
