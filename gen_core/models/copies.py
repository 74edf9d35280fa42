"""A model minus its copy at the start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.models.contract import Model, Size, evaluated, missing_members, units_of
from gen_core.recipe import brief
from gen_core.types import Data

COPY = "_copy"


@dataclass(frozen=True)
class MinusCopy:
    """f(theta) - f(theta_0): zero at the start, with the gradient, and so the tangent kernel, of f.

    Source: Chizat, Oyallon and Bach, "On Lazy Training in Differentiable Programming" (2019), section 1.2, where the
    start is made zero by a second copy. theta_0 are parameters that are not trained, named as those of theta with
    "_copy" behind.

    Attributes:
        model: f.
    """

    is_difference: ClassVar[bool] = True

    model: Model

    def __post_init__(self) -> None:
        if isinstance(self.model, (MinusCopy, type)) or missing_members(self.model):
            raise InvalidExperiment(f"model {brief(self.model)} minus its copy; expected a model that is no MinusCopy")

    @property
    def outputs(self) -> int:
        """Those of f."""
        return self.model.outputs

    @property
    def trainable(self) -> tuple[str, ...]:
        """Those of f; the copies are not trained."""
        return self.model.trainable

    def init(self, inputs: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype) -> dict[str, Tensor]:
        """Draw one seed's theta, and copy it; see `Model.init`."""
        return self._with_copies(self.model.init(inputs, generator, dtype))

    @property
    def place(self) -> Callable[[Mapping[str, Tensor], Data], dict[str, Tensor]] | None:
        """The model's `place`, then the copy; None where the model has none."""
        place = getattr(self.model, "place", None)
        return place and (lambda params, data: self._with_copies(place(self.split(params)[0], data)))

    @property
    def absorbed(self) -> Callable[[Mapping[str, Tensor], Tensor], tuple[MinusCopy, dict[str, Tensor]]] | None:
        """F and its copy, each with its own statistics; None where the model has no batch norm."""
        return None if getattr(self.model, "absorbed", None) is None else self._absorbed

    def forward(self, params: Mapping[str, Tensor], X: Tensor) -> Tensor:
        """Outputs; see `Model.forward`.

        Cost: two forward passes of f. Where all steps have all points, a training takes the second one once.
        """
        own, copy = self.split(params)
        return self.model.forward(own, X) - self.model.forward(copy, X)

    def batch_form(self) -> MinusCopy:
        """The batch form of f, minus its copy."""
        return MinusCopy(self.model.batch_form())

    def size(self, inputs: tuple[int, ...]) -> Size:
        """Twice that of f, of which one half are the copies."""
        return Size(*(2 * number for number in self.model.size(inputs)))

    def units(self, inputs: tuple[int, ...]) -> int:
        """Number of activations of both for one point."""
        return 2 * units_of(self.model, inputs)

    def split(self, params: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Parameters of f and of its copy; see `Difference.split`."""
        own = {name: value for name, value in params.items() if not name.endswith(COPY)}
        return own, {name: params[name + COPY] for name in own}

    def _with_copies(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {**params, **{name + COPY: value.clone() for name, value in params.items()}}

    def _absorbed(self, params: Mapping[str, Tensor], X: Tensor) -> tuple[MinusCopy, dict[str, Tensor]]:
        own, copy = self.split(params)
        model, plain = evaluated(self.model, own, X)
        _, still = evaluated(self.model, copy, X)
        return replace(self, model=model), {**plain, **{name + COPY: value for name, value in still.items()}}
