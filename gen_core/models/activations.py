"""Activation functions by name, so that recipes can refer to them, and their polynomial approximations.

A new name is a new value of `ACTIVATIONS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import torch
import torch.nn.functional as F
from numpy.polynomial import legendre
from torch import Tensor

from gen_core.checks import check_choice, check_count, check_number
from gen_core.code.tables import ByName
from gen_core.errors import InvalidExperiment

_aten = torch.ops.aten

SLOPE = 0.2
"""Slope of the leaky ReLU below 0."""

LINEAR = 40
"""Threshold above which softplus is the identity. torch's default of 20 is off by 2e-9, which matters in float64; 40 is
exact, and exp(40) is finite in float32."""

NODES = 256
"""Nodes of the Gauss-Legendre rule on each side of a kink at 0, exact for polynomials up to degree 511."""

MOST_DEGREE = 200
"""Largest degree of a polynomial activation."""


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


@dataclass(frozen=True)
class Polynomial:
    """The polynomial closest to an activation on an interval, for use wherever a model takes an activation's name.

    It is the least-squares fit, in the mean over the interval. Outside, it grows as its degree says.

    Source: Poggio et al., "Theory of Deep Learning III" (2017), where networks of such units stand for those of ReLU.

    Attributes:
        degree: its degree, at most 200.
        interval: where it is fitted.
        of: name of the activation that it approximates.
    """

    degree: int
    interval: tuple[float, float] = (-10, 10)
    of: str = "relu"

    def __post_init__(self) -> None:
        check_count("degree", self.degree, most=MOST_DEGREE)
        if not isinstance(self.interval, tuple) or len(self.interval) != 2:
            raise InvalidExperiment(f"interval {self.interval!r}; expected a tuple of two numbers")
        check_number("interval from", self.interval[0])
        check_number("interval to", self.interval[1], above=self.interval[0])
        check_choice("of", self.of, ACTIVATIONS)

    def __str__(self) -> str:
        low, high = self.interval
        return f"degree-{self.degree} {self.of} on [{low:g}, {high:g}]"


def activation(phi: str | Polynomial) -> Activation:
    """The activation of a given name, or the polynomial of a recipe.

    Args:
        phi: relu, leaky_relu (slope 0.2), erf, tanh, sigmoid, softplus or identity; or a `Polynomial`.

    Raises:
        InvalidExperiment: if there is none of this name.
    """
    if isinstance(phi, Polynomial):
        return _fitted(phi)
    if not isinstance(phi, str) or phi not in ACTIVATIONS:
        raise InvalidExperiment(f"activation {phi!r}; expected one of {', '.join(ACTIVATIONS)}, or a Polynomial")
    return ACTIVATIONS[phi]


def fit(recipe: Polynomial) -> np.ndarray:
    """Coefficients of a polynomial activation in Legendre's polynomials, scaled to its interval; (degree + 1,).

    c_k = (2k + 1) / 2 times the integral of phi P_k over [-1, 1], by Gauss-Legendre quadrature on each side of 0, where
    activations may have a kink: exact but for rounding for relu and leaky_relu, and to 1e-10 for the smooth ones on
    intervals up to [-1000, 1000] (to 1e-12 for degrees up to 10).
    """
    low, high = recipe.interval
    nodes, weights = legendre.leggauss(NODES)
    ends = np.array([low, 0.0, high] if low < 0 < high else [low, high])
    middle, half = (ends[1:] + ends[:-1]) / 2, (ends[1:] - ends[:-1]) / 2
    z = (middle + half * nodes[:, None]).ravel()
    weights = (half * weights[:, None]).ravel() * 2 / (high - low)
    phi = ACTIVATIONS[recipe.of](torch.from_numpy(z)).numpy()
    t = (2 * z - low - high) / (high - low)
    return (np.arange(recipe.degree + 1) + 0.5) * ((weights * phi) @ legendre.legvander(t, recipe.degree))


@cache
def _fitted(recipe: Polynomial) -> Activation:
    (low, high), values = recipe.interval, fit(recipe)
    middle, half = (low + high) / 2, (high - low) / 2
    slopes = legendre.legder(values) / half

    def series(coefficients: np.ndarray, z: Tensor) -> Tensor:
        """Clenshaw's recurrence, which is stable on the interval."""
        t = (z - middle) / half
        after, last = torch.zeros_like(t), torch.full_like(t, float(coefficients[-1]))
        for k in range(len(coefficients) - 2, -1, -1):
            # b_k = c_k + (2k + 1) / (k + 1) t b_(k+1) - (k + 1) / (k + 2) b_(k+2)
            now = (t * last).mul_((2 * k + 1) / (k + 1)).sub_(after, alpha=(k + 1) / (k + 2))
            after, last = last, now.add_(float(coefficients[k]))
        return last

    phi = partial(series, values)
    return Activation(str(recipe), phi, phi, lambda g, z: g.mul_(series(slopes, z)), by_input=True)
