"""Shared vocabulary: what a data set is, and what one draw of it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


@dataclass(frozen=True)
class Data:
    """One seed's data, on the CPU.

    Labels of two classes are floats -1 and +1, real targets are floats, and classes of more than two are int64.

    Attributes:
        X: training inputs, shape (n, *inputs), floating point.
        y: training labels, shape (n,).
        X_test: held-out inputs, shape (n_test, *inputs); None where a claim holds none out.
        y_test: held-out labels, shape (n_test,).
    """

    X: Tensor
    y: Tensor
    X_test: Tensor | None = None
    y_test: Tensor | None = None


@runtime_checkable
class Dataset(Protocol):
    """A frozen, hashable recipe of data: a dataclass of builtins with these attributes and a `draw`.

    Where points are held out it has an `n_test` too. A recipe that reads files has a method `source() -> str`, a
    digest of what it reads, which raises `DataMissing` or `DataDamaged` where that cannot be read; the digest enters
    the key of every result.
    """

    @property
    def n(self) -> int:
        """Number of training points, known without drawing."""
        ...

    @property
    def inputs(self) -> tuple[int, ...]:
        """Shape of one input, known without drawing."""
        ...

    def draw(self, generator: torch.Generator) -> Data:
        """Draw one seed's data from a CPU generator and from nothing else."""
        ...


def held_out(data: Dataset) -> int:
    """Number of held-out points, 0 where the recipe has no `n_test`."""
    return getattr(data, "n_test", 0)


@runtime_checkable
class Derived(Dataset, Protocol):
    """A data set made of another one's points: a seed sees the very points that the other one gives it."""

    @property
    def data(self) -> Dataset:
        """The other one."""
        ...

    def derive(self, data: Data, generator: torch.Generator) -> Data:
        """Make one seed's data of what the other one drew, with a stream of this recipe's own."""
        ...
