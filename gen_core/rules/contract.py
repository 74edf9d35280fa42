"""The contract of a training rule: what a step does, for a whole block of seeds.

Every row of a block has its own rate, so that recipes that differ in the rate alone are trained in one batch, and a
rate of 0 leaves a row exactly where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from gen_core.models.contract import Model

State = dict[str, Any]
"""What a rule remembers between steps; it changes in place."""

Streams = Callable[[], list[torch.Generator]]
"""Makes one CPU generator a row, for a rule with noise. A row's is its seed's, whoever is beside it, and arms of a
comparison with parameters of the same shapes share it. What is drawn for a row comes from its own generator alone, as
often for a row of rate 0 as for any other; drawn in float64 and then cast, it is the same in float32. A rule without
noise does not call it, which costs nothing then."""


@runtime_checkable
class Rule(Protocol):
    """A frozen, hashable recipe of a rule: a dataclass of builtins with these members.

    A rule that steps by gradients is a `GradientRule`. One that not every model suits is `Particular` too.
    """

    @property
    def rate(self) -> float:
        """Learning rate."""
        ...

    @property
    def batch(self) -> int | None:
        """Points per step; None takes all n (gradient descent)."""
        ...

    @property
    def replacement(self) -> bool:
        """Whether the points of a step are drawn with replacement; otherwise the data are gone through in epochs."""
        ...

    def start(self, params: Mapping[str, Tensor], streams: Streams) -> State:
        """State before the first step, given the trained parameters, each (S, ...), and the rows' random streams."""
        ...

    def batch_form(self) -> Rule:
        """The same rule with a rate of 1: rules whose batch forms agree can be trained in one batch."""
        ...


@runtime_checkable
class GradientRule(Rule, Protocol):
    """A rule whose step is a matter of the gradient: what a rule of one's own is to be."""

    def update(self, params: Mapping[str, Tensor], grads: Mapping[str, Tensor], state: State, rate: Tensor) -> None:
        """Make one step in place.

        Args:
            params: trained parameters, each (S, ...).
            grads: their gradients, which may be overwritten at the next step.
            state: from `start`.
            rate: learning rate of each row, (S,), in place of the recipe's; 0 freezes the row.
        """
        ...


@runtime_checkable
class Particular(Protocol):
    """A rule that not every model suits."""

    def check(self, model: Model) -> None:
        """Refuse a model.

        Raises:
            InvalidExperiment: naming the model and what is expected.
        """
        ...


class FullBatch:
    """What rules without batches answer."""

    @property
    def batch(self) -> None:
        """All n points."""
        return None

    @property
    def replacement(self) -> bool:
        """Nothing is drawn."""
        return False
