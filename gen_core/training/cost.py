"""The cost of a training, estimated from its recipe alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gen_core.experiment import Experiment
from gen_core.models.contract import units_of
from gen_core.schedule import AtLoss
from gen_core.training.steps import step_cost
from gen_core.types import targets_of

OPERATIONS_PER_SECOND = {"cpu": 3e10, "cuda": 1e12}
"""Multiply-adds per second. CPU: between two measurements in float32 on one core of an x86-64 server with AVX-512, for
an MLP 196-128-128-1 on batches of 32 with 8 seeds: 5e10 with hand-written gradients, 2e10 by autograd. CUDA: a
conservative guess, since small networks leave a GPU idle for most of a step."""

SECONDS_PER_STEP = 1e-5
"""Overhead of a step per seed, where 8 seeds share it; measured on the same machine, for `Linear`."""

EVALUATED = 1024
"""Points per forward pass in evaluations: the fastest of 256 to 4096, since its activations stay in cache."""


@dataclass(frozen=True)
class Cost:
    """Cost of a training of one seed: multiply-adds, and peak memory in bytes."""

    operations: float
    memory: int


def cost(experiment: Experiment) -> Cost:
    """Estimate from the recipe: work of steps and evaluations; memory of data, weights, states and activations.

    An observable is taken to cost one gradient over all points at each checkpoint, and to return few numbers.
    """
    data, grid, watch, tested = experiment.data, experiment.grid, experiment.watch, experiment.tested
    model, rule, _ = experiment.parts
    parameters, forward = model.size(data.inputs)
    numbers, units = math.prod(data.inputs), units_of(model, data.inputs)
    step = step_cost(experiment)

    at_loss = isinstance(experiment.checkpoints, AtLoss)
    watched = experiment.stop.evaluates or at_loss or "train_loss" in watch or "train_accuracy" in watch
    evaluated_at = {*grid, *experiment.stop.evaluations(grid)} if watched else {experiment.steps}
    observed = 3 * sum(not isinstance(each, str) for each in watch)
    seen = tested + observed * (data.n + tested) + data.n * ("train_outputs" in watch)
    evaluations = forward * (len(evaluated_at) * data.n + experiment.recorded * seen)

    points = 2 * (numbers + math.prod(targets_of(data)) - 1) * (data.n + tested)
    gathered = 2 * numbers * rule.batch if rule.batch else 0
    kept = parameters * ("weights" in watch) + tested // 8 * ("test_classes" in watch)
    kept += model.outputs * (data.n * ("train_outputs" in watch) + tested * ("test_outputs" in watch))
    kept *= experiment.recorded
    evaluated = 2 * units * min(max(data.n, tested), EVALUATED) + (2 * units * (data.n + tested) if observed else 0)
    if getattr(model, "absorbed", None) is not None:  # a pass of all training points before each evaluation
        evaluations += forward * data.n * len({*evaluated_at, *grid})
        evaluated = max(evaluated, units * data.n)

    first = cost(experiment.after) if experiment.after else Cost(0.0, 0)
    return Cost(
        first.operations + experiment.steps * step.multiply_adds + evaluations,
        first.memory + experiment.torch_dtype.itemsize * (points + gathered + step.numbers + kept + evaluated),
    )


def group_seconds(group: Sequence[tuple[Experiment, int]], device: str) -> float:
    """Estimated time of trainings with equal batch keys, to an order of magnitude.

    Args:
        group: experiments, each with its number of seeds.
        device: "cpu" (one core) or "cuda".
    """
    rate = OPERATIONS_PER_SECOND[device]
    return sum(seeds * (cost(e).operations / rate + SECONDS_PER_STEP * e.steps_in_all) for e, seeds in group)


def group_memory(group: Sequence[tuple[Experiment, int]], device: str) -> int:
    """Estimated peak memory of trainings with equal batch keys in one batch, in bytes; see `group_seconds`."""
    return sum(seeds * cost(experiment).memory for experiment, seeds in group)
