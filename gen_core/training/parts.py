"""Passes over many points in bounded memory: some seeds and some of their points at a time, on the CPU or a device.

Where a process computes on GPUs, what is heavy is computed in a slot of one, and all else on the CPU.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar

import torch
from torch import Tensor

from gen_core.experiment import Experiment
from gen_core.models.contract import Model, units_of
from gen_core.training.device import memory_budget
from gen_core.training.memory import EVALUATED
from gen_core.training.slots import device_in_slot

CPU = torch.device("cpu")

HEAVY = 10**10
"""Multiply-adds of a seed from which on a measure is computed on a GPU: about a second on a CPU."""

_device: ContextVar[torch.device] = ContextVar("device of measures", default=CPU)  # it is immutable


@contextlib.contextmanager
def measuring_on(device: torch.device) -> Iterator[None]:
    """While it is active, outputs, kernels and patterns of runs are computed on a device, and come back to the CPU."""
    before = _device.set(device)
    try:
        yield
    finally:
        _device.reset(before)


def measuring_device() -> torch.device:
    """The device of measures: the CPU, except within `measuring_on`, or in a slot of `measuring`."""
    return _device.get()


@contextlib.contextmanager
def measuring(work: float) -> Iterator[None]:
    """While it is active, what is heavy is computed on the kind of device on which this process trains.

    A GPU's slot is waited for and held to the end. What is heavy is told from the recipe alone, so that a seed's values
    depend neither on the other seeds nor on what was measured before.

    Args:
        work: multiply-adds of one seed, of which `HEAVY` are heavy.
    """
    if work < HEAVY or measuring_device() != CPU:
        yield
        return
    with device_in_slot() as device, measuring_on(device):
        yield


def work_of_passes(experiment: Experiment) -> int:
    """Multiply-adds of a forward pass of one seed's points, training and held-out ones."""
    data, model = experiment.data, experiment.model
    return (data.n + experiment.n_test) * (model.size(data.inputs).multiply_adds if model is not None else 0)


def work_of_pairs(experiment: Experiment) -> int:
    """Multiply-adds of a kernel of one seed's training points, which has an entry for each pair of them."""
    inputs, model = experiment.data.inputs, experiment.model
    units = units_of(model, inputs) if model is not None else 0
    return experiment.data.n**2 * (units + math.prod(inputs))


def parts_of(seeds: int, n: int, size: int, whole: int = 0) -> Iterator[tuple[slice, slice]]:
    """Slices of the seeds and of their points that go together within the memory budget of a training, seed by seed.

    On the CPU at most `EVALUATED` points, whose activations stay in cache, and with them as many seeds as there is
    memory for; elsewhere as many points as there is memory for.

    Args:
        seeds: number of seeds.
        n: points of each.
        size: bytes that one point of one seed takes.
        whole: bytes that a seed takes besides, whatever its points.
    """
    device, few = measuring_device(), min(n, EVALUATED)
    budget = memory_budget(device)
    together = max(1, min(seeds, budget // (whole + few * size)))
    most = few if device.type == "cpu" else n
    points = max(1, min(most, (budget // together - whole) // size))
    for rows in _slices(seeds, together):
        for at in _slices(n, points):
            yield rows, at


def _slices(count: int, size: int) -> list[slice]:
    return [slice(at, min(count, at + size)) for at in range(0, count, size)]


def join_parts(found: Iterable[tuple[slice, slice, Tensor]], seeds: int, n: int) -> Tensor:
    """Values of slices of the seeds and of their points, (S, B, ...) each, joined on the CPU: (seeds, n, ...)."""
    joined: Tensor | None = None
    for rows, at, values in found:
        if joined is None:
            joined = values.new_empty(seeds, n, *values.shape[2:], device="cpu")
        joined[rows, at] = values.cpu()
    assert joined is not None
    return joined


def bytes_of_pass(model: Model, inputs: tuple[int, ...], dtype: torch.dtype) -> int:
    """Memory of a forward pass of one point: its numbers, and the activations before and after each function."""
    return 2 * dtype.itemsize * (units_of(model, inputs) + math.prod(inputs)) + 8 * model.outputs


def outputs_in_parts(model: Model, params: Mapping[str, Tensor], X: Tensor, dtype: torch.dtype) -> Tensor:
    """Outputs of a model, as it is evaluated, on X, (seeds, n, *inputs), in a dtype: (seeds, n[, C]), on the CPU."""
    seeds, n, *inputs = X.shape
    shape = tuple(inputs)

    def forward(rows: slice, at: slice) -> Tensor:
        return model.forward(of_seeds(params, rows), X[rows, at].to(measuring_device(), dtype))

    with measuring(n * model.size(shape).multiply_adds):
        parts = parts_of(seeds, n, bytes_of_pass(model, shape, dtype))
        return join_parts(((rows, at, forward(rows, at)) for rows, at in parts), seeds, n)


def of_seeds(params: Mapping[str, Tensor], rows: slice) -> dict[str, Tensor]:
    """The parameters of some of the seeds, on the measuring device."""
    return {name: value[rows].to(measuring_device()) for name, value in params.items()}
