"""Trained networks that label data: where a process gets them from, and what they predict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from gen_core.experiment import Experiment
from gen_core.training.watching import in_parts
from gen_core.types import Data, Dataset

Teachers = Callable[[Experiment, int], Mapping[str, Tensor]]
"""Gives the final values of a seed's trained parameters, without a seed axis."""

_teachers: list[Teachers] = []


@runtime_checkable
class Taught(Dataset, Protocol):
    """A data set whose labels are those of a trained network; see `gen_core.training.teaching.LabelledBy`."""

    @property
    def data(self) -> Dataset:
        """The data set whose points are labelled."""
        ...

    @property
    def teacher(self) -> Experiment:
        """The training whose network labels them."""
        ...

    def label(self, data: Data, predict: Callable[[Tensor], Tensor]) -> Data:
        """Label one seed's points by the seed's teacher."""
        ...


def provide_teachers(teachers: Teachers) -> None:
    """Say where this process gets trained teachers from: from a store, or from a training on the spot."""
    _teachers[:] = [teachers]


def predictor(
    teacher: Experiment, seed: int, start: Mapping[str, Tensor], trained_on: Callable[[], Tensor]
) -> Callable[[Tensor], Tensor]:
    """A seed's teacher: maps points, (n, *inputs), to outputs in float64, (1, n) or (1, n, C).

    Args:
        teacher: the training.
        seed: the seed.
        start: the seed's initial parameters.
        trained_on: gives the seed's training inputs.
    """
    with torch.enable_grad():  # whoever draws may be within a measure
        finals = _teachers[0](teacher, seed) if teacher.steps else {}
    params = {name: value.unsqueeze(0) for name, value in {**start, **finals}.items()}
    model, dtype = teacher.model, teacher.torch_dtype
    assert model is not None

    @torch.no_grad()
    def predict(X: Tensor) -> Tensor:
        inputs = X.unsqueeze(0).to(dtype)
        return torch.cat(in_parts(model, params, inputs, lambda: trained_on().unsqueeze(0).to(dtype)), 1).double()

    return predict
