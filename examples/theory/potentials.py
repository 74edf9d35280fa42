"""Potentials: energies without data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from gen_core import Potential
from torch import Generator, Tensor


@dataclass(frozen=True)
class Power(Potential):
    """The energy |x|^power of chains on the line, which start at normal numbers.

    Attributes:
        power: its growth; 2 is a quadratic.
        chains: chains per seed.
        spread: standard deviation of the start.
    """

    power: float
    chains: int = 64
    spread: float = 0.5

    def init(self, inputs: tuple[int, ...], generator: Generator, dtype: torch.dtype) -> dict[str, Tensor]:
        """Draw x, (chains,)."""
        return {"x": (self.spread * torch.randn(self.chains, generator=generator, dtype=torch.float64)).to(dtype)}

    def energy(self, params: Mapping[str, Tensor]) -> Tensor:
        """|x|^power, (S, chains)."""
        return params["x"].abs() ** self.power
