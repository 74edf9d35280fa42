"""Networks of any depth: dense, and convolutional with a dense head.

Layers are numbered from 1: layer i has weights "W<i>" and, with `bias`, biases "b<i>", which are zero initially.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import ClassVar, Self

import torch
from torch import Tensor

from gen_core.checks import check_count, check_counts, check_number
from gen_core.errors import InvalidExperiment
from gen_core.models.activations import activation
from gen_core.models.contract import Layer, Layered
from gen_core.models.layers import SCHEMES, convolve, images, weights
from gen_core.models.products import affine


@dataclass(frozen=True, kw_only=True)
class _Network(Layered):
    """The common part of dense and convolutional networks: dense layers and initialization."""

    hidden: tuple[int, ...]
    activation: str = "relu"
    outputs: int = 1
    scheme: str = "xavier_uniform"
    init_std: float | None = None
    gain: float = 1.0
    bias: bool = True

    def __post_init__(self) -> None:
        check_counts("hidden", self.hidden)
        activation(self.activation)
        check_count("outputs", self.outputs)
        if self.scheme not in SCHEMES:
            raise InvalidExperiment(f"scheme {self.scheme!r}; expected one of {', '.join(SCHEMES)}")
        if (self.init_std is not None) != (self.scheme == "normal"):
            raise InvalidExperiment(f"init_std {self.init_std} with scheme {self.scheme!r}; expected both or neither")
        if self.init_std is not None:
            check_number("init_std", self.init_std, least=0)
        if not (math.isfinite(self.gain) and self.gain > 0):
            raise InvalidExperiment(f"gain {self.gain}; expected a positive number")

    @property
    def trainable(self) -> tuple[str, ...]:
        """All parameters."""
        kinds = "Wb" if self.bias else "W"
        return tuple(f"{kind}{i}" for i in range(1, self._depth + 1) for kind in kinds)

    def init(self, inputs: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype) -> dict[str, Tensor]:
        """Draw one seed's parameters; see `Model.init`."""
        params = {}
        for layer in self.layers(inputs):
            drawn = self.gain * weights(layer.shape, self.scheme, self.init_std, generator)
            params[layer.weight] = drawn.to(dtype)
            if layer.bias:
                params[layer.bias] = torch.zeros(layer.shape[0], dtype=dtype)
        return params

    def batch_form(self) -> Self:
        """The network without the values of its initialization."""
        return replace(self, scheme="xavier_uniform", init_std=None, gain=1.0)

    @property
    def _depth(self) -> int:
        return len(self.hidden) + 1

    def _layer(self, i: int, shape: tuple[int, ...], stride: int = 1, places: int = 1) -> Layer:
        bias, phi = f"b{i}" if self.bias else "", self.activation if i < self._depth else "identity"
        return Layer(f"W{i}", shape, bias, phi, stride=stride, places=places)

    def _dense_layers(self, into: int, first: int) -> tuple[Layer, ...]:
        """The dense layers on `into` inputs, numbered from `first`."""
        shapes = [(out, below) for below, out in pairwise((into, *self.hidden, self.outputs))]
        return tuple(self._layer(i, shape) for i, shape in enumerate(shapes, first))

    def _dense(self, params: Mapping[str, Tensor], h: Tensor, first: int) -> Tensor:
        """Apply the dense layers, numbered from `first`, to h, (S, B, in)."""
        phi = activation(self.activation)
        for i in range(first, self._depth):
            h = phi(affine(h, params[f"W{i}"], params.get(f"b{i}")))
        f = affine(h, params[f"W{self._depth}"], params.get(f"b{self._depth}"))
        return f.squeeze(-1) if self.outputs == 1 else f


@dataclass(frozen=True)
class MLP(_Network):
    """Dense network; inputs are flattened.

    Attributes:
        hidden: widths of the hidden layers; () is a linear map.
        activation: its name; see `gen_core.models.activations`.
        outputs: outputs per point.
        scheme: how weights are drawn: "xavier_uniform", "he_normal" or "normal"; see `gen_core.models.layers.weights`.
        init_std: the standard deviation for "normal".
        gain: factor on all initial weights.
        bias: whether the layers have biases.
    """

    hidden: tuple[int, ...] = (128, 128)
    is_chain: ClassVar[bool] = True

    def layers(self, inputs: tuple[int, ...]) -> tuple[Layer, ...]:
        """The dense layers; see `Layered.layers`."""
        return self._dense_layers(math.prod(inputs), 1)

    def forward(self, params: Mapping[str, Tensor], X: Tensor) -> Tensor:
        """Outputs, (S, B) or (S, B, C); see `Model.forward`."""
        return self._dense(params, X.flatten(2), 1)


@dataclass(frozen=True)
class ConvNet(_Network):
    """Convolutions with padding kernel // 2, each followed by the activation, then dense layers.

    Inputs are images, (channels, height, width). A convolution maps a side of n to (n - 1) // stride + 1.

    Attributes:
        channels: output channels of the convolutions.
        kernel: side of the kernels, odd.
        stride: stride of the convolutions.
        hidden: widths of the hidden dense layers; with () the output layer follows the last convolution.
        activation, outputs, scheme, init_std, gain, bias: as in `MLP`.
    """

    channels: tuple[int, ...] = (8, 16)
    kernel: int = 3
    stride: int = 2
    hidden: tuple[int, ...] = field(default=(32,), kw_only=True)
    is_chain: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts("channels", self.channels)
        if not self.channels:
            raise InvalidExperiment("channels (); expected at least one convolution")
        check_count("kernel", self.kernel)
        if self.kernel % 2 == 0:
            raise InvalidExperiment(f"kernel {self.kernel}; expected an odd number")
        check_count("stride", self.stride)

    def layers(self, inputs: tuple[int, ...]) -> tuple[Layer, ...]:
        """The convolutions and the dense layers; see `Layered.layers`."""
        if len(inputs) != 3:
            raise InvalidExperiment(f"inputs {inputs}; expected (channels, height, width)")
        into, height, width = inputs
        convolutions = []
        for i, out in enumerate(self.channels, 1):
            height, width = ((side - 1) // self.stride + 1 for side in (height, width))
            kernels = (out, into, self.kernel, self.kernel)
            convolutions.append(self._layer(i, kernels, self.stride, height * width))
            into = out
        return (*convolutions, *self._dense_layers(into * height * width, len(self.channels) + 1))

    def forward(self, params: Mapping[str, Tensor], X: Tensor) -> Tensor:
        """Outputs, (S, B) or (S, B, C); see `Model.forward`."""
        phi, seeds = activation(self.activation), X.shape[0]
        h = images(X)
        for i in range(1, len(self.channels) + 1):
            h = phi(convolve(h, params[f"W{i}"], params.get(f"b{i}"), self.stride))
        h = h.unflatten(1, (seeds, -1)).transpose(0, 1).flatten(2)
        return self._dense(params, h, len(self.channels) + 1)

    @property
    def _depth(self) -> int:
        return len(self.channels) + super()._depth
