"""Passes over many points in bounded memory: some seeds and some of their points at a time, on the CPU or a device."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar

import torch
from torch import Tensor

from gen_core.models.contract import Model, units_of
from gen_core.training.device import memory_budget
from gen_core.training.memory import EVALUATED

CPU = torch.device("cpu")

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
    """The device of measures: the CPU, except within `measuring_on`."""
    return _device.get()


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
    there = on_device(params)
    parts = parts_of(seeds, n, bytes_of_pass(model, tuple(inputs), dtype))
    found = (
        (rows, at, model.forward(of_seeds(there, rows), X[rows, at].to(measuring_device(), dtype)))
        for rows, at in parts
    )
    return join_parts(found, seeds, n)


def on_device(params: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Parameters on the measuring device."""
    return {name: value.to(measuring_device()) for name, value in params.items()}


def of_seeds(params: Mapping[str, Tensor], rows: slice) -> dict[str, Tensor]:
    """The parameters of some of the seeds."""
    return {name: value[rows] for name, value in params.items()}
