"""The contract of a model, and what a model that is made of layers says of them.

Every model computes a whole block of seeds at once, each seed with its own parameters: parameters and inputs carry a
leading seed axis S.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, Protocol, TypeGuard, runtime_checkable

import torch
from torch import Tensor

from gen_core.errors import InvalidExperiment


class Size(NamedTuple):
    """What a model takes: its parameters, and the multiply-adds of one forward pass of one point."""

    parameters: int
    multiply_adds: int


@runtime_checkable
class Model(Protocol):
    """A frozen, hashable recipe of a model: a dataclass of builtins with these members.

    A model whose parameters belong to a seed's points, or whose start looks at them, has a method
    `place(params, data) -> params` too: it gets what `init` drew, of the same shapes, and that seed's `Data`.

    A model that is made of layers inherits from `Layered` and tells them once; its size, its steps without a graph and
    the norms of its layers follow. A model without layers says its `size`, and its steps are autograd's.
    """

    @property
    def outputs(self) -> int:
        """Outputs per point: with 1, `forward` gives (S, B), with C > 1 it gives (S, B, C)."""
        ...

    @property
    def trainable(self) -> tuple[str, ...]:
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

    def batch_form(self) -> Model:
        """The same model without the values that leave shapes and operations alone.

        Recipes whose batch forms agree can be trained in one batch.
        """
        ...

    def size(self, inputs: tuple[int, ...]) -> Size:
        """Number of parameters, and multiply-adds of one forward pass of one point (biases not counted).

        Raises:
            InvalidExperiment: if the model cannot take inputs of this shape.
        """
        ...


@dataclass(frozen=True)
class Layer:
    """One layer of a network, phi(scale W h + b) of h from the layer below.

    h is a vector for dense weights, (out, in), and an image for kernels, (out, in, k, k), which have a padding of
    k // 2. Images below dense weights are flattened.

    Attributes:
        weight: name of the parameter W.
        shape: shape of one seed's W. The parameter itself may leave axes of length 1 out.
        bias: name of the parameter b, (out,); "" for none.
        activation: phi, by name; see `gen_core.models.activations`.
        scale: factor on W h, of dense weights.
        stride: step of a convolution's window.
        places: places of one input where W is applied.
    """

    weight: str
    shape: tuple[int, ...]
    bias: str = ""
    activation: str = "identity"
    scale: float = 1.0
    stride: int = 1
    places: int = 1

    @property
    def kind(self) -> Literal["dense", "convolution"]:
        """Whether W multiplies vectors or is moved over images."""
        return "dense" if len(self.shape) == 2 else "convolution"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its parameters."""
        return (self.weight, self.bias) if self.bias else (self.weight,)

    @property
    def units(self) -> int:
        """Numbers that it makes of one input."""
        return self.shape[0] * self.places

    @property
    def size(self) -> Size:
        """Its parameters, and its multiply-adds for one input."""
        biases = self.shape[0] if self.bias else 0
        return Size(math.prod(self.shape) + biases, math.prod(self.shape) * self.places)


class Layered:
    """A model that tells its layers, and what follows from them."""

    is_chain: ClassVar[bool] = False
    """Whether `forward` is the layers one after the other and nothing else, so that a training may step along their
    gradients as they are written out in place of autograd's. A class says it of itself alone: one that inherits from
    it may have another forward, and says it again or is left to autograd."""

    one_by_one: ClassVar[bool] = False
    """Whether a step on a CPU goes network by network, so that large weights stay in a cache for all of it: thin
    batches over them are bound by memory."""

    def layers(self, inputs: tuple[int, ...]) -> tuple[Layer, ...]:
        """The layers from below, given the shape of one input.

        Raises:
            InvalidExperiment: if the model cannot take inputs of this shape.
        """
        raise NotImplementedError

    def size(self, inputs: tuple[int, ...]) -> Size:
        """Sum of the layers' sizes; see `Model.size`."""
        sizes = [layer.size for layer in self.layers(inputs)]
        return Size(*map(sum, zip(*sizes, strict=True)))


def chained(model: object) -> TypeGuard[Layered]:
    """Whether a model says, by its own class, that its forward is the chain of its layers; see `Layered.is_chain`."""
    return isinstance(model, Layered) and vars(type(model)).get("is_chain", False)


def layers_of(model: Model, inputs: tuple[int, ...]) -> tuple[Layer, ...]:
    """The layers of a model, from below, given the shape of one input.

    Raises:
        InvalidExperiment: if it does not tell them.
    """
    if not isinstance(model, Layered):
        raise InvalidExperiment(f"{type(model).__name__} tells no layers; expected a model that is made of layers")
    return model.layers(inputs)


def units_of(model: Model, inputs: tuple[int, ...]) -> int:
    """Numbers that all layers make of one point; of a model that tells none, as many as if they were dense."""
    if isinstance(model, Layered):
        return sum(layer.units for layer in model.layers(inputs))
    return model.size(inputs).multiply_adds // math.prod(inputs)
