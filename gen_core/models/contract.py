"""The contract of a model, and the description of a model made of layers.

Every model computes a whole batch of seeds at once, each seed with its own parameters: parameters and inputs have a
leading seed axis S.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, Protocol, TypeGuard, runtime_checkable

import torch
from torch import Tensor

from gen_core.errors import InvalidExperiment


class Size(NamedTuple):
    """Number of parameters of a model, and multiply-adds of a forward pass of one point."""

    parameters: int
    multiply_adds: int


@runtime_checkable
class Model(Protocol):
    """A frozen, hashable recipe of a model: a dataclass of builtins with these members.

    A model whose parameters or initialization depend on a seed's points also has a method
    `place(params, data) -> params`: given the parameters drawn by `init` and that seed's `Data`, it returns parameters
    of the same shapes.

    A model made of layers inherits from `Layered` and describes them once; its size, its steps without an autograd
    graph and the norms of its layers follow. A model without layers defines `size`, and its steps use autograd.
    """

    @property
    def outputs(self) -> int:
        """Outputs per point: `forward` returns (S, B) for one output and (S, B, C) for C > 1."""
        ...

    @property
    def trainable(self) -> tuple[str, ...]:
        """Names of the trained parameters; the others keep their initial values."""
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
        """The same model with all values reset that affect neither shapes nor operations.

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
    """One layer of a network, phi(scale W h + b), where h is the output of the layer before.

    h is a vector for dense weights, (out, in), and an image for convolution kernels, (out, in, k, k), with padding
    k // 2. Dense weights flatten images.

    Attributes:
        weight: name of the parameter W.
        shape: shape of one seed's W. The parameter itself may omit axes of length 1.
        bias: name of the parameter b, (out,); "" for none.
        activation: name of phi; see `gen_core.models.activations`.
        scale: factor on W h, for dense weights.
        stride: stride of a convolution.
        places: number of positions in one input at which W is applied.
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
        """Whether W multiplies vectors or is convolved with images."""
        return "dense" if len(self.shape) == 2 else "convolution"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its parameters."""
        return (self.weight, self.bias) if self.bias else (self.weight,)

    @property
    def units(self) -> int:
        """Number of its activations for one input."""
        return self.shape[0] * self.places

    @property
    def size(self) -> Size:
        """Number of its parameters, and of its multiply-adds for one input."""
        biases = self.shape[0] if self.bias else 0
        return Size(math.prod(self.shape) + biases, math.prod(self.shape) * self.places)


class Layered:
    """A model that describes its layers."""

    is_chain: ClassVar[bool] = False
    """Whether `forward` is the chain of the layers and nothing else, so that a training may use hand-written gradients
    in place of autograd. A class declares it for itself alone: a subclass may have another `forward`, and either
    declares it again or is trained with autograd."""

    one_by_one: ClassVar[bool] = False
    """Whether a step on a CPU goes network by network, so that large weights stay in cache for the whole step: small
    batches on large weights are limited by memory bandwidth."""

    def layers(self, inputs: tuple[int, ...]) -> tuple[Layer, ...]:
        """The layers, from the input on, given the shape of one input.

        Raises:
            InvalidExperiment: if the model cannot take inputs of this shape.
        """
        raise NotImplementedError

    def size(self, inputs: tuple[int, ...]) -> Size:
        """Sum of the layers' sizes; see `Model.size`."""
        sizes = [layer.size for layer in self.layers(inputs)]
        return Size(*map(sum, zip(*sizes, strict=True)))


def chained(model: object) -> TypeGuard[Layered]:
    """Whether a model's own class declares that `forward` is the chain of its layers; see `Layered.is_chain`."""
    return isinstance(model, Layered) and vars(type(model)).get("is_chain", False)


def layers_of(model: Model, inputs: tuple[int, ...]) -> tuple[Layer, ...]:
    """The layers of a model, from the input on, given the shape of one input.

    Raises:
        InvalidExperiment: if the model is not `Layered`.
    """
    if not isinstance(model, Layered):
        raise InvalidExperiment(f"{type(model).__name__} has no layers; expected a model made of layers")
    return model.layers(inputs)


def units_of(model: Model, inputs: tuple[int, ...]) -> int:
    """Number of activations of all layers for one point; an estimate, as for dense layers, for other models."""
    if isinstance(model, Layered):
        return sum(layer.units for layer in model.layers(inputs))
    return model.size(inputs).multiply_adds // math.prod(inputs)


def evaluated(
    model: Model, params: Mapping[str, Tensor], X: Tensor | Callable[[], Tensor]
) -> tuple[Model, Mapping[str, Tensor]]:
    """The network whose outputs count: with the statistics of the training inputs, where there is batch norm.

    Args:
        model: the model that is trained.
        params: all its parameters, (S, ...).
        X: all training inputs, (S, n, *inputs), or a function that returns them, called only where they are needed.

    Returns:
        The model and its parameters, unchanged unless the model has an `absorbed`.
    """
    absorbed = getattr(model, "absorbed", None)
    return (model, params) if absorbed is None else absorbed(params, X() if callable(X) else X)
