"""What is trained: frozen, hashable recipes of one training, and the settings that claims build from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from gen_core.errors import InvalidExperiment
from gen_core.losses import Loss
from gen_core.models import Linear, Model
from gen_core.recipe import canonical, digest
from gen_core.rules import Newton, Rule
from gen_core.types import Dataset

WATCHES = ("weights", "train_loss", "train_accuracy", "test_classes")


@dataclass(frozen=True)
class Every:
    """Checkpoints on a linear grid: step 0, every `steps` steps, and the last one."""

    steps: int

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise InvalidExperiment(f"checkpoints every {self.steps} steps; expected at least 1")

    def grid(self, last: int) -> tuple[int, ...]:
        """The checkpoints of a training of `last` steps."""
        return (*range(0, last, self.steps), last)


@dataclass(frozen=True)
class Geometric:
    """Checkpoints on a geometric grid: step 0, then each at least `ratio` times the one before, and the last one."""

    ratio: float = 1.2

    def __post_init__(self) -> None:
        if not self.ratio > 1:
            raise InvalidExperiment(f"checkpoint ratio {self.ratio}; expected a number above 1")

    def grid(self, last: int) -> tuple[int, ...]:
        """The checkpoints of a training of `last` steps."""
        steps, at = [0], 1
        while at < last:
            steps.append(at)
            at = max(at + 1, round(at * self.ratio))
        return (*steps, last)


@dataclass(frozen=True, kw_only=True)
class Stop:
    """When a training ends before its last step; each seed ends on its own, at its own step.

    Attributes:
        loss: end once the loss over the whole training set is at most this.
        accuracy: end once the training accuracy is at least this.
        gradient: end once the norm of the loss gradient is at most this; for rules that use all points.
        every: steps between two looks; None looks at the checkpoints only.
    """

    loss: float | None = None
    accuracy: float | None = None
    gradient: float | None = None
    every: int | None = None

    def __post_init__(self) -> None:
        for name in ("loss", "gradient"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise InvalidExperiment(f"stop {name} {value}; expected a number of at least 0")
        if self.accuracy is not None and not 0 < self.accuracy <= 1:
            raise InvalidExperiment(f"stop accuracy {self.accuracy}; expected a number in (0, 1]")
        if self.every is not None and self.every < 1:
            raise InvalidExperiment(f"stop every {self.every} steps; expected at least 1")

    @property
    def any(self) -> bool:
        """Whether anything can end the training early."""
        return self.loss is not None or self.accuracy is not None or self.gradient is not None


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One training, up to its seed. No tensors, no callables, no device; variants come from `dataclasses.replace`.

    Attributes:
        data: where a seed's points come from.
        model: what is trained.
        rule: how a step changes it, with the step size and the batch.
        loss: the loss of one point; a step follows the mean over its batch.
        steps: the most steps that are taken.
        stop: what ends a training earlier.
        checkpoints: where the watched quantities are kept.
        watch: which these are: "weights" (trained parameters), "train_loss" and "train_accuracy" (over the whole
            training set), "test_classes" (the predicted class of every held-out point).
        dtype: "float32", or "float64" where a claim lives at rounding level.
    """

    data: Dataset
    model: Model
    rule: Rule | Newton
    loss: Loss
    steps: int
    stop: Stop = Stop()
    checkpoints: Every | Geometric = Geometric()
    watch: tuple[str, ...] = ()
    dtype: str = "float32"

    def __post_init__(self) -> None:
        canonical(self)
        n, inputs = getattr(self.data, "n", None), getattr(self.data, "inputs", None)
        if not isinstance(n, int) or not isinstance(inputs, tuple) or not hasattr(self.data, "draw"):
            raise InvalidExperiment(f"data {self.data!r}; expected a data set: a dataclass with n, inputs and draw")
        if n < 1 or not all(isinstance(i, int) and i > 0 for i in inputs):
            raise InvalidExperiment(f"data of n={n} points of shape {inputs}; expected positive integers")
        if self.steps < 1:
            raise InvalidExperiment(f"steps {self.steps}; expected at least 1")
        if self.dtype not in ("float32", "float64"):
            raise InvalidExperiment(f"dtype {self.dtype!r}; expected 'float32' or 'float64'")
        for name in self.watch:
            if name not in WATCHES:
                raise InvalidExperiment(f"watch {name!r}; expected some of {', '.join(WATCHES)}")
        if "test_classes" in self.watch and getattr(self.data, "n_test", 0) < 1:
            raise InvalidExperiment(
                "watch 'test_classes' on data without held-out points; expected n_test of at least 1"
            )
        if self.rule.batch is not None and self.rule.batch > n:
            raise InvalidExperiment(f"batch {self.rule.batch} of n={n} points; expected at most n")
        if self.stop.gradient is not None and self.rule.batch is not None:
            raise InvalidExperiment(
                f"stop at gradient {self.stop.gradient} with batches; expected a rule on all points"
            )
        if isinstance(self.rule, Newton) and not isinstance(self.model, Linear):
            raise InvalidExperiment(f"Newton on {type(self.model).__name__}; expected a Linear model")

    @property
    def key(self) -> str:
        """Digest of the recipe."""
        return digest(self)

    @property
    def torch_dtype(self) -> torch.dtype:
        """The dtype of weights and inputs."""
        return torch.float64 if self.dtype == "float64" else torch.float32

    @property
    def grid(self) -> tuple[int, ...]:
        """The checkpoints' steps, from 0 to the last."""
        return self.checkpoints.grid(self.steps)

    def form(self) -> tuple[str, str]:
        """What experiments must share to be trained as one batch: all but the data's law, init scale and step size."""
        rest = replace(
            self, model=self.model.form(), rule=self.rule.form(), data=_Shape(n=self.data.n, inputs=self.data.inputs)
        )
        return digest(rest), str(getattr(self.data, "n_test", 0))

    def label(self) -> str:
        """A few words for progress lines and tables."""
        return f"{type(self.model).__name__} on {type(self.data).__name__}, {type(self.rule).__name__}"


