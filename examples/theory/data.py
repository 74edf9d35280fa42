"""Data sets with a linear teacher."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from gen_core import Data
from torch import Generator, Tensor


@dataclass(frozen=True)
class NoisyTeacher:
    """Gaussian inputs, labelled by a teacher of norm one with Gaussian noise; the held-out labels have no noise.

    Attributes:
        n: training points.
        d: inputs per point.
        noise: standard deviation of the noise on training labels.
        n_test: held-out points.
    """

    n: int
    d: int
    noise: float = 1.0
    n_test: int = 0

    @property
    def inputs(self) -> tuple[int]:
        """(d,)."""
        return (self.d,)

    def draw(self, generator: Generator) -> Data:
        """Draw the teacher, the points and the noise."""
        w = _normal(generator, self.d)
        X, X_test = _normal(generator, self.n, self.d), _normal(generator, self.n_test, self.d)
        w /= w.norm()
        y = X @ w + self.noise * _normal(generator, self.n)
        return Data(X, y, X_test, X_test @ w) if self.n_test else Data(X, y)


@dataclass(frozen=True)
class Modes:
    """White inputs, X^T X / n = I, and targets A x of a map A with given singular values and random singular vectors.

    Attributes:
        strengths: the singular values that are not zero.
        n: training points, at least d.
        d: inputs and outputs per point.
    """

    strengths: tuple[float, ...] = (4.0, 2.0, 1.0)
    n: int = 24
    d: int = 8

    @property
    def inputs(self) -> tuple[int]:
        """(d,)."""
        return (self.d,)

    @property
    def targets(self) -> tuple[int]:
        """(d,)."""
        return (self.d,)

    def draw(self, generator: Generator) -> Data:
        """Draw the points and the singular vectors, as the orthogonal factors of Gaussian matrices."""
        shapes = ((self.n, self.d), (self.d, self.d), (self.d, self.d))
        X, left, right = (torch.linalg.qr(_normal(generator, *shape))[0] for shape in shapes)
        X, k = X * self.n**0.5, len(self.strengths)
        strengths = torch.tensor(self.strengths, dtype=torch.float64)
        return Data(X, X @ (left[:, :k] * strengths @ right[:, :k].mT).mT)


def _normal(generator: Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator, dtype=torch.float64)
