"""Experiments: frozen, hashable recipes of one training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from gen_core.checks import check_count, check_counts
from gen_core.code.fingerprint import code_of
from gen_core.errors import InvalidExperiment
from gen_core.losses import Loss, WholeLoss
from gen_core.models.contract import Layered, Model, missing_members, refuse_single_points
from gen_core.recipe import brief, canonical, digest
from gen_core.rules import NewtonRule, Particular, Rule
from gen_core.schedule import AtLoss, Every, Geometric, Stop
from gen_core.types import Data, Dataset, Nothing, held_out, targets_of

OF_TEST = ("test_classes", "test_outputs", "test_loss", "test_accuracy")
WATCHES = ("weights", "train_loss", "train_accuracy", "train_outputs", *OF_TEST)


@runtime_checkable
class Observable(Protocol):
    """A frozen, hashable recipe of a quantity that a training records: a dataclass of builtins that is called."""

    def __call__(self, model: Model, params: Mapping[str, Tensor], data: Data) -> Tensor:
        """The quantity at the given weights, (S, ...) of floats, integers or booleans, for S seeds at once.

        It may use autograd, and changes nothing that it is given. Each entry depends on its own seed alone.

        Args:
            model: the model.
            params: all parameters, trained or not, each (S, ...), without a graph.
            data: the seeds' data, each tensor with a leading axis S, on the device of the training.
        """
        ...


class Parts(NamedTuple):
    """The model, rule and loss of a training."""

    model: Model
    rule: Rule
    loss: Loss | WholeLoss


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One training, up to its seed. No tensors, no callables, no device; variants come from `dataclasses.replace`.

    With `steps` 0 nothing is trained: an experiment that is measured at initialization has a model but no rule and no
    loss, and one that is computed from the data alone has no model either.

    Attributes:
        data: the data set that each seed draws from; left out for a model that needs none, such as a `Potential`.
        model: the model to train.
        rule: the training rule, with step size and batch size.
        loss: the loss of one point, whose mean over the batch a step descends, or a `WholeLoss` of the batch.
        steps: the maximal number of steps.
        stop: criteria that end a training earlier.
        checkpoints: the steps at which watched quantities are recorded.
        watch: the quantities to record: "weights" (trained parameters), "train_loss" and "train_accuracy" (over the
            whole training set), "train_outputs", "test_outputs", "test_classes" (the outputs and the predicted class
            of every point), "test_loss" and "test_accuracy" (over the held-out points); and any `Observable`.
        dtype: "float32", or "float64" for claims about differences at rounding level.
        after: a training of the same seed that comes first, on other data or by another rule, and whose final weights
            this one starts from. It is trained together with this one, and its results are not kept.
        start: number of the draw of the initial parameters. Arms whose models are equal share their start, seed by
            seed; with another number they do not.
        order: number of the draw of the batches' order and of the rule's noise, likewise.
        may_diverge: whether a loss that is not finite is an outcome to be measured (`Run.diverged`) and not an error.

    Raises:
        InvalidExperiment: for values that cannot be trained, naming the value and what is expected.
    """

    data: Dataset = field(default_factory=Nothing)
    model: Model | None = None
    rule: Rule | None = None
    loss: Loss | WholeLoss | None = None
    steps: int = 0
    stop: Stop = field(default_factory=Stop)
    checkpoints: Every | Geometric | AtLoss = field(default_factory=Geometric)
    watch: tuple[str | Observable, ...] = ()
    dtype: str = "float32"
    after: Experiment | None = None
    may_diverge: bool = False
    start: int = 0
    order: int = 0

    def __post_init__(self) -> None:
        missing = ", ".join(missing_members(self.model))
        kinds = {
            "data": (Dataset, "a data set, with n, inputs and draw"),
            "model": (Model, f"a model (it lacks {missing})" if missing else "a model"),
            "rule": (Rule, "a rule"),
            "loss": ((Loss, WholeLoss), "a loss"),
            "stop": (Stop, "a Stop"),
            "checkpoints": ((Every, Geometric, AtLoss), "Every, Geometric or AtLoss"),
            "may_diverge": (bool, "True or False"),
        }
        check_count("steps", self.steps, least=0)
        check_count("start", self.start, least=0)
        check_count("order", self.order, least=0)
        for name, (kind, expected) in kinds.items():
            value = getattr(self, name)
            if value is None and not self.steps and name in ("model", "rule", "loss"):
                continue
            if not isinstance(value, kind) or isinstance(value, type):
                raise InvalidExperiment(f"{name} {brief(value)}; expected {expected}")
        canonical(self)
        check_count("data.n", self.data.n)
        check_counts("data.inputs", self.data.inputs)
        check_counts("data.targets", targets_of(self.data))
        if self.dtype not in ("float32", "float64"):
            raise InvalidExperiment(f"dtype {self.dtype!r}; expected 'float32' or 'float64'")
        self._check_watch()
        if self.model is not None:
            self.model.size(self.data.inputs)  # raises if the model cannot take these inputs
        elif isinstance(self.data, Nothing):
            raise InvalidExperiment("neither data nor a model; expected one of them at least")
        if not self.steps:
            self._check_untrained()
        else:
            self._check_rule()
            self._check_after()

    def _check_untrained(self) -> None:
        if self.after is not None:
            raise InvalidExperiment("steps 0 after another training; expected a positive number")
        idle = {"rule": None, "loss": None, "watch": (), "stop": Stop(), "checkpoints": Geometric()}
        idle |= {"may_diverge": False, "order": 0}
        for name, value in idle.items():
            if (given := getattr(self, name)) != value:
                raise InvalidExperiment(f"{name} {brief(given)} with steps 0; expected none, as nothing is trained")

    def _check_watch(self) -> None:
        if not isinstance(self.watch, tuple) or len(set(self.watch)) != len(self.watch):
            raise InvalidExperiment(f"watch {self.watch!r}; expected a tuple of distinct names and observables")
        for each in self.watch:
            if each in OF_TEST and self.n_test < 1:
                raise InvalidExperiment(f"watch {each!r} with n_test 0; expected held-out points")
            own = is_dataclass(each) and callable(each) and not isinstance(each, type)
            if not own and each not in WATCHES:
                raise InvalidExperiment(
                    f"watch {brief(each)}; expected some of {', '.join(WATCHES)}, or a frozen dataclass with a __call__"
                )

    def _check_rule(self) -> None:
        if (batch := self.parts.rule.batch) is not None:
            if batch > self.data.n:
                raise InvalidExperiment(f"batch {batch} of n={self.data.n} points; expected at most n")
            if self.stop.gradient is not None:
                raise InvalidExperiment(
                    f"stop gradient {self.stop.gradient} with batch {batch}; expected a rule on all points"
                )
        if isinstance(self.rule, NewtonRule) and isinstance(self.loss, WholeLoss):
            raise InvalidExperiment(f"loss {brief(self.loss)} with {type(self.rule).__name__}; expected one of points")
        if isinstance(self.data, Nothing) and isinstance(self.model, Layered):
            raise InvalidExperiment(f"{type(self.model).__name__} without data; expected data, or a Potential")
        if vars(type(self.loss)).get("of_classes") and self.parts.model.outputs == 1:
            found = f"loss {type(self.loss).__name__}() with {type(self.model).__name__} of one output"
            raise InvalidExperiment(f"{found}; expected an output for each class (or Logistic, with labels -1 and 1)")
        refuse_single_points(self.parts.model, batch or self.data.n)
        if isinstance(self.rule, Particular):
            self.rule.check(self.parts.model)

    def _check_after(self) -> None:
        if (first := self.after) is None:
            return
        if not isinstance(first, Experiment):
            raise InvalidExperiment(f"after {brief(first)}; expected an Experiment")
        if self.start:
            raise InvalidExperiment(f"start {self.start} after another training; expected it on the first one")
        alike = {"model": (self.model, first.model), "dtype": (self.dtype, first.dtype)}
        alike["inputs of the data"] = (self.data.inputs, first.data.inputs)
        for name, (own, other) in alike.items():
            if own != other:
                raise InvalidExperiment(
                    f"{name} {brief(own)} after {brief(other)}; expected the same in both trainings"
                )

    @cached_property
    def key(self) -> str:
        """Digest of the recipe and of its types' code, since two claim files may use one name for different types."""
        return digest(self, code_of(self))

    @property
    def parts(self) -> Parts:
        """The model, rule and loss, none of them None.

        Raises:
            InvalidExperiment: if the experiment trains nothing.
        """
        if self.model is None or self.rule is None or self.loss is None:
            raise InvalidExperiment(f"{self.label()} trains nothing; expected steps, with a model, a rule and a loss")
        return Parts(self.model, self.rule, self.loss)

    @property
    def n_test(self) -> int:
        """Number of held-out points."""
        return held_out(self.data)

    @property
    def tested(self) -> int:
        """Number of held-out points that the training needs, for what it watches."""
        return self.n_test if any(each in OF_TEST or not isinstance(each, str) for each in self.watch) else 0

    @property
    def teachers(self) -> tuple[Experiment, ...]:
        """The trainings that the data take their labels from (see `LabelledBy`), those of `after` included."""
        return (*_trainings_within(self.data), *(self.after.teachers if self.after else ()))

    @property
    def torch_dtype(self) -> torch.dtype:
        """The dtype of weights and inputs."""
        return torch.float64 if self.dtype == "float64" else torch.float32

    @property
    def grid(self) -> tuple[int, ...]:
        """The checkpoints' steps, from 0 to the last; of `AtLoss`, those where the loss is evaluated."""
        return self.checkpoints.grid(self.steps)

    @property
    def recorded(self) -> int:
        """Length of the checkpoint axis of watched quantities."""
        return len(self.checkpoints.levels if isinstance(self.checkpoints, AtLoss) else self.grid)

    @property
    def steps_in_all(self) -> int:
        """The maximal number of steps, including those of the trainings before (`after`)."""
        return self.steps + (self.after.steps_in_all if self.after else 0)

    def batch_key(self) -> str:
        """Digest of what experiments must share to train as one batch: all but data law, init scale and step size."""
        alike = (self.model and self.model.batch_form(), self.rule and self.rule.batch_form(), self.loss, self.watch)
        shapes = (self.data.n, self.data.inputs, self.n_test, targets_of(self.data))
        # A teacher is trained before its students, so never in their batch.
        first = (self.after and self.after.batch_key(), *(each.batch_key() for each in self.teachers))
        own = (self.steps, self.stop, self.checkpoints, self.dtype)
        return digest(*alike, code_of(alike), shapes, *own, first)

    def label(self) -> str:
        """A short name for progress lines and tables."""
        parts = [part for part in (self.model, self.data) if part is not None and not isinstance(part, Nothing)]
        of = " on ".join(type(part).__name__ for part in parts)
        return f"{of}, {type(self.rule).__name__}" if self.steps else of


def _trainings_within(recipe: Any) -> list[Experiment]:
    """The experiments among a recipe's fields, at any depth."""
    if isinstance(recipe, Experiment):
        return [recipe]
    if isinstance(recipe, tuple):
        return [found for part in recipe for found in _trainings_within(part)]
    if not is_dataclass(recipe) or isinstance(recipe, type):
        return []
    return _trainings_within(tuple(getattr(recipe, f.name) for f in fields(recipe)))
