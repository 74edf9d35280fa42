"""Rates of their own for single parameters, such as the layers of a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gen_core.checks import check_number
from gen_core.errors import InvalidExperiment
from gen_core.models.contract import Model
from gen_core.recipe import brief
from gen_core.rules.contract import State, is_plain
from gen_core.rules.wrapping import Wrapping


@dataclass(frozen=True)
class Layerwise(Wrapping):
    """Plain gradient descent with a rate of its own for each parameter that is named; torch.optim's parameter groups.

    Attributes:
        rule: `GD` or `SGD` without weight decay, or another rule whose step is -rate times the gradient.
        factors: names of trained parameters, each with the factor of its rate on the rule's: (("v", 0.25),).
    """

    factors: tuple[tuple[str, float], ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_plain(self.rule):
            raise InvalidExperiment(f"Layerwise of {brief(self.rule)}; expected GD or SGD without weight decay")
        names = [name for name, _ in self.factors]
        if not names or len(set(names)) < len(names):
            raise InvalidExperiment(f"factors {brief(self.factors)}; expected each parameter once, and at least one")
        for name, factor in self.factors:
            check_number(f"factor of {name}", factor, above=0.0)

    @torch.no_grad()
    def update(self, params: Mapping[str, Tensor], grads: Mapping[str, Tensor], state: State, rate: Tensor) -> None:
        """Make one step in place; see `GradientRule.update`."""
        factors = dict(self.factors)
        for name, p in params.items():
            own = factors[name] * rate if name in factors else rate
            self.rule.update({name: p}, {name: grads[name]}, state, own)

    def check(self, model: Model) -> None:
        """Refuse a model that does not train a parameter that is named; see `Particular.check`."""
        super().check(model)
        for name, _ in self.factors:
            if name not in model.trainable:
                known = ", ".join(model.trainable)
                raise InvalidExperiment(f"factor of {name!r} on {type(model).__name__}; expected one of {known}")
