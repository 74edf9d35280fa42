"""The contract of a training rule: what a step does, for a whole batch of seeds.

Every row of a batch has its own rate, so that recipes that differ only in the rate can be trained together, and a rate
of 0 leaves a row exactly where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from gen_core.models.contract import Model
from gen_core.rules.rates import Rate

State = dict[str, Any]
"""What a rule remembers between the steps of one training: what its `start` returns and its steps change in place.

It may hold anything: velocities, a step count, generators. What belongs to rows has them as its first axis, (S, ...),
on the parameters' device. A row's entries may depend on its own parameters, gradients and stream alone: a norm, a mean
or a maximum over all rows, or a branch on one, makes seeds dependent. A row of rate 0 is passed like the others; its
entries may go on changing, its parameters not. No result keeps the state, and a training after another one (`after`)
starts anew, with a schedule at its first step."""

Gradient = Callable[[], dict[str, Tensor]]
"""Computes the gradients of a step's loss at the present values of the trained parameters, name -> (S, ...)."""

Streams = Callable[[], list[torch.Generator]]
"""Makes one CPU generator per row, for a rule with noise. A row's generator depends on its seed and not on the other
rows; arms of a comparison with parameters of the same shapes share it. A rule draws for each row from its own generator
alone, and as often for a row of rate 0 as for any other; noise drawn in float64 and then cast is the same in float32. A
rule without noise does not call it, at no cost."""


@runtime_checkable
class Rule(Protocol):
    """A frozen, hashable recipe of a rule: a dataclass of builtins with these members.

    A rule that steps by gradients is a `GradientRule`. One that does not suit every model is also `Particular`.
    """

    @property
    def rate(self) -> Rate:
        """Learning rate: a number, or a schedule."""
        ...

    @property
    def batch(self) -> int | None:
        """Points per step; None takes all n (gradient descent)."""
        ...

    @property
    def replacement(self) -> bool:
        """Whether the points of a step are drawn with replacement; otherwise the data are traversed in epochs."""
        ...

    def start(self, params: Mapping[str, Tensor], streams: Streams) -> State:
        """State before the first step, given the trained parameters, each (S, ...), and the rows' random streams."""
        ...

    def batch_form(self) -> Rule:
        """The same rule with a rate of 1, or the same schedule of it.

        Rules whose batch forms agree can be trained in one batch.
        """
        ...


@runtime_checkable
class GradientRule(Rule, Protocol):
    """A rule whose step is a function of the gradient and its state; the contract of most new rules."""

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
class ClosureRule(Rule, Protocol):
    """A rule that takes gradients at more than one point in a step. It has a `step` in place of an `update`."""

    @property
    def gradients(self) -> int:
        """Number of gradients in a step, for the estimate of its cost."""
        ...

    def step(self, params: Mapping[str, Tensor], gradient: Gradient, state: State, rate: Tensor) -> None:
        """Make one step in place.

        Args:
            params: trained parameters, each (S, ...).
            gradient: computes their gradients, on the same batch, wherever they have been moved to.
            state: from `start`.
            rate: learning rate of each row, (S,), in place of the recipe's; with 0 the row ends where it was, exactly.
        """
        ...


@runtime_checkable
class NewtonRule(Rule, Protocol):
    """A rule whose step is Newton's, on a loss with a penalty."""

    @property
    def l2(self) -> float:
        """Weight of the penalty l2 / 2 |w|^2 on the mean loss."""
        ...


@runtime_checkable
class Particular(Protocol):
    """A rule that does not suit every model."""

    def check(self, model: Model) -> None:
        """Refuse a model.

        Raises:
            InvalidExperiment: naming the model and what is expected.
        """
        ...


def is_plain(rule: Rule) -> bool:
    """Whether a rule's own class declares that its step is -rate times the gradient and nothing else.

    Such a step may be subtracted in the matrix product that computes the gradient. A class declares it with
    `plain: ClassVar[bool] = True`, for itself alone: a subclass may step differently. With a `weight_decay` it is not.
    """
    return bool(vars(type(rule)).get("plain", False)) and not getattr(rule, "weight_decay", 0.0)


def keeps_on_device(rule: Rule) -> bool:
    """Whether a rule's own class declares that its steps keep nothing on the host, and change its state in place.

    On a GPU such steps may be repeated by a graph, which never comes back to Python. A class declares it with
    `on_device: ClassVar[bool] = True`, for itself alone, as in `is_plain`.
    """
    return bool(vars(type(rule)).get("on_device", False))


def momentum_of(rule: Rule) -> float | None:
    """The m of a rule whose own class declares that a step is v <- m v + g, w <- w - rate v, and nothing else; or None.

    The gradient g may be added to v in the matrix product that computes it. The rule's state is v alone, by the
    parameter's name. A class declares it with `accumulates: ClassVar[bool] = True`, for itself alone, as in `is_plain`.
    """
    own = vars(type(rule)).get("accumulates", False)
    other = getattr(rule, "weight_decay", 0.0) or getattr(rule, "nesterov", False)
    return getattr(rule, "momentum", 0.0) if own and not other else None


class FullBatch:
    """The `batch` and `replacement` of rules that use all points."""

    @property
    def batch(self) -> None:
        """All n points."""
        return None

    @property
    def replacement(self) -> bool:
        """Nothing is drawn."""
        return False
