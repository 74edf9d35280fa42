"""Experiments: frozen, hashable recipes of one training."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import torch

from gen_core.checks import check_count, check_counts
from gen_core.code.fingerprint import code_of
from gen_core.errors import InvalidExperiment
from gen_core.losses import Loss
from gen_core.models.contract import Model, check_batch, missing_members
from gen_core.recipe import brief, canonical, digest
from gen_core.rules import Particular, Rule
from gen_core.schedule import Every, Geometric, Stop
from gen_core.types import Dataset, held_out

WATCHES = ("weights", "train_loss", "train_accuracy", "test_classes")


class Parts(NamedTuple):
    """The model, rule and loss of a training."""

    model: Model
    rule: Rule
    loss: Loss


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One training, up to its seed. No tensors, no callables, no device; variants come from `dataclasses.replace`.

    With `steps` 0 nothing is trained: an experiment that is measured at initialization has a model but no rule and no
    loss, and one that is computed from the data alone has no model either.

    Attributes:
        data: the data set that each seed draws from.
        model: the model to train.
        rule: the training rule, with step size and batch size.
        loss: the loss of one point; a step descends its mean over the batch.
        steps: the maximal number of steps.
        stop: criteria that end a training earlier.
        checkpoints: the steps at which watched quantities are recorded.
        watch: the quantities to record: "weights" (trained parameters), "train_loss" and "train_accuracy" (over the
            whole training set), "test_classes" (the predicted class of every held-out point).
        dtype: "float32", or "float64" for claims about differences at rounding level.
        after: a training of the same seed that comes first, on other data or by another rule, and whose final weights
            this one starts from. It is trained together with this one, and its results are not kept.

    Raises:
        InvalidExperiment: for values that cannot be trained, naming the value and what is expected.
    """

    data: Dataset
    model: Model | None = None
    rule: Rule | None = None
    loss: Loss | None = None
    steps: int = 0
    stop: Stop = field(default_factory=Stop)
    checkpoints: Every | Geometric = field(default_factory=Geometric)
    watch: tuple[str, ...] = ()
    dtype: str = "float32"
    after: Experiment | None = None

    def __post_init__(self) -> None:
        missing = ", ".join(missing_members(self.model))
        kinds = {
            "data": (Dataset, "a data set, with n, inputs and draw"),
            "model": (Model, f"a model (it lacks {missing})" if missing else "a model"),
            "rule": (Rule, "a rule"),
            "loss": (Loss, "a loss"),
            "stop": (Stop, "a Stop"),
            "checkpoints": ((Every, Geometric), "Every or Geometric"),
        }
        check_count("steps", self.steps, least=0)
        for name, (kind, expected) in kinds.items():
            value = getattr(self, name)
            if value is None and not self.steps and name in ("model", "rule", "loss"):
                continue
            if not isinstance(value, kind) or isinstance(value, type):
                raise InvalidExperiment(f"{name} {brief(value)}; expected {expected}")
        canonical(self)
        check_count("data.n", self.data.n)
        check_counts("data.inputs", self.data.inputs)
        if self.dtype not in ("float32", "float64"):
            raise InvalidExperiment(f"dtype {self.dtype!r}; expected 'float32' or 'float64'")
        self._check_watch()
        if self.model is not None:
            self.model.size(self.data.inputs)  # raises if the model cannot take these inputs
        if not self.steps:
            self._check_untrained()
        else:
            self._check_rule()
            self._check_after()

    def _check_untrained(self) -> None:
        if self.after is not None:
            raise InvalidExperiment("steps 0 after another training; expected a positive number")
        idle = {"rule": None, "loss": None, "watch": (), "stop": Stop(), "checkpoints": Geometric()}
        for name, value in idle.items():
            if (given := getattr(self, name)) != value:
                raise InvalidExperiment(f"{name} {brief(given)} with steps 0; expected none, as nothing is trained")

    def _check_watch(self) -> None:
        if not isinstance(self.watch, tuple) or len(set(self.watch)) != len(self.watch):
            raise InvalidExperiment(f"watch {self.watch!r}; expected a tuple of distinct names")
        for name in self.watch:
            if name not in WATCHES:
                raise InvalidExperiment(f"watch {name!r}; expected some of {', '.join(WATCHES)}")
        if "test_classes" in self.watch and self.n_test < 1:
            raise InvalidExperiment("watch 'test_classes' with n_test 0; expected held-out points")

    def _check_rule(self) -> None:
        if (batch := self.parts.rule.batch) is not None:
            if batch > self.data.n:
                raise InvalidExperiment(f"batch {batch} of n={self.data.n} points; expected at most n")
            if self.stop.gradient is not None:
                raise InvalidExperiment(
                    f"stop gradient {self.stop.gradient} with batch {batch}; expected a rule on all points"
                )
        check_batch(self.parts.model, batch or self.data.n)
        if isinstance(self.rule, Particular):
            self.rule.check(self.parts.model)

    def _check_after(self) -> None:
        if (first := self.after) is None:
            return
        if not isinstance(first, Experiment):
            raise InvalidExperiment(f"after {brief(first)}; expected an Experiment")
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
    def torch_dtype(self) -> torch.dtype:
        """The dtype of weights and inputs."""
        return torch.float64 if self.dtype == "float64" else torch.float32

    @property
    def grid(self) -> tuple[int, ...]:
        """The checkpoints' steps, from 0 to the last."""
        return self.checkpoints.grid(self.steps)

    @property
    def steps_in_all(self) -> int:
        """The maximal number of steps, including those of the trainings before (`after`)."""
        return self.steps + (self.after.steps_in_all if self.after else 0)

    def batch_key(self) -> str:
        """Digest of what experiments must share to train as one batch: all but data law, init scale and step size."""
        alike = (self.model and self.model.batch_form(), self.rule and self.rule.batch_form(), self.loss)
        shapes = (self.data.n, self.data.inputs, self.n_test)
        first = self.after and self.after.batch_key()
        own = (self.steps, self.stop, self.checkpoints, self.watch, self.dtype)
        return digest(*alike, code_of(alike), shapes, *own, first)

    def label(self) -> str:
        """A short name for progress lines and tables."""
        of = f"{type(self.model).__name__} on {type(self.data).__name__}" if self.model else type(self.data).__name__
        return f"{of}, {type(self.rule).__name__}" if self.steps else of
