"""The common part of networks of any depth.

Layers are numbered from 1: layer i has weights "W<i>" and, with `bias`, biases "b<i>", which are zero initially. With
batch norm, a hidden layer has gains "g<i>", which are one initially, and shifts "s<i>", zero, in place of biases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self

import torch
from torch import Tensor

from gen_core.checks import check_count, check_counts, check_flag, check_number
from gen_core.errors import InvalidExperiment
from gen_core.models.activations import Polynomial, activation
from gen_core.models.batch_norm import Moments, absorb, batch_normalized
from gen_core.models.contract import Layer, Layered
from gen_core.models.layers import SCHEMES, convolve, weights
from gen_core.models.products import affine


@dataclass(frozen=True, kw_only=True)
class Network(Layered):
    """The common part of dense, convolutional and residual networks: dense layers, batch norm and initialization.

    `absorbed(params, X)` is the same network without batch norm, whose outputs on the training inputs X, (S, n,
    *inputs), are those with batch norm over all of X; it is None without batch norm. Cost: a forward pass of X, with
    the activations of two layers of one seed in memory.
    """

    hidden: tuple[int, ...]
    activation: str | Polynomial = "relu"
    outputs: int = 1
    scheme: str = "xavier_uniform"
    init_std: float | None = None
    gain: float = 1.0
    bias: bool = True
    batch_norm: bool = False

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
        check_number("gain", self.gain, above=0.0)
        check_flag("bias", self.bias)
        check_flag("batch_norm", self.batch_norm)

    @property
    def trainable(self) -> tuple[str, ...]:
        """All parameters."""
        return tuple(f"{kind}{i}" for i in range(1, self._depth + 1) for kind in self._kinds(i))

    def init(self, inputs: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype) -> dict[str, Tensor]:
        """Draw one seed's parameters; see `Model.init`."""
        params = {}
        for layer in self.layers(inputs):
            drawn = self.gain * weights(layer.shape, self.scheme, self.init_std, generator)
            params[layer.weight] = drawn.to(dtype)
            for name in layer.names[1:]:
                params[name] = torch.full(layer.shape[:1], float(name == layer.gain), dtype=dtype)
        return params

    def forward(self, params: Mapping[str, Tensor], X: Tensor) -> Tensor:
        """Outputs, (S, B) or (S, B, C); see `Model.forward`."""
        last = X
        for h in self._hidden(params, X):
            last = h
        f = affine(last.flatten(2), params[f"W{self._depth}"], params.get(f"b{self._depth}"))
        return f.squeeze(-1) if self.outputs == 1 else f

    def features(self, params: Mapping[str, Tensor], X: Tensor) -> tuple[Tensor, ...]:
        """Outputs of the hidden layers after the activation, from the input on.

        Returns:
            (S, B, width) of dense layers, (S, B, channels, height, width) of convolutions.
        """
        return tuple(self._hidden(params, X))

    def batch_form(self) -> Self:
        """The network without the values of its initialization."""
        return replace(self, scheme="xavier_uniform", init_std=None, gain=1.0)

    @property
    def absorbed(self) -> Callable[[Mapping[str, Tensor], Tensor], tuple[Self, dict[str, Tensor]]] | None:
        """The network without batch norm; see the class, and `gen_core.models.evaluated`."""
        return self._absorbed if self.batch_norm else None

    @torch.no_grad()
    def _absorbed(self, params: Mapping[str, Tensor], X: Tensor) -> tuple[Self, dict[str, Tensor]]:
        rows = []
        for s in range(len(X)):
            moments: Moments = {}
            row = {name: value[s : s + 1] for name, value in params.items()}
            for _ in self._hidden(row, X[s : s + 1], moments):
                pass
            rows.append(absorb(row, moments))
        if not self.bias:
            rows = [row | {f"b{self._depth}": row[f"W{self._depth}"].new_zeros(1, self.outputs)} for row in rows]
        plain = {name: torch.cat([row[name] for row in rows]) for name in rows[0]}
        return replace(self, batch_norm=False, bias=True), plain

    def _hidden(self, params: Mapping[str, Tensor], X: Tensor, moments: Moments | None = None) -> Iterator[Tensor]:
        """Outputs of the hidden layers, one after the other; see `features`, and `batch_normalized` for `moments`."""
        raise NotImplementedError

    @property
    def _depth(self) -> int:
        return len(self.hidden) + 1

    def _kinds(self, i: int) -> str:
        """First letters of the parameters of layer i."""
        if self.batch_norm and i < self._depth:
            return "Wgs"
        return "Wb" if self.bias else "W"

    def _layer(self, i: int, shape: tuple[int, ...], phi: str | Polynomial, **place: Any) -> Layer:
        bias, gain, shift = (f"{kind}{i}" if kind in self._kinds(i) else "" for kind in "bgs")
        return Layer(f"W{i}", shape, bias, phi, gain=gain, shift=shift, **place)

    def _dense_layers(self, into: int, first: int) -> tuple[Layer, ...]:
        """The dense layers on `into` inputs, numbered from `first`."""
        shapes = [(out, below) for below, out in pairwise((into, *self.hidden, self.outputs))]
        return tuple(
            self._layer(i, shape, self.activation if i < self._depth else "identity")
            for i, shape in enumerate(shapes, first)
        )

    def _dense(self, params: Mapping[str, Tensor], h: Tensor, first: int, moments: Moments | None) -> Iterator[Tensor]:
        """Outputs of the hidden dense layers, numbered from `first`, on h, (S, B, in)."""
        phi = activation(self.activation)
        for i in range(first, self._depth):
            z = affine(h, params[f"W{i}"], params.get(f"b{i}"))
            if self.batch_norm:
                flat = batch_normalized(z.transpose(0, 1).flatten(1), params, i, moments)
                z = flat.unflatten(1, z.shape[::2]).transpose(0, 1)
            h = phi(z)
            yield h

    def _convolved(
        self, params: Mapping[str, Tensor], i: int, h: Tensor, stride: int, zeros: int, moments: Moments | None
    ) -> Tensor:
        """What convolution i has before its activation, in the layout of `convolve`."""
        z = convolve(h, params[f"W{i}"], params.get(f"b{i}"), stride, zeros)
        return batch_normalized(z, params, i, moments) if self.batch_norm else z
