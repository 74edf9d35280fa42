"""The contract of what takes the steps of a batch's rows; `gen_core.training.steps` chooses between those there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from torch import Tensor

from gen_core.experiment import Experiment
from gen_core.models.contract import units_of
from gen_core.rules import Streams

OnGradientNorms = Callable[[Tensor, bool], None]
"""Called in every step with the norm of each row's gradient, (rows,), at the weights before the step, and whether the
step is taken already; where it is not, rates that become 0 leave their rows there."""


class StepCost(NamedTuple):
    """What a step of one seed takes: multiply-adds, and numbers that are kept between steps or made in one."""

    multiply_adds: int
    numbers: int


class Stepper(Protocol):
    """Takes the steps of rows together, each at its own rate; a rate of 0 leaves its row as it is."""

    def __init__(
        self,
        experiment: Experiment,
        params: Mapping[str, Tensor],
        trained: Mapping[str, Tensor],
        rate: Tensor,
        streams: Streams,
    ) -> None:
        """Prepare the steps.

        Args:
            experiment: what the rows share.
            params: all parameters, (rows, ...), which change in place.
            trained: those of them that are trained.
            rate: each row's learning rate, (rows,); entries that become 0 later count.
            streams: the rows' generators, for the rule.
        """
        ...

    @staticmethod
    def cost(experiment: Experiment) -> StepCost:
        """What a step of one seed takes, from the recipe alone."""
        ...

    def step(self, X: Tensor, y: Tensor, on_gradient_norms: OnGradientNorms | None) -> None:
        """Take a step.

        Args:
            X: points, (rows, batch, *inputs).
            y: labels, (rows, batch).
            on_gradient_norms: given where the training ends by its gradient.
        """
        ...


def gradient_cost(experiment: Experiment) -> StepCost:
    """What a step by gradients takes: three forward passes' worth; weights, their states, and activations."""
    inputs, batch = experiment.data.inputs, experiment.rule.batch or experiment.data.n
    size = experiment.model.size(inputs)
    units = units_of(experiment.model, inputs)
    return StepCost(3 * batch * size.multiply_adds, 6 * size.parameters + 4 * batch * units)
