"""The contract of a model.

Every model computes a whole block of seeds at once, each seed with its own parameters: parameters and inputs carry a
leading seed axis S.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


@runtime_checkable
class Model(Protocol):
    """A frozen, hashable recipe of a model: a dataclass of builtins with these members.

    A model whose parameters belong to a seed's points, or whose start looks at them, has a method
    `place(params, data) -> params` too: it gets what `init` drew, of the same shapes, and that seed's `Data`.
    """

    @property
    def outputs(self) -> int:
        """Outputs per point: with 1, `forward` gives (S, B), with C > 1 it gives (S, B, C)."""
        ...

    @property
    def trained(self) -> tuple[str, ...]:
        """Names of the parameters that are trained; the others stay as they are drawn."""
        ...

    def init(self, inputs: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype) -> dict[str, Tensor]:
        """Draw one seed's parameters, without a seed axis, on the CPU.

        The draw is made in float64 and then cast, so that float32 and float64 start at the same point.

        Args:
            inputs: shape of one input.
            generator: CPU generator, the only source of randomness.
            dtype: dtype of the parameters.
        """
        ...

    def forward(self, params: Mapping[str, Tensor], X: Tensor) -> Tensor:
        """Outputs, (S, B) or (S, B, C), given parameters with a leading S and inputs X, (S, B, *inputs)."""
        ...

    def form(self) -> Model:
        """The same model without the values that leave shapes and operations alone.

        Recipes whose forms agree can be trained in one batch.
        """
        ...

    def cost(self, inputs: tuple[int, ...]) -> tuple[int, int]:
        """Number of parameters, and multiply-adds of one forward pass of one point."""
        ...
