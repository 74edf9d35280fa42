"""The cost of trainings, estimated from their recipes alone: work, memory and time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from gen_core.experiment import Experiment
from gen_core.models.contract import Layered, units_of
from gen_core.schedule import AtLoss
from gen_core.training.captured import is_captured
from gen_core.training.device import SLOTS
from gen_core.training.memory import EVALUATED, memory_of, states_of
from gen_core.training.steps import choose_stepper, step_cost

CPU_RATES = {"convolution": 1e10, "dense": 3e10, "float64": 3e10}
"""Multiply-adds per second on one core: between measurements in float32 of networks of the papers' sizes on two x86-64
servers. Dense ones reach 2e10 to 5e10, by autograd and with AVX-512; convolutions of few channels on small images 5e9
with AVX2, of 64 channels 2e10."""

CPU_STEP = 8e-5
"""Seconds of a batch's step on a CPU besides, whatever its rows; measured for 8 seeds of `Linear`."""

GPU_RATES = {"convolution": 3e12, "dense": 1.6e13, "float64": 7e12}
"""Multiply-adds per second on an H100, measured: convolutions of each seed's own kernels 1.7e12 (few channels) to
5.6e12 (64 of 5x5), dense layers of 6 million weights 16e12 to 27e12, Newton's steps in float64 8e12."""

GPU_BANDWIDTH = 2e12
"""Bytes per second to and from a GPU's memory: 60 % of an H100's 3.35e12, as copies of some MiB reach."""

GPU_LAUNCH = 3e-5
"""Seconds of a kernel that does next to nothing, started by torch from Python: 20 to 40 us on the server of an H100 on
which they were measured, 5 to 10 us on faster processors."""

GPU_NODE = 2e-6
"""Seconds of such a kernel in a graph."""

GPU_MEMORY = 80e9
"""Bytes of the GPU for which a time is estimated, wherever that is: an H100's."""


@dataclass(frozen=True)
class Cost:
    """Cost of a training of one seed: multiply-adds, and peak memory in bytes, on a CPU."""

    operations: float
    memory: int


def cost(experiment: Experiment) -> Cost:
    """Estimate from the recipe; see `memory_of` for the memory."""
    return Cost(operations_of(experiment), memory_of(experiment, "cpu").seed)


@cache
def operations_of(experiment: Experiment) -> float:
    """Multiply-adds of the steps and evaluations of one seed, with those of the trainings before (`after`).

    An observable is taken to cost one gradient over all points at each checkpoint.
    """
    forward, after = experiment.parts.model.size(experiment.data.inputs).multiply_adds, experiment.after
    steps = experiment.steps * step_cost(experiment)
    return (operations_of(after) if after else 0.0) + steps + forward * _evaluated_points(experiment)


def _evaluated_points(experiment: Experiment) -> int:
    """Points of one seed that pass through the network in evaluations."""
    data, grid, watch, tested = experiment.data, experiment.grid, experiment.watch, experiment.tested
    at_loss = isinstance(experiment.checkpoints, AtLoss)
    watched = experiment.stop.evaluates or at_loss or "train_loss" in watch or "train_accuracy" in watch
    evaluated_at = {*grid, *experiment.stop.evaluations(grid)} if watched else {experiment.steps}
    observed = 3 * sum(not isinstance(each, str) for each in watch)
    seen = tested + observed * (data.n + tested) + data.n * ("train_outputs" in watch)
    points = len(evaluated_at) * data.n + experiment.recorded * seen
    if getattr(experiment.model, "absorbed", None) is not None:  # a pass of all training points before each evaluation
        points += data.n * len({*evaluated_at, *grid})
    return points


def group_memory(group: Sequence[tuple[Experiment, int]], device: str) -> int:
    """Estimated peak memory of trainings with equal batch keys in one batch, in bytes; see `group_seconds`."""
    each = [(memory_of(experiment, device), seeds) for experiment, seeds in group]
    return sum(memory.seed * seeds for memory, seeds in each) + max((memory.batch for memory, _ in each), default=0)


def group_seconds(group: Sequence[tuple[Experiment, int]], device: str) -> float:
    """Estimated time of trainings with equal batch keys, to a factor of two or three.

    On a CPU it is the arithmetic and what a step takes besides, which the seeds of a batch share; on a GPU the longest
    of three: the arithmetic, the memory's traffic, and the launches of kernels, which they share as well.

    Args:
        group: experiments, each with its number of seeds.
        device: "cpu" for one core, or "cuda" for an H100.
    """
    if device == "cpu":
        steps = max((e.steps_in_all for e, _ in group), default=0)
        return sum(seeds * operations_of(e) / _rate(e, CPU_RATES) for e, seeds in group) + CPU_STEP * steps
    arithmetic = sum(seeds * operations_of(e) / _rate(e, GPU_RATES) for e, seeds in group)
    traffic = sum(seeds * _traffic(e) for e, seeds in group) / GPU_BANDWIDTH
    batches = math.ceil(group_memory(group, device) / (GPU_MEMORY / (2 * SLOTS)))
    return max(arithmetic, traffic, batches * max((_launching(e) for e, _ in group), default=0.0))


def _rate(experiment: Experiment, rates: Mapping[str, float]) -> float:
    """The rate of the layer that takes most of the work."""
    if experiment.dtype == "float64":
        return rates["float64"]
    model = experiment.parts.model
    layers = model.layers(experiment.data.inputs) if isinstance(model, Layered) else ()
    heaviest = max(layers, key=lambda layer: layer.size.multiply_adds, default=None)
    return rates["dense" if heaviest is None else heaviest.kind]


def _traffic(experiment: Experiment) -> float:
    """Bytes that one seed's training moves: weights and states, and each activation written and read on either way."""
    data, (model, rule, _) = experiment.data, experiment.parts
    parameters, units = model.size(data.inputs).parameters, units_of(model, data.inputs)
    inputs, batch = math.prod(data.inputs), rule.batch or data.n
    step = parameters * (4 + 3 * states_of(rule)) + batch * (3 * inputs + 6 * units)
    moved = experiment.steps * step + _evaluated_points(experiment) * (inputs + 3 * units)
    before = _traffic(experiment.after) if experiment.after else 0.0
    return before + experiment.torch_dtype.itemsize * moved


def _launching(experiment: Experiment) -> float:
    """Seconds in which a batch's training starts its kernels, by counts on torch's meta device; views are none.

    Steps along hand-written gradients start 7 and about 8 a layer (an MLP of one hidden layer 20, the convolutions of
    5x5 33, five layers 46), autograd twice that, sparse ones 20, Newton's 100; a rule with states 3 more for each
    parameter, or 9 with two. Where steps are taken by a graph, what starts a graph and copies its points are 2 kernels;
    that a graph may take 16 steps has not been measured, and is left out.
    """
    model, rule, _ = experiment.parts
    layers = len(model.layers(experiment.data.inputs)) if isinstance(model, Layered) else 3
    stepper, states = choose_stepper(experiment).name, states_of(rule)
    kernels = {"newton": 100, "fused": 7 + 8 * layers, "sparse": 20, "autograd": 2 * (4 + 4 * layers)}[stepper]
    kernels += len(model.trainable) * max(0, 6 * states - 3)
    by_graph = stepper == "fused" and is_captured(experiment)
    step = GPU_NODE * kernels + GPU_LAUNCH * 2 if by_graph else GPU_LAUNCH * kernels
    looks = math.ceil(_evaluated_points(experiment) / min(EVALUATED, experiment.data.n))
    before = _launching(experiment.after) if experiment.after else 0.0
    return before + experiment.steps * step + GPU_LAUNCH * looks * 4 * layers
