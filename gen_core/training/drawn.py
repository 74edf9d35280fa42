"""What a finished training drew: the points of its seeds, whole or part by part, and the parameters it began with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from gen_core.errors import BrokenTraining, InvalidExperiment
from gen_core.experiment import Experiment
from gen_core.models.contract import Model
from gen_core.training.draws import bytes_of, known_start, sample_data
from gen_core.training.parts import bytes_of_pass, join_parts, measuring_device, parts_of
from gen_core.training.replicas import mark
from gen_core.training.result import TrainingResult
from gen_core.training.states import states_told_once
from gen_core.types import Data, Pooled, stack_points


class PartOfPoints(NamedTuple):
    """Some points of some seeds, on the measuring device; see `gen_core.training.parts.measuring_on`.

    Attributes:
        seeds, points: which of the seeds, and which points of each.
        X: their inputs, (S, B, *inputs), in the experiment's dtype.
        y: their labels, (S, B, *targets).
    """

    seeds: slice
    points: slice
    X: Tensor
    y: Tensor


@dataclass(frozen=True, repr=False)
class Drawn:
    """The draws of a block of seeds. All tensors are on the CPU, with the seed axis first.

    Attributes:
        experiment: the recipe.
        seeds: the seed numbers, in the order of the seed axis.
        result: the trainer's result.
    """

    experiment: Experiment
    seeds: tuple[int, ...]
    result: TrainingResult

    def __repr__(self) -> str:
        """One line, short enough for a traceback."""
        return f"<Run of {self.experiment.label()}, seeds {self.seeds[0]} to {self.seeds[-1]}>"

    @property
    def model(self) -> Model:
        """The model.

        Raises:
            InvalidExperiment: if the experiment has none.
        """
        if self.experiment.model is None:
            raise InvalidExperiment(f"{self.experiment.label()} has no model; expected one, for its parameters")
        return self.experiment.model

    @property
    def X(self) -> Tensor:
        """Training inputs, (seeds, n, *inputs), in the experiment's dtype."""
        return self._data("X").to(self.experiment.torch_dtype)

    @property
    def y(self) -> Tensor:
        """Training labels, (seeds, n, *targets)."""
        y = self._data("y")
        return y.to(self.experiment.torch_dtype) if y.is_floating_point() else y

    @property
    def X_test(self) -> Tensor:
        """Held-out inputs, (seeds, n_test, *inputs)."""
        return self._data("X_test").to(self.experiment.torch_dtype)

    @property
    def y_test(self) -> Tensor:
        """Held-out labels, (seeds, n_test, *targets)."""
        return self._data("y_test")

    def initial(self, name: str) -> Tensor:
        """A parameter at initialization, (seeds, ...), drawn again from the seeds."""
        if self.experiment.after is not None:
            raise InvalidExperiment(
                f"initial {name!r} of a training after another one, which is not kept; expected a run from a draw "
                "(watch 'weights', which are at step 0 what it starts from)"
            )
        return self._drawn(name)[name]

    @states_told_once()
    def _drawn(self, *names: str) -> dict[str, Tensor]:
        """Some parameters, or all, as they are drawn: name -> (seeds, ...)."""
        starts = [known_start(self.experiment, seed) for seed in self.seeds]
        if unknown := set(names).difference(starts[0]):
            raise InvalidExperiment(f"parameter {min(unknown)!r} is not in this run; it has {', '.join(starts[0])}")
        drawn = {name: torch.stack([start[name] for start in starts]) for name in names or starts[0]}
        for name, value in drawn.items():
            for row, each in enumerate(value):
                self._require_drawn(row, name, each)
        return drawn

    def points_in_parts(self, *, held_out: bool = False, size: int | None = None) -> Iterator[PartOfPoints]:
        """All training points, or held-out ones, some at a time, without ever stacking all of them as `X` does.

        Args:
            held_out: take the held-out points, not the training points.
            size: bytes that one point of one seed takes on the way; by default, those of a forward pass.

        Raises:
            InvalidExperiment: if there are no held-out points.
        """
        e, device = self.experiment, measuring_device()
        n = e.n_test if held_out else e.data.n
        size = size or bytes_of_pass(self.model, e.data.inputs, e.torch_dtype)
        drawn, last = self._points(range(1), held_out), slice(0)
        for rows, at in parts_of(len(self.seeds), n, size, bytes_of(self._draw(0))):
            if rows != last:
                drawn.clear()
                drawn, last = self._points(range(len(self.seeds))[rows], held_out), rows
            X, y = (stack_points(each, at) for each in zip(*drawn, strict=True))
            labels = e.torch_dtype if y.is_floating_point() else y.dtype
            yield PartOfPoints(rows, at, X.to(device, e.torch_dtype), y.to(device, labels))

    def over_points(
        self, function: Callable[[slice, Tensor, Tensor], Tensor], *, held_out: bool = False, size: int | None = None
    ) -> Tensor:
        """What a function gives for each point, joined on the CPU, (seeds, n, ...); see `points_in_parts`.

        Args:
            function: maps a slice of the seeds, inputs of some of their points, (S, B, *inputs), and their labels, (S,
                B, *targets), to values, (S, B, ...).
            held_out: as for `points_in_parts`.
            size: as for `points_in_parts`.
        """
        parts = self.points_in_parts(held_out=held_out, size=size)
        n = self.experiment.n_test if held_out else self.experiment.data.n
        return join_parts(((p.seeds, p.points, function(p.seeds, p.X, p.y)) for p in parts), len(self.seeds), n)

    @states_told_once()
    def _points(self, rows: range, held_out: bool) -> list[tuple[Tensor | Pooled, Tensor]]:
        """Inputs and labels of some seeds."""
        found = []
        for data in map(vars, map(self._draw, rows)):
            X, y = (data["X_test"], data["y_test"]) if held_out else (data["X"], data["y"])
            if X is None or y is None:
                raise self._holds_no("X_test")
            found.append((X, y))
        return found

    def _draw(self, row: int) -> Data:
        """A seed's data, which are what it was trained on."""
        data = sample_data(self.experiment, self.seeds[row])
        for name, value in vars(data).items():
            self._require_drawn(row, name, value)
        return data

    @states_told_once()
    def _data(self, name: str) -> Tensor:
        parts = [vars(self._draw(row))[name] for row in range(len(self.seeds))]
        if parts[0] is None:
            raise self._holds_no(name)
        value = stack_points(parts)
        for row, stacked in enumerate(value):
            self._require_drawn(row, name, stacked)
        return value

    def _holds_no(self, name: str) -> InvalidExperiment:
        kind = type(self.experiment.data).__name__
        return InvalidExperiment(f"{kind} holds no {name}; give it n_test held-out points")

    def _require_drawn(self, row: int, name: str, value: Tensor | Pooled | None) -> None:
        """Check that a seed was trained on what is measured of it.

        Raises:
            BrokenTraining: naming the seed.
        """
        was = self.result.arrays.get(f"drawn.{name}")
        if was is not None and value is not None and mark(value) != int(was[row]):
            raise BrokenTraining(
                f"{name} of seed {self.seeds[row]} is not what it was trained with; expected the same draw in both "
                f"({self.experiment.label()})"
            )