@dataclass(frozen=True)
class _Shape:
    """Stands for a data set in `Experiment.form`, where only its shape counts."""

    n: int
    inputs: tuple[int, ...]
    n_test: int = 1
    draw: None = None


@dataclass(frozen=True)
class Arms:
    """Experiments that are compared seed by seed; arms that agree in data, model or batches share those draws."""

    arms: tuple[tuple[str, Experiment], ...]

    def __init__(self, **arms: Experiment) -> None:
        if len(arms) < 2 or not all(isinstance(arm, Experiment) for arm in arms.values()):
            raise InvalidExperiment(f"Arms({', '.join(arms)}); expected two or more named experiments")
        object.__setattr__(self, "arms", tuple(arms.items()))


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Experiments along an axis, for scaling exponents and trends: the value of x and the experiment there."""

    axis: str
    points: tuple[tuple[float, Experiment], ...]

    def __post_init__(self) -> None:
        x = [at for at, _ in self.points]
        if len(x) < 2 or x != sorted(set(x)):
            raise InvalidExperiment(f"Sweep over {self.axis} at {x}; expected two or more increasing values")


Setting = Experiment | Arms | Sweep
SCALES = ("quick", "standard", "paper")


@dataclass(frozen=True, kw_only=True)
class AtScale:
    """One setting for each scale; a scale that is left out takes the standard one."""

    standard: Setting
    quick: Setting | None = None
    paper: Setting | None = None

    def at(self, scale: str) -> Setting:
        """The setting of a scale."""
        return getattr(self, scale) or self.standard


def experiments(setting: Setting) -> dict[str, Experiment]:
    """Label -> experiment of a setting: "" for a single one, an arm's name, or "axis=x" of a sweep."""
    if isinstance(setting, Experiment):
        return {"": setting}
    if isinstance(setting, Arms):
        return dict(setting.arms)
    return {f"{setting.axis}={x:g}": experiment for x, experiment in setting.points}


@dataclass(frozen=True)
class Cost:
    """What a training of one seed takes: multiply-adds, and bytes at its peak."""

    operations: float = field(default=0.0)
    memory: int = field(default=0)


def cost(experiment: Experiment) -> Cost:
    """Estimate from the recipe alone: three passes a step for every point of the batch, data and states in memory."""
    parameters, forward = experiment.model.cost(experiment.data.inputs)
    n, n_test = experiment.data.n, getattr(experiment.data, "n_test", 0)
    batch = experiment.rule.batch or n
    points = torch.Size(experiment.data.inputs).numel()
    evaluations = len(experiment.grid) * (
        n_test * ("test_classes" in experiment.watch)
        + n * (experiment.stop.any or "train_loss" in experiment.watch or "train_accuracy" in experiment.watch)
    )
    passes = parameters if isinstance(experiment.rule, Newton) else 3
    size = 8 if experiment.dtype == "float64" else 4
    kept = len(experiment.grid) * parameters if "weights" in experiment.watch else 0
    memory = size * (
        points * (n + n_test) + 6 * parameters + kept + 4 * (points + forward // max(points, 1)) * min(batch, 4096)
    )
    return Cost(float(forward) * (passes * batch * experiment.steps + evaluations), int(memory))


def describe(setting: Setting) -> Mapping[str, Any]:
    """Label -> canonical recipe, for records."""
    return {label or "experiment": canonical(experiment) for label, experiment in experiments(setting).items()}
