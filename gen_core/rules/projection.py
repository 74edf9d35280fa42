"""Descent in a ball: a projection after each step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from gen_core.checks import check_number
from gen_core.errors import InvalidExperiment
from gen_core.recipe import brief
from gen_core.rules.contract import State
from gen_core.rules.wrapping import Wrapping


@runtime_checkable
class Ball(Protocol):
    """A convex set to project on: a frozen dataclass of builtins with a `project`."""

    def project(self, w: Tensor) -> Tensor:
        """The nearest points of the set, (S, p) in float64, to the points w.

        A point within the set stays exactly where it is; one that is not finite stays so in some entry.
        """
        ...


@dataclass(frozen=True)
class L2Ball:
    """Points of Euclidean norm at most `radius`."""

    radius: float

    def __post_init__(self) -> None:
        check_number("radius", self.radius, above=0.0)

    def project(self, w: Tensor) -> Tensor:
        """Scale the points outside; see `Ball.project`."""
        norm = w.norm(dim=1, keepdim=True)
        # A norm that overflows has no direction left; 0 in its place would hide that the training diverged.
        return w * (self.radius / norm.where(norm.isfinite(), math.nan)).clamp(max=1)


@dataclass(frozen=True)
class L1Ball:
    """Points whose entries' absolute values sum to at most `radius`."""

    radius: float

    def __post_init__(self) -> None:
        check_number("radius", self.radius, above=0.0)

    def project(self, w: Tensor) -> Tensor:
        """Shrink all entries of the points outside by one amount, to 0 at the least; see `Ball.project`.

        Duchi, Shalev-Shwartz, Singer and Chandra (2008), figure 1. Cost: a sort of each point's entries.
        """
        falling = w.abs().sort(1, descending=True).values
        excess = falling.cumsum(1) - self.radius
        places = torch.arange(1, w.shape[1] + 1, dtype=w.dtype, device=w.device)
        kept = (falling * places > excess).sum(1, keepdim=True).clamp(min=1)
        amount = (excess.gather(1, kept - 1) / kept).clamp(min=0)
        return w.sign() * (w.abs() - amount).clamp(min=0)


@dataclass(frozen=True)
class Projected(Wrapping):
    """Projects all trained parameters of a row together on a ball after each step of the inner rule, not at the start.

    Attributes:
        rule: the inner rule.
        ball: `L1Ball`, `L2Ball`, or another `Ball`.
    """

    ball: Ball

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.ball, type) or not isinstance(self.ball, Ball):
            raise InvalidExperiment(f"ball {brief(self.ball)}; expected L1Ball(radius) or L2Ball(radius)")

    @torch.no_grad()
    def update(self, params: Mapping[str, Tensor], grads: Mapping[str, Tensor], state: State, rate: Tensor) -> None:
        """Make one step in place; see `GradientRule.update`."""
        self.rule.update(params, grads, state, rate)
        w = torch.cat([p.flatten(1) if p.dim() > 1 else p[:, None] for p in params.values()], 1).double()
        w = torch.where(rate[:, None] > 0, self.ball.project(w), w)
        for p, part in zip(params.values(), w.split([p[0].numel() for p in params.values()], 1), strict=True):
            p.copy_(part.view_as(p))
