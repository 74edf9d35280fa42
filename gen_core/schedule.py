"""Schedules: the checkpoints of a training, and the criteria that end it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from gen_core.checks import check_count, check_number
from gen_core.errors import InvalidExperiment


@dataclass(frozen=True)
class Every:
    """Checkpoints on a linear grid: step 0, every `steps` steps, and the last one."""

    steps: int

    def __post_init__(self) -> None:
        check_count("checkpoint steps", self.steps)

    def grid(self, last: int) -> tuple[int, ...]:
        """The checkpoints of a training of `last` steps; step 0 alone where none is taken."""
        return (*range(0, last, self.steps), last)


@dataclass(frozen=True)
class Geometric:
    """Checkpoints on a geometric grid: step 0, then steps that grow by about `ratio`, and the last one."""

    ratio: float = 1.2

    def __post_init__(self) -> None:
        check_number("checkpoint ratio", self.ratio, above=1.0)

    def grid(self, last: int) -> tuple[int, ...]:
        """The checkpoints of a training of `last` steps; step 0 alone where none is taken."""
        steps, at = [], 0
        while at < last:
            steps.append(at)
            at = max(at + 1, round(at * self.ratio))
        return (*steps, last)


@dataclass(frozen=True)
class AtLoss:
    """Checkpoints where the loss over the whole training set is first at most each level, for each seed on its own.

    Attributes:
        levels: positive numbers that fall.
        every: steps between two evaluations of the loss; a level counts as reached at an evaluation.
    """

    levels: tuple[float, ...]
    every: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.levels, tuple) or not self.levels:
            raise InvalidExperiment(f"levels {self.levels!r}; expected a tuple of positive numbers")
        for level in self.levels:
            check_number("level", level, above=0)
        if any(b >= a for a, b in pairwise(self.levels)):
            raise InvalidExperiment(f"levels {self.levels!r}; expected numbers that fall")
        check_count("checkpoint every", self.every)

    def grid(self, last: int) -> tuple[int, ...]:
        """The steps at which the loss is evaluated, in a training of `last` steps."""
        return Every(self.every).grid(last)


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Criteria that end a training before its last step, for each seed independently.

    Attributes:
        loss: stop once the loss over the whole training set is at most this.
        accuracy: stop once the training accuracy is at least this.
        gradient: stop once the norm of the loss gradient is at most this; only for rules on all points, which compute
            it in every step. Newton's method has it at the point before the step, and stops after that step.
        every: steps between two evaluations of loss and accuracy; None evaluates at the checkpoints.
    """

    loss: float | None = None
    accuracy: float | None = None
    gradient: float | None = None
    every: int | None = None

    def __post_init__(self) -> None:
        for name in ("loss", "gradient"):
            if (value := getattr(self, name)) is not None:
                check_number(f"stop {name}", value, 0.0)
        if self.accuracy is not None:
            check_number("stop accuracy", self.accuracy, most=1.0, above=0.0)
        if self.every is not None:
            check_count("stop every", self.every)
            if not self.evaluates:
                raise InvalidExperiment(f"stop every {self.every} of nothing; expected a loss or an accuracy with it")

    @property
    def evaluates(self) -> bool:
        """Whether it needs the loss or the accuracy over the training set."""
        return self.loss is not None or self.accuracy is not None

    def evaluations(self, grid: tuple[int, ...]) -> frozenset[int]:
        """The steps at which loss and accuracy are evaluated, given the checkpoints."""
        if not self.evaluates:
            return frozenset()
        return frozenset(grid if self.every is None else range(0, grid[-1] + 1, self.every))
