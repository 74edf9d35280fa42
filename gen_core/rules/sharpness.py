"""Descent on the worst loss nearby, which takes two gradients a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gen_core.checks import check_number
from gen_core.rules.contract import Gradient, State
from gen_core.rules.wrapping import Wrapping

SAM_EPS = 1e-12


@dataclass(frozen=True)
class SAM(Wrapping):
    """Sharpness-aware minimization: the inner rule's step by the gradient at w + rho g / |g|. Foret et al. (2021).

    The norm is each row's, over all its trained parameters. It is the outermost of nested rules: noise and projections
    go inside, as in SAM(Noisy(SGD(...), std), rho), and weight decay is the inner rule's.

    Attributes:
        rule: the inner rule.
        rho: length of the way up.
    """

    rho: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("rho", self.rho, above=0.0)

    @property
    def gradients(self) -> int:
        """Two: at the weights and above them."""
        return 2

    @torch.no_grad()
    def step(self, params: Mapping[str, Tensor], gradient: Gradient, state: State, rate: Tensor) -> None:
        """Make one step in place; see `ClosureRule.step`."""
        weights, up = {name: p.clone() for name, p in params.items()}, gradient()
        squares = torch.stack([g.reshape(len(g), -1).square().sum(1) for g in up.values()])
        scale = self.rho / (squares.sum(0).sqrt() + SAM_EPS)
        for name, p in params.items():
            p.add_(up[name] * scale.view(-1, *[1] * (p.dim() - 1)))
        grads = gradient()
        for name, p in params.items():
            p.copy_(weights[name])
        self.rule.update(params, grads, state, rate)
