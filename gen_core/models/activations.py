"""Activation functions by name, so that recipes can refer to them. A new one is a new value of `ACTIVATIONS`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from gen_core.code.fingerprint import ByName
from gen_core.errors import InvalidExperiment

_aten = torch.ops.aten

SLOPE = 0.2
"""Slope of the leaky ReLU below 0."""

LINEAR = 40
"""Threshold above which softplus is the identity. torch's default of 20 is off by 2e-9, which matters in float64; 40 is
exact, and exp(40) is finite in float32."""


@dataclass(frozen=True)
class Activation:
    """An elementwise activation phi, which preserves shape and dtype.

    `backward(g, h)` overwrites g with g phi', computed from the output h or, if `by_input`, from the input z, which it
    overwrites too.

    Attributes:
        name: its name in recipes.
        function: phi(z), a new tensor, differentiable by autograd.
        forward: phi(z) without gradients; it overwrites z unless `by_input`.
        backward: g phi', in place of g, given g and h, or g and z.
        by_input: whether `backward` takes the input z.
    """

    name: str
    function: Callable[[Tensor], Tensor]
    forward: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor], Tensor]
    by_input: bool = False

    def __call__(self, z: Tensor) -> Tensor:
        """phi(z), a new tensor except for the identity."""
        return self.function(z)


def _identity(z: Tensor) -> Tensor:
    return z


_softplus = partial(F.softplus, threshold=LINEAR)

ACTIVATIONS: ByName[Activation] = ByName(
    {
        "relu": Activation(
            "relu",
            torch.relu,
            torch.relu_,
            lambda g, h: _aten.threshold_backward.grad_input(g, h, 0, grad_input=g),
        ),
        "leaky_relu": Activation(
            "leaky_relu",
            partial(F.leaky_relu, negative_slope=SLOPE),
            partial(F.leaky_relu_, negative_slope=SLOPE),
            lambda g, h: _aten.leaky_relu_backward.grad_input(g, h, SLOPE, True, grad_input=g),
        ),
        "erf": Activation(
            "erf",
            torch.erf,
            torch.erf,
            lambda g, z: g.mul_(z.square_().neg_().exp_()).mul_(2 / math.sqrt(math.pi)),
            by_input=True,
        ),
        "tanh": Activation(
            "tanh",
            torch.tanh,
            torch.tanh_,
            lambda g, h: _aten.tanh_backward.grad_input(g, h, grad_input=g),
        ),
        "sigmoid": Activation(
            "sigmoid",
            torch.sigmoid,
            torch.sigmoid_,
            lambda g, h: _aten.sigmoid_backward.grad_input(g, h, grad_input=g),
        ),
        "softplus": Activation(
            "softplus",
            _softplus,
            _softplus,
            lambda g, z: g.mul_(z.sigmoid_()),
            by_input=True,
        ),
        "identity": Activation("identity", _identity, _identity, lambda g, h: g),
    }
)


def activation(name: str) -> Activation:
    """The activation of a given name.

    Args:
        name: relu, leaky_relu (slope 0.2), erf, tanh, sigmoid, softplus or identity.

    Raises:
        InvalidExperiment: if there is none of this name.
    """
    if name not in ACTIVATIONS:
        raise InvalidExperiment(f"activation {name!r}; expected one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]
