"""A convolutional network in one dimension, with circular padding and without pooling."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gen_core.checks import check_count
from gen_core.errors import InvalidExperiment
from gen_core.models.activations import Polynomial, activation
from gen_core.models.contract import Size
from gen_core.models.layers import normal


@dataclass(frozen=True)
class CircularConv:
    """f(x) = sum_r v_r^T phi(w_r * x / sqrt(q)) / sqrt(m d), with a circular convolution w_r * x in R^d.

    Source: Hu et al., "The Surprising Simplicity of the Early-Time Learning Dynamics of Neural Networks" (2020),
    eq. (12). Parameters are W, (m, q), and V, (m, d), of entries N(0, 1); both are trained.

    Attributes:
        width: the number of channels m.
        filter: their size q, at most d.
        activation: phi, by name or a `Polynomial`; see `gen_core.models.activations`.
    """

    width: int
    filter: int
    activation: str | Polynomial = "erf"

    def __post_init__(self) -> None:
        check_count("width", self.width)
        check_count("filter", self.filter)
        activation(self.activation)

    @property
    def outputs(self) -> int:
        """One."""
        return 1

    @property
    def trainable(self) -> tuple[str, ...]:
        """W and V."""
        return ("W", "V")

    def init(self, inputs: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype) -> dict[str, Tensor]:
        """Draw one seed's parameters; see `Model.init`."""
        shapes = {"W": (self.width, self.filter), "V": (self.width, math.prod(inputs))}
        return {name: normal(shape, 1.0, generator).to(dtype) for name, shape in shapes.items()}

    def forward(self, params: Mapping[str, Tensor], X: Tensor) -> Tensor:
        """Outputs, (S, B); see `Model.forward`."""
        d = X.shape[-1]
        patches = torch.cat([X, X[..., : self.filter - 1]], -1).unfold(-1, self.filter, 1)
        hidden = activation(self.activation)(
            torch.einsum("sbkq,smq->sbmk", patches, params["W"]) / math.sqrt(self.filter)
        )
        return torch.einsum("sbmk,smk->sb", hidden, params["V"]) / math.sqrt(self.width * d)

    def batch_form(self) -> CircularConv:
        """The model itself."""
        return self

    def size(self, inputs: tuple[int, ...]) -> Size:
        """Number of parameters and multiply-adds; see `Model.size`.

        Raises:
            InvalidExperiment: unless inputs are vectors of at least q coordinates.
        """
        if len(inputs) != 1 or inputs[0] < self.filter:
            raise InvalidExperiment(f"inputs of shape {inputs}; expected vectors of {self.filter} coordinates or more")
        d = inputs[0]
        return Size(self.width * (self.filter + d), self.width * d * (self.filter + 1))

    def units(self, inputs: tuple[int, ...]) -> int:
        """Number of activations for one point."""
        return self.width * math.prod(inputs)
