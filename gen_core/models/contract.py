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
from gen_core.models.activations import Polynomial
from gen_core.models.layers import zeros_around


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

    A model that is evaluated otherwise than it is trained, as with batch norm, also has a method
    `absorbed(params, X) -> (Model, params)`: given all parameters and all training inputs, (S, n, *inputs), it returns
    the network that is evaluated; see `evaluated`.

    Where `place` or `absorbed` is None, it counts as not there.

    A model made of layers inherits from `Layered` and describes them once; its size, its steps without an autograd
    graph and the norms of its layers follow. A model without layers defines `size`, and its steps use autograd unless
    it is `Sparse`.
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

    h is a vector for dense weights, (out, in), and an image for convolution kernels, (out, in, k, k). Dense weights
    flatten images. With batch norm it is phi(gain z + shift), where z is W h normalized over the batch.

    Attributes:
        weight: name of the parameter W.
        shape: shape of one seed's W. The parameter itself may omit axes of length 1.
        bias: name of the parameter b, (out,); "" for none.
        activation: phi; see `gen_core.models.activations`.
        scale: factor on W h, for dense weights.
        stride: stride of a convolution.
        places: number of positions in one input at which W is applied.
        padding: zeros around the images of a convolution: "same" for k // 2 on each side, "valid" for none.
        gain: name of the factor of batch norm, (out,); "" without batch norm.
        shift: name of what batch norm adds, (out,); "" without batch norm.
    """

    weight: str
    shape: tuple[int, ...]
    bias: str = ""
    activation: str | Polynomial = "identity"
    scale: float = 1.0
    stride: int = 1
    places: int = 1
    padding: str = "same"
    gain: str = ""
    shift: str = ""

    @property
    def kind(self) -> Literal["dense", "convolution"]:
        """Whether W multiplies vectors or is convolved with images."""
        return "dense" if len(self.shape) == 2 else "convolution"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its parameters."""
        return tuple(filter(None, (self.weight, self.bias, self.gain, self.shift)))

    @property
    def zeros(self) -> int:
        """Number of zeros on each side of the images of a convolution."""
        return zeros_around(self.padding, self.shape[-1])

    @property
    def units(self) -> int:
        """Number of its activations for one input."""
        return self.shape[0] * self.places

    @property
    def size(self) -> Size:
        """Number of its parameters, and of its multiply-adds for one input."""
        others = self.shape[0] * (len(self.names) - 1)
        return Size(math.prod(self.shape) + others, math.prod(self.shape) * self.places)


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

    def units(self, inputs: tuple[int, ...]) -> int:
        """Number of activations of all layers for one point."""
        return sum(layer.units for layer in self.layers(inputs))


def chained(model: object) -> TypeGuard[Layered]:
    """Whether a model's own class declares that `forward` is the chain of its layers; see `Layered.is_chain`."""
    return isinstance(model, Layered) and vars(type(model)).get("is_chain", False)


class Difference(Protocol):
    """A model f(theta) - f(theta_0), of which only theta is trained: what f gives at theta_0 need be computed once."""

    is_difference: ClassVar[bool]
    """Whether `forward` is this difference; a class declares it for itself alone, as `Layered.is_chain`."""

    @property
    def model(self) -> Model:
        """The model f."""
        ...

    def split(self, params: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Theta and theta_0, under the names of f."""
        ...


def subtracts(model: object) -> TypeGuard[Difference]:
    """Whether a model's own class declares that `forward` is a `Difference`, and f takes a point by itself."""
    return vars(type(model)).get("is_difference", False) and getattr(model, "absorbed", None) is None


class Sparse(Protocol):
    """A model of one output whose gradient at a point is zero in all but a few parameters: steps change those alone."""

    is_sparse: ClassVar[bool]
    """Whether `descend` follows the gradient of `forward`; a class declares it for itself, as `Layered.is_chain`."""

    def descend(self, params: Mapping[str, Tensor], X: Tensor, pull: Callable[[Tensor], Tensor]) -> None:
        """Take sum_i g_i df(x_i)/dw from each trained parameter w, in place.

        Args:
            params: all parameters, (S, ...).
            X: training points, (S, B, *inputs).
            pull: their outputs f, (S, B) -> g, (S, B).
        """
        ...


def descends(model: object) -> TypeGuard[Sparse]:
    """Whether a model's own class declares that it is `Sparse`."""
    return vars(type(model)).get("is_sparse", False)


def layers_of(model: Model, inputs: tuple[int, ...]) -> tuple[Layer, ...]:
    """The layers of a model, from the input on, given the shape of one input.

    Raises:
        InvalidExperiment: if the model is not `Layered`.
    """
    if not isinstance(model, Layered):
        raise InvalidExperiment(f"{type(model).__name__} has no layers; expected a model made of layers")
    return model.layers(inputs)


def units_of(model: Model, inputs: tuple[int, ...]) -> int:
    """Number of activations for one point, by the model's `units`; an estimate, as for dense layers, without it."""
    units: Callable[[tuple[int, ...]], int] | None = getattr(model, "units", None)
    return units(inputs) if callable(units) else model.size(inputs).multiply_adds // math.prod(inputs)


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


def refuse_single_points(model: Model, points: int) -> None:
    """Refuse batches of one point for a model with batch norm: for any that has an `absorbed`.

    Raises:
        InvalidExperiment: if the batches have one point.
    """
    if points < 2 and getattr(model, "absorbed", None) is not None:
        raise InvalidExperiment(f"batch norm of {type(model).__name__} with batch {points}; expected at least 2")


def missing_members(value: object) -> tuple[str, ...]:
    """Names of the members of a `Model` that a value does not have."""
    return tuple(name for name in vars(Model) if not name.startswith("_") and not hasattr(value, name))


def check_start(model: Model, who: str, params: object, dtype: torch.dtype) -> None:
    """Check that a start has the parameters that the model names, each a tensor, and in the dtype of the training.

    Raises:
        InvalidExperiment: naming who gave something else.
    """
    expected = f"expected name -> tensor, with {', '.join(model.trainable)} among them"
    if not isinstance(params, Mapping):
        raise InvalidExperiment(f"{who} gave a {type(params).__name__}; {expected}")
    for name in (*model.trainable, *params):
        value = params.get(name)
        if not isinstance(value, Tensor):
            gave = f"a {type(value).__name__} for {name!r}" if name in params else f"no {name!r}"
            raise InvalidExperiment(f"{who} gave {gave}; {expected}")
        if name in model.trainable and value.dtype != dtype:
            raise InvalidExperiment(f"{who} gave {name} of {value.dtype}; expected {dtype}, the dtype that it is given")
