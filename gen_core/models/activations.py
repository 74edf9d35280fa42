"""Activation functions by name, so that a recipe can carry them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.fingerprint import ByName


def _identity(z: Tensor) -> Tensor:
    return z


_BY_NAME: ByName[Callable[[Tensor], Tensor]] = ByName(
    {
        "relu": torch.relu,
        "leaky_relu": partial(F.leaky_relu, negative_slope=0.2),
        "erf": torch.erf,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        # torch's own threshold of 20 is off by 2e-9, which float64 sees; 40 is exact, and exp(40) is finite in float32.
        "softplus": partial(F.softplus, threshold=40),
        "identity": _identity,
    }
)


def activation(name: str) -> Callable[[Tensor], Tensor]:
    """Return an activation function; it works entry by entry and keeps shape and dtype.

    Args:
        name: relu, leaky_relu (slope 0.2), erf, tanh, sigmoid, softplus or identity.

    Raises:
        InvalidExperiment: if there is none of this name.
    """
    if name not in _BY_NAME:
        raise InvalidExperiment(f"activation {name!r}; expected one of {', '.join(_BY_NAME)}")
    return _BY_NAME[name]
