"""What a training takes, estimated from its recipe alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gen_core.experiment import Experiment
from gen_core.models.contract import units_of
from gen_core.training.steps import step_cost

OPERATIONS_PER_SECOND = {"cpu": 3e10, "cuda": 1e12}
"""Multiply-adds a second. CPU: between what was measured in float32 on one core of an x86-64 server with AVX-512, MLP
196-128-128-1 on batches of 32 with 8 seeds: 5e10 with gradients written out, 2e10 by autograd. CUDA: a guess on the
safe side, since small networks leave a GPU idle for most of a step."""

SECONDS_PER_STEP = 1e-5
"""What a step takes beside arithmetic, for each of 8 seeds that share it; measured there too, on `Linear`."""

EVALUATED = 1024
"""Points of one forward pass without gradients: the fastest of 256 to 4096, since what it makes stays in a cache."""


@dataclass(frozen=True)
class Cost:
    """What a training of one seed takes: multiply-adds, and bytes at its peak."""

    operations: float
    memory: int


def cost(experiment: Experiment) -> Cost:
    """Estimate from the recipe: three forward passes' worth a step, data, states and activations in memory."""
    data, rule, grid, watch = experiment.data, experiment.rule, experiment.grid, experiment.watch
    parameters, forward = experiment.model.size(data.inputs)
    numbers, units = math.prod(data.inputs), units_of(experiment.model, data.inputs)
    tested = experiment.n_test if "test_classes" in watch else 0
    step = step_cost(experiment)

    watched = experiment.stop.evaluates or "train_loss" in watch or "train_accuracy" in watch
    evaluated_at = {*grid, *experiment.stop.evaluations(grid)} if watched else {experiment.steps}
    evaluations = forward * (len(evaluated_at) * data.n + len(grid) * tested)

    points = 2 * numbers * (data.n + tested)
    gathered = 2 * numbers * rule.batch if rule.batch else 0
    kept = parameters if "weights" in watch else 0
    kept = len(grid) * (kept + tested // 8)
    evaluated = 2 * units * min(max(data.n, tested), EVALUATED)

    first = cost(experiment.after) if experiment.after else Cost(0.0, 0)
    return Cost(
        first.operations + experiment.steps * step.multiply_adds + evaluations,
        first.memory + experiment.torch_dtype.itemsize * (points + gathered + step.numbers + kept + evaluated),
    )


def seconds(experiment: Experiment, seeds: int, device: str) -> float:
    """Estimated time of a training on a kind of device; an order of magnitude."""
    arithmetic = cost(experiment).operations / OPERATIONS_PER_SECOND[device]
    return seeds * (arithmetic + SECONDS_PER_STEP * experiment.steps_in_all)
