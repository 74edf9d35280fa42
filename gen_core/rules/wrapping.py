"""Rules around another rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.models.contract import Model
from gen_core.recipe import brief
from gen_core.rules.contract import GradientRule, Particular, State, Streams
from gen_core.rules.rates import Rate


@dataclass(frozen=True)
class Wrapping:
    """A rule that changes the step of another one, whose rate, batches and models it takes over.

    Attributes:
        rule: a rule that steps by one gradient; it may be such a wrapping itself.
    """

    rule: GradientRule

    def __post_init__(self) -> None:
        if isinstance(self.rule, type) or not isinstance(self.rule, GradientRule):
            outer = type(self).__name__
            raise InvalidExperiment(
                f"{outer} of {brief(self.rule)}; expected a rule that steps by one gradient, such as {outer}(SGD(...))"
            )

    @property
    def rate(self) -> Rate:
        """That of the inner rule."""
        return self.rule.rate

    @property
    def batch(self) -> int | None:
        """That of the inner rule."""
        return self.rule.batch

    @property
    def replacement(self) -> bool:
        """That of the inner rule."""
        return self.rule.replacement

    def start(self, params: Mapping[str, Tensor], streams: Streams) -> State:
        """The inner rule's state; see `Rule.start`."""
        return self.rule.start(params, streams)

    def batch_form(self) -> Self:
        """The wrapping of the inner rule's batch form."""
        return replace(self, rule=self.rule.batch_form())

    def check(self, model: Model) -> None:
        """Refuse a model that the inner rule refuses; see `Particular.check`."""
        if isinstance(self.rule, Particular):
            self.rule.check(model)
