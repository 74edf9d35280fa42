"""Networks of any depth: dense, and convolutional with a dense head.

Their parameters are those of `gen_core.models.layered`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from gen_core.checks import check_choice, check_count, check_counts
from gen_core.errors import InvalidExperiment
from gen_core.models.activations import activation
from gen_core.models.batch_norm import Moments
from gen_core.models.contract import Layer
from gen_core.models.layered import Network
from gen_core.models.layers import PADDINGS, images, positions, separate, zeros_around


@dataclass(frozen=True)
class MLP(Network):
    """Dense network; inputs are flattened.

    Attributes:
        hidden: widths of the hidden layers; () is a linear map.
        activation: its name, or a `Polynomial`; see `gen_core.models.activations`.
        outputs: outputs per point.
        scheme: how weights are drawn: "xavier_uniform", "he_normal", "lecun_normal" or "normal"; see
            `gen_core.models.layers.weights`.
        init_std: the standard deviation for "normal".
        gain: factor on all initial weights.
        bias: whether the layers have biases.
        batch_norm: whether each hidden layer is normalized over the batch before its activation, with a trained gain
            and shift in place of a bias; see `Network` for its evaluation.
    """

    hidden: tuple[int, ...] = (128, 128)
    is_chain: ClassVar[bool] = True

    def layers(self, inputs: tuple[int, ...]) -> tuple[Layer, ...]:
        """The dense layers; see `Layered.layers`."""
        return self._dense_layers(math.prod(inputs), 1)

    def _hidden(self, params: Mapping[str, Tensor], X: Tensor, moments: Moments | None = None) -> Iterator[Tensor]:
        yield from self._dense(params, X.flatten(2), 1, moments)


@dataclass(frozen=True)
class ConvNet(Network):
    """Convolutions, each followed by the activation, then dense layers.

    Inputs are images, (channels, height, width). A convolution maps a side of n to (n - 1) // stride + 1, or without
    padding to (n - kernel) // stride + 1.

    Attributes:
        channels: output channels of the convolutions.
        kernel: side of the kernels, of all or one for each convolution; odd with padding.
        stride: stride of the convolutions, of all or one for each.
        hidden: widths of the hidden dense layers; with () the output layer follows the last convolution.
        padding: "same", kernel // 2 zeros on each side of an image, or "valid", none.
        activation, outputs, scheme, init_std, gain, bias, batch_norm: as in `MLP`; batch norm is over the batch and the
            positions of an image.
    """

    channels: tuple[int, ...] = (8, 16)
    kernel: int | tuple[int, ...] = 3
    stride: int | tuple[int, ...] = 2
    hidden: tuple[int, ...] = field(default=(32,), kw_only=True)
    padding: str = field(default="same", kw_only=True)
    is_chain: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts("channels", self.channels)
        if not self.channels:
            raise InvalidExperiment("channels (); expected at least one convolution")
        check_choice("padding", self.padding, PADDINGS)
        for name, value in (("kernel", self.kernel), ("stride", self.stride)):
            if not isinstance(value, tuple):
                check_count(name, value)
                continue
            check_counts(name, value)
            if len(value) != len(self.channels):
                raise InvalidExperiment(f"{name} {value}; expected one number, or {len(self.channels)} as of channels")
        for kernel, _, zeros in self._windows:
            if zeros and kernel % 2 == 0:
                raise InvalidExperiment(f"kernel {kernel} with padding 'same'; expected an odd number, or 'valid'")

    def layers(self, inputs: tuple[int, ...]) -> tuple[Layer, ...]:
        """The convolutions and the dense layers; see `Layered.layers`."""
        into, *sides = image_shape(inputs)
        convolutions = []
        for i, (out, (kernel, stride, zeros)) in enumerate(zip(self.channels, self._windows, strict=True), 1):
            sides = [positions(side, kernel, stride, zeros) for side in sides]
            shape, place = (out, into, kernel, kernel), math.prod(sides)
            convolutions.append(
                self._layer(i, shape, self.activation, stride=stride, places=place, padding=self.padding)
            )
            into = out
        return (*convolutions, *self._dense_layers(into * math.prod(sides), len(self.channels) + 1))

    def _hidden(self, params: Mapping[str, Tensor], X: Tensor, moments: Moments | None = None) -> Iterator[Tensor]:
        phi, h, images_out = activation(self.activation), images(X), X
        for i, (_, stride, zeros) in enumerate(self._windows, 1):
            h = phi(self._convolved(params, i, h, stride, zeros, moments))
            images_out = separate(h, len(X))
            yield images_out
        yield from self._dense(params, images_out.flatten(2), len(self.channels) + 1, moments)

    @property
    def _windows(self) -> tuple[tuple[int, int, int], ...]:
        """Kernel, stride and zeros on each side, of each convolution."""
        count = len(self.channels)
        kernels, strides = (v if isinstance(v, tuple) else (v,) * count for v in (self.kernel, self.stride))
        return tuple((k, s, zeros_around(self.padding, k)) for k, s in zip(kernels, strides, strict=True))

    @property
    def _depth(self) -> int:
        return len(self.channels) + super()._depth


def image_shape(inputs: tuple[int, ...]) -> tuple[int, int, int]:
    """Channels, height and width of one input.

    Raises:
        InvalidExperiment: if it is no image.
    """
    if len(inputs) != 3:
        raise InvalidExperiment(f"inputs {inputs}; expected (channels, height, width)")
    channels, height, width = inputs
    return channels, height, width
