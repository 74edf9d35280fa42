"""Scales on which bounded quantities are near normal: near its bound a quantity is skewed, and its mean deceives.

Values of R^2 or of a rank correlation near 1 have a long tail towards the limit of "at least c": with the truth on the
limit, Student's t holds such a claim 28 to 106 times too often. On these scales the tail is gone or lies on the other
side. They increase, so that bounds and limits carry over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np


@dataclass(frozen=True)
class Scale:
    """An increasing function on an open interval.

    Attributes:
        name: the function, in words.
        to: from the quantity to the scale; `back` from the scale to the quantity. Both act on arrays.
        low, high: the open interval on which it is defined.
    """

    name: str
    to: Callable[[np.ndarray], np.ndarray]
    back: Callable[[np.ndarray], np.ndarray]
    low: float
    high: float

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """The values on the scale.

        Raises:
            ValueError: for a value at or beyond an end of the interval.
        """
        outside = (values <= self.low) | (values >= self.high)
        if outside.any():
            worst = float(np.asarray(values)[outside].ravel()[0])
            raise ValueError(f"{worst:g} has no {self.name}; expected values between {self.low:g} and {self.high:g}")
        return self.to(values)


SCALES: Mapping[str, Scale] = MappingProxyType(
    {
        scale.name: scale
        for scale in (
            Scale("-log(1 - x)", lambda x: -np.log1p(-x), lambda u: -np.expm1(-u), -np.inf, 1.0),
            Scale("artanh(x)", np.arctanh, np.tanh, -1.0, 1.0),
            Scale("logit(x)", lambda x: np.log(x) - np.log1p(-x), lambda u: 1 / (1 + np.exp(-u)), 0.0, 1.0),
            Scale("log(x)", np.log, np.exp, 0.0, np.inf),
        )
    }
)
"""-log(1 - x) for R^2, artanh(x) (Fisher's z) for correlations, logit(x) for shares, log(x) for sizes; by name."""
