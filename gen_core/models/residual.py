"""Residual networks: blocks that add to what they are given."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from gen_core.checks import check_count
from gen_core.errors import InvalidExperiment
from gen_core.models.activations import activation
from gen_core.models.batch_norm import Moments
from gen_core.models.contract import Layer
from gen_core.models.layered import Network
from gen_core.models.layers import images, positions, separate, zeros_around
from gen_core.models.networks import image_shape


@dataclass(frozen=True)
class ResNet(Network):
    """A convolution with the activation, residual blocks h <- h + W' * phi(W * h) at its size, then dense layers.

    Source: He et al., "Deep Residual Learning for Image Recognition" (2016), section 3, without a change of size
    between blocks and without an activation after the sum. Inputs are images, (channels, height, width); all
    convolutions are padded. Layer 1 is the first convolution, and block j has the layers 2j and 2j + 1.

    Attributes:
        channels: channels of all convolutions.
        blocks: number of residual blocks.
        kernel: side of all kernels, odd.
        stride: stride of the first convolution.
        hidden: widths of the hidden dense layers.
        activation, outputs, scheme, init_std, gain, bias: as in `MLP`.
        batch_norm: whether every convolution and hidden dense layer is normalized, as in `ConvNet`; in a block that is
            before the activation and before the sum.
    """

    channels: int = 16
    blocks: int = 2
    kernel: int = 3
    stride: int = 2
    hidden: tuple[int, ...] = field(default=(), kw_only=True)
    is_chain: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("channels", "blocks", "kernel", "stride"):
            check_count(name, getattr(self, name))
        if self.kernel % 2 == 0:
            raise InvalidExperiment(f"kernel {self.kernel}; expected an odd number")

    def layers(self, inputs: tuple[int, ...]) -> tuple[Layer, ...]:
        """All convolutions and dense layers, whose `activation` is what follows each at once."""
        into, *sides = image_shape(inputs)
        sides = [positions(side, self.kernel, self.stride, self._zeros) for side in sides]
        convolutions = [
            self._layer(
                i,
                (self.channels, into if i == 1 else self.channels, self.kernel, self.kernel),
                "identity" if i > 1 and i % 2 else self.activation,
                stride=self.stride if i == 1 else 1,
                places=math.prod(sides),
            )
            for i in range(1, 2 * self.blocks + 2)
        ]
        return (*convolutions, *self._dense_layers(self.channels * math.prod(sides), 2 * self.blocks + 2))

    def features(self, params: Mapping[str, Tensor], X: Tensor) -> tuple[Tensor, ...]:
        """What the first convolution and each block pass on, (S, B, channels, height, width), then dense layers."""
        return super().features(params, X)

    def _hidden(self, params: Mapping[str, Tensor], X: Tensor, moments: Moments | None = None) -> Iterator[Tensor]:
        phi = activation(self.activation)

        def convolved(i: int, h: Tensor) -> Tensor:
            return self._convolved(params, i, h, self.stride if i == 1 else 1, self._zeros, moments)

        h = phi(convolved(1, images(X)))
        yield separate(h, len(X))
        for i in range(2, 2 * self.blocks + 2, 2):
            h = h + convolved(i + 1, phi(convolved(i, h)))
            yield separate(h, len(X))
        yield from self._dense(params, separate(h, len(X)).flatten(2), 2 * self.blocks + 2, moments)

    @property
    def _zeros(self) -> int:
        return zeros_around("same", self.kernel)

    @property
    def _depth(self) -> int:
        return 2 * self.blocks + 1 + super()._depth
