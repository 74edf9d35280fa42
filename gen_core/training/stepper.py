"""The contract of steppers, which take the steps of a batch; `gen_core.training.steps` chooses among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from torch import Tensor

from gen_core.experiment import Experiment
from gen_core.models.contract import Model
from gen_core.rules import ClosureRule, Streams

OnGradientNorms = Callable[[Tensor, bool], None]
"""Called in every step with each row's gradient norm at the weights before the step, (rows,), and with whether the step
has been taken already. If it has not, setting a row's rate to 0 keeps that row at those weights."""


class Stepper(Protocol):
    """Takes the steps of all rows together, each at its own rate; a rate of 0 leaves a row unchanged."""

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
            experiment: any of the rows' experiments, whose batch keys agree.
            params: all parameters, (rows, ...), to be changed in place.
            trained: the trained ones among them.
            rate: each row's learning rate, (rows,); later changes of its entries take effect.
            streams: makes the rows' generators, for the rule.
        """
        ...

    @staticmethod
    def cost(experiment: Experiment) -> int:
        """Multiply-adds of a step of one seed, from the recipe alone."""
        ...

    def step(self, X: Tensor, y: Tensor, on_gradient_norms: OnGradientNorms | None) -> None:
        """Take a step.

        Args:
            X: points, (rows, batch, *inputs).
            y: labels, (rows, batch).
            on_gradient_norms: called with the gradient norms; given where the training stops by them.
        """
        ...


def gradient_cost(experiment: Experiment, model: Model | None = None) -> int:
    """Multiply-adds of a step: three forward passes' work for each gradient, of the experiment's model or this one."""
    own, rule, _ = experiment.parts
    gradients = rule.gradients if isinstance(rule, ClosureRule) else 1
    return 3 * gradients * (rule.batch or experiment.data.n) * (model or own).size(experiment.data.inputs).multiply_adds
