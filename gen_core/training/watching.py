"""The recording of what a training watches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.experiment import Experiment, Observable
from gen_core.losses import Loss, WholeLoss, classes, mean_loss, right
from gen_core.models.contract import Model, evaluated, subtracts
from gen_core.schedule import AtLoss
from gen_core.training.memory import EVALUATED
from gen_core.training.points import Points
from gen_core.types import Data, data_of

Evaluate = Callable[[], tuple[Tensor, Tensor]]
"""Loss and accuracy over the training set at the current weights, (rows,) each."""


def in_parts(
    model: Model, params: Mapping[str, Tensor], X: Points, trained_on: Points | Callable[[], Tensor]
) -> list[Tensor]:
    """Outputs on X, (S, B, *inputs), in parts along B whose activations stay in cache; see `evaluated`."""
    model, params = evaluated(model, params, trained_on if callable(trained_on) else lambda: trained_on[:])
    return [model.forward(params, X[:, at : at + EVALUATED]) for at in range(0, X.shape[1], EVALUATED)]


def loss_and_accuracy(
    model: Model, loss: Loss | WholeLoss, params: Mapping[str, Tensor], X: Points, y: Tensor
) -> tuple[Tensor, Tensor]:
    """Loss and accuracy over points, (S, B, *inputs), which are those that the model is trained on: (S,) each."""
    parts, n = in_parts(model, params, X, X), X.shape[1]
    total, correct = (torch.zeros(len(y), dtype=parts[0].dtype, device=y.device) for _ in range(2))
    points = None if isinstance(loss, WholeLoss) else loss
    for f, labels in zip(parts, y.split([f.shape[1] for f in parts], 1), strict=True):
        if points is not None:
            total += points.per_point(f, labels).sum(1)
        correct += right(f, labels).sum(1)
    return mean_loss(loss, torch.cat(parts, 1), y) if points is None else total / n, correct / n


def array_name(experiment: Experiment, quantity: str | Observable) -> str:
    """The name of a watched quantity among a result's arrays; an observable's tells its place in `watch`."""
    if isinstance(quantity, str):
        return quantity
    place = experiment.watch.index(quantity) if quantity in experiment.watch else ""
    return f"{type(quantity).__name__} {place}".strip()


class Watching:
    """Records the watched quantities of a batch.

    Args:
        experiment: one of the rows'.
        params: all parameters, (rows, ...), which change in place.
        data: the rows' data, each tensor with a leading axis of rows, on the device.

    Attributes:
        records: name -> values at the checkpoints, (rows, checkpoints, ...), on the device.
        subtracted: by the name of points, what a `Difference` subtracts, (rows, points, ...).
        recorded: the number of times that something was recorded.
        reached: for `AtLoss`, the step at which each level was reached, (rows, levels), or -1.
    """

    def __init__(self, experiment: Experiment, params: Mapping[str, Tensor], data: Data) -> None:
        self.experiment, self.params, self.data = experiment, params, data
        self.model, _, self.loss = experiment.parts
        self.records: dict[str, Tensor] = {}
        self.subtracted: dict[str, Tensor] = {}
        self.recorded = 0
        self.levels = experiment.checkpoints.levels if isinstance(experiment.checkpoints, AtLoss) else ()
        self.reached = torch.full((len(data.y), len(self.levels)), -1, device=data.y.device)
        self.below = torch.tensor(self.levels, dtype=torch.float64).to(data.y.device)

    def record(self, step: int, evaluate: Evaluate) -> None:
        """Record the quantities at the weights after a step; with `AtLoss`, of rows that have reached a level."""
        if self.levels:
            self._record_levels(step, evaluate)
        else:
            self.record_next(evaluate)
        self.recorded += 1

    def record_next(self, evaluate: Evaluate) -> None:
        """Record the quantities as those of the next checkpoint, until it comes."""
        for name, value in self._quantities(evaluate).items():
            self._record(name, value)[:, self.recorded] = value

    def _record_levels(self, step: int, evaluate: Evaluate) -> None:
        new = (evaluate()[0].double().unsqueeze(1) <= self.below) & (self.reached < 0)
        if step and not new.any():
            return
        self.reached.masked_fill_(new, step)
        for name, value in self._quantities(evaluate).items():
            for place, rows in enumerate(new.unbind(1)):
                kept = self._record(name, value)[:, place]
                kept.copy_(torch.where(rows.view(-1, *[1] * (value.dim() - 1)), value, kept))

    def _record(self, name: str, value: Tensor) -> Tensor:
        """Where a quantity is recorded; its values fit into the memory that is there from the first one on."""
        if name not in self.records:
            rows, *shape = value.shape
            self.records[name] = value.new_zeros(rows, self.experiment.recorded, *shape)
        return self.records[name]

    def keep(self, rows: Tensor, data: Data) -> None:
        """Go on with some of the rows, whose parameters have been taken out already, and with their data."""
        self.data, self.reached = data, self.reached[rows]
        self.records = {name: values[rows] for name, values in self.records.items()}
        self.subtracted = {name: outputs[rows] for name, outputs in self.subtracted.items()}

    def last(self, name: str, recorded: int) -> Tensor | None:
        """A quantity at the last of so many checkpoints, on the CPU; None without it, or with `AtLoss`."""
        return None if self.levels or name not in self.records else self.records[name][:, recorded - 1].cpu()

    def arrays(self, recorded: int) -> dict[str, Tensor]:
        """All that was recorded, on the CPU; checkpoints after so many repeat the last one's values."""
        arrays = {f"watch.{name}": values.cpu() for name, values in self.records.items()}
        for values in () if self.levels else arrays.values():
            values[:, recorded:] = values[:, recorded - 1 : recorded]
        return arrays | ({"reached": self.reached.cpu()} if self.levels else {})

    def _quantities(self, evaluate: Evaluate) -> dict[str, Tensor]:
        now: dict[str, Tensor] = {}
        for each in self.experiment.watch:
            if each == "weights":
                now |= {f"weights.{name}": self.params[name].detach() for name in self.model.trainable}
            elif isinstance(each, str):
                now[each] = self._named(each, now, evaluate)
            else:
                now[array_name(self.experiment, each)] = self._observed(each)
        now.pop("f_test", None)
        return now

    @torch.no_grad()
    def _named(self, name: str, now: dict[str, Tensor], evaluate: Evaluate) -> Tensor:
        """One of the library's quantities; the outputs on held-out points are kept in `now` for the next one."""
        if name in ("train_loss", "train_accuracy"):
            return evaluate()[name == "train_accuracy"]
        if name == "train_outputs":
            return self._outputs("X")
        if "f_test" not in now:
            now["f_test"] = self._outputs("X_test")
        f, y = now["f_test"], cast(Tensor, self.data.y_test)
        if name == "test_outputs":
            return f
        if name == "test_classes":
            return _packed(classes(f), self.model.outputs)
        return mean_loss(self.loss, f, y) if name == "test_loss" else right(f, y).to(f.dtype).mean(1)

    def _outputs(self, name: str) -> Tensor:
        """Outputs on the points of this name, (rows, points, ...); what a `Difference` subtracts is computed once."""
        held, model, params = vars(self.data), self.model, self.params
        if not subtracts(model):
            return torch.cat(in_parts(model, params, held[name], held["X"]), 1)
        params, start = model.split(params)
        if name not in self.subtracted:
            self.subtracted[name] = torch.cat(in_parts(model.model, start, held[name], held["X"]), 1)
        return torch.cat(in_parts(model.model, params, held[name], held["X"]), 1) - self.subtracted[name]

    def _observed(self, observable: Observable) -> Tensor:
        """An observable's values, checked.

        Raises:
            InvalidExperiment: if they are no numbers with the rows first, if a row's depend on another row's (which the
                first two checkpoints are looked at for), or if it changed what it was given.
        """
        params = {name: value.detach() for name, value in self.params.items()}
        given = [*params.values(), *(value for value in vars(self.data).values() if isinstance(value, Tensor))]
        versions = [value._version for value in given]
        with torch.enable_grad():
            value = observable(self.model, params, self.data)
        name, rows = type(observable).__name__, len(self.data.y)
        if [each._version for each in given] != versions:
            raise InvalidExperiment(
                f"{name} changed the weights or the data in place; expected it to work on a copy (tensor.clone())"
            )
        shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        if not isinstance(value, Tensor) or value.is_complex() or value.shape[:1] != (rows,):
            kind = f" of {value.dtype}" if isinstance(value, Tensor) else ""
            raise InvalidExperiment(
                f"{name} gave {shape}{kind} for {rows} seeds; expected real numbers of shape ({rows}, ...)"
            )
        before = self.records.get(array_name(self.experiment, observable))
        if before is not None and ((rows, *before.shape[2:]), before.dtype) != (shape, value.dtype):
            gave = f"{name} gave {value.dtype} {shape} after {before.dtype} {(rows, *before.shape[2:])}"
            raise InvalidExperiment(f"{gave}; expected one dtype and shape always")
        if rows > 1 and self.recorded < 2:
            first = data_of(**{key: each if each is None else each[:1] for key, each in vars(self.data).items()})
            with torch.enable_grad():
                alone = observable(self.model, {key: each[:1] for key, each in params.items()}, first)
            if alone.shape[1:] != value.shape[1:] or not _alike(alone.detach(), value[:1].detach()):
                raise InvalidExperiment(
                    f"{name} gives a seed another value beside other seeds than alone; "
                    "expected each entry to depend on its own seed alone"
                )
        return value.detach()


def _alike(a: Tensor, b: Tensor) -> bool:
    """Whether two evaluations agree but for rounding, which may turn a comparison or an order here and there."""
    a, b = a.double(), b.double()
    scale = b.nan_to_num(0, 0, 0).abs().max() if b.numel() else 0
    return bool(
        ((a - b).abs() <= 0.01 * scale).logical_or(a == b).logical_or(a.isnan() & b.isnan()).sum() >= 0.9 * b.numel()
    )


def _packed(predicted: Tensor, outputs: int) -> Tensor:
    """Predicted classes, (S, B): bits packed as by numpy's packbits for two classes, integers for more."""
    if predicted.dtype != torch.bool:
        return predicted.to(torch.uint8 if outputs <= 256 else torch.int32)
    bits = F.pad(predicted.byte(), (0, -predicted.shape[1] % 8)).unflatten(1, (-1, 8))
    places = torch.arange(7, -1, -1, dtype=torch.uint8, device=bits.device)
    return (bits << places).sum(2, dtype=torch.uint8)
