"""Gaussian inputs with linear targets, and what other sets of vectors are drawn with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log, sqrt

import torch
from torch import Generator, Tensor

from gen_core.checks import check_count, check_number
from gen_core.errors import InvalidExperiment
from gen_core.types import Data


class Vectors:
    """Inputs that are vectors of length d."""

    d: int

    @property
    def inputs(self) -> tuple[int, ...]:
        """Shape of one input, (d,)."""
        return (self.d,)


@dataclass(frozen=True)
class Gaussian(Vectors):
    """Gaussian inputs with linear targets, y = X w* + noise, w* ~ N(0, I/d); float64.

    Attributes:
        n: training points; more or fewer than d.
        d: dimension of an input.
        condition: None for entries that are independent N(0, 1). A number kappa >= 1 for X = U diag(s) V^T with U and V
            uniform (Haar) on matrices with orthonormal columns and s log-spaced from sqrt(d) down to sqrt(d)/kappa, so
            that every draw has this ratio of the largest to the smallest of its min(n, d) singular values. Held-out
            inputs are then N(0, X^T X / n): Gaussian, with the training inputs' own second moment.
        noise: standard deviation of the Gaussian noise on training and held-out targets.
        n_test: held-out points.
    """

    n: int
    d: int
    condition: float | None = None
    noise: float = 0.0
    n_test: int = 0

    def __post_init__(self) -> None:
        check_count("n", self.n)
        check_count("d", self.d)
        check_count("n_test", self.n_test, least=0)
        check_number("noise", self.noise, least=0)
        if self.condition is not None:
            check_number("condition", self.condition, least=1)
            if min(self.n, self.d) == 1 and self.condition != 1:
                raise InvalidExperiment(f"condition {self.condition!r}; expected 1 for X of one row or one column")

    @property
    def largest_singular_value(self) -> float:
        """The largest singular value of X: exact with a `condition`, else the usual bound sqrt(n) + sqrt(d).

        The bound holds for the mean over draws (Gordon); a draw exceeds it by t with probability at most exp(-t^2 / 2),
        so a step that is derived from it needs some room, as 1/s^2 has below 2/s^2.
        """
        return sqrt(self.d) if self.condition is not None else sqrt(self.n) + sqrt(self.d)

    @property
    def largest_row_norm(self) -> float:
        """A bound for the largest Euclidean norm of a row of X: sqrt(d) with a `condition`, where no row can exceed it.

        Else sqrt(d) + sqrt(2 log n), which bounds the mean over draws (maximum of n variables with unit sub-Gaussian
        tails); a draw exceeds it by t with probability at most exp(-t^2 / 2).
        """
        return sqrt(self.d) + (0.0 if self.condition is not None else sqrt(2 * log(self.n)))

    def draw(self, generator: Generator) -> Data:
        """Draw X of shape (n, d), y of shape (n,), and held-out points alike."""

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        X = normal(self.n, self.d) if self.condition is None else self._conditioned(normal)
        w = normal(self.d) / sqrt(self.d)
        y = X @ w + self.noise * normal(self.n)
        if not self.n_test:
            return Data(X, y)
        if self.condition is None:
            X_test = normal(self.n_test, self.d)
        else:
            X_test = normal(self.n_test, self.n) @ X / sqrt(self.n)
        return Data(X, y, X_test, X_test @ w + self.noise * normal(self.n_test))

    def _conditioned(self, normal: Callable[[int, int], Tensor]) -> Tensor:
        rank = min(self.n, self.d)
        U, V = haar(normal(self.n, rank)), haar(normal(self.d, rank))
        exponents = torch.linspace(0, -1, rank, dtype=torch.float64)
        return sqrt(self.d) * (U * float(self.condition or 1) ** exponents) @ V.T


def haar(normals: Tensor) -> Tensor:
    """Orthonormal columns, uniform under rotations, from independent normals of shape (rows, columns)."""
    Q, R = torch.linalg.qr(normals)
    # QR leaves the signs to the library; the signs of R's diagonal make the result uniform (Mezzadri 2007, section 5).
    return Q * torch.where(R.diagonal() < 0, -1.0, 1.0)
