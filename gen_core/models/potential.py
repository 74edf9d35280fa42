"""Models given by an energy, for recipes without data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Self

import torch
from torch import Generator, Tensor

from gen_core.errors import InvalidExperiment
from gen_core.models.contract import Size


class Potential(ABC):
    """A model that is an energy of its parameters, trained with the loss `Energy` on no data; see `Model`.

    A seed may have many chains: parameters of a shape that begins with their number. The output, and with it the loss
    that is recorded and that a `Stop` looks at, is the sum of their energies, so that each chain takes the steps of its
    own energy at the full rate; the mean energy is `run.train_loss` over the number of chains. A chain that diverges
    ends its seed. A subclass is a frozen dataclass with an `init` and an `energy`.
    """

    @property
    def outputs(self) -> int:
        """One output, the sum of the energies."""
        return 1

    @property
    def trainable(self) -> tuple[str, ...]:
        """All parameters."""
        return tuple(self._drawn())

    @abstractmethod
    def init(self, inputs: tuple[int, ...], generator: Generator, dtype: torch.dtype) -> dict[str, Tensor]:
        """Draw one seed's parameters, such as (chains, d) or (d,); see `Model.init`."""

    @abstractmethod
    def energy(self, params: Mapping[str, Tensor]) -> Tensor:
        """The energy at parameters with a leading seed axis: (S, chains), or (S,) for one chain a seed."""

    def forward(self, params: Mapping[str, Tensor], X: Tensor) -> Tensor:
        """The sum of the chains' energies, the same for every point of X: (S, B).

        Raises:
            InvalidExperiment: if the energy has another shape.
        """
        energy = self.energy(params)
        if energy.dim() not in (1, 2) or len(energy) != len(X):
            found = tuple(energy.shape)
            raise InvalidExperiment(f"energy of {type(self).__name__} of shape {found}; expected ({len(X)}[, chains])")
        return energy.reshape(len(X), -1).sum(1, keepdim=True).expand(-1, X.shape[1])

    def batch_form(self) -> Self:
        """The recipe itself, since any of its fields may change the energy."""
        return self

    def size(self, inputs: tuple[int, ...]) -> Size:
        """Number of parameters, and as many multiply-adds; the energy may take more."""
        parameters = sum(value.numel() for value in self._drawn(inputs).values())
        return Size(parameters, parameters)

    def _drawn(self, inputs: tuple[int, ...] = ()) -> dict[str, Tensor]:
        """Parameters of some seed, for their names and shapes."""
        return self.init(inputs, Generator("cpu").manual_seed(0), torch.float64)
