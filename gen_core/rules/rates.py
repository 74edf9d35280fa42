"""Learning rates: a number, or a schedule, as those of torch.optim.lr_scheduler where they are stepped each step."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Protocol, Self, runtime_checkable

from gen_core.checks import check_count, check_counts, check_number
from gen_core.errors import InvalidExperiment
from gen_core.recipe import brief


@runtime_checkable
class Schedule(Protocol):
    """A rate that changes with the step: a frozen dataclass of builtins with these members.

    Recipes that differ only in the rate train in one batch, so a schedule is a rate times a share of each step.
    """

    @property
    def rate(self) -> float:
        """The rate that shares are of, > 0: usually that of the first step."""
        ...

    def share(self, step: int) -> float:
        """The rate of a step, 1 for the first one of a training, over `rate`: finite and >= 0."""
        ...

    def batch_form(self) -> Self:
        """The same shares of a rate of 1."""
        ...


Rate = float | Schedule


@dataclass(frozen=True)
class Steps:
    """The rate times `factor` once more after each of the steps `at`; torch's MultiStepLR."""

    rate: float
    at: tuple[int, ...]
    factor: float = 0.1

    def __post_init__(self) -> None:
        check_number("rate", self.rate, above=0.0)
        check_counts("at", self.at)
        if not self.at or list(self.at) != sorted(set(self.at)):
            raise InvalidExperiment(f"at {brief(self.at)}; expected increasing steps, at least one")
        check_number("factor", self.factor, 0.0)

    def share(self, step: int) -> float:
        """A power of `factor`; see `Schedule.share`."""
        return self.factor ** sum(step > at for at in self.at)

    def batch_form(self) -> Self:
        """The same shares of a rate of 1."""
        return replace(self, rate=1.0)


@dataclass(frozen=True)
class Cosine:
    """Half a cosine, from the rate at step 1 to `last` at step `steps` + 1 and after; torch's CosineAnnealingLR.

    torch's rate goes up again after that.
    """

    rate: float
    steps: int
    last: float = 0.0

    def __post_init__(self) -> None:
        check_number("rate", self.rate, above=0.0)
        check_count("steps", self.steps)
        check_number("last", self.last, 0.0, self.rate)

    def share(self, step: int) -> float:
        """From 1 to last / rate; see `Schedule.share`."""
        last, passed = self.last / self.rate, min((step - 1) / self.steps, 1.0)
        return last + (1 - last) * (1 + math.cos(math.pi * passed)) / 2

    def batch_form(self) -> Self:
        """The same shares of a rate of 1."""
        return replace(self, rate=1.0, last=self.last / self.rate)


@dataclass(frozen=True)
class InverseTime:
    """rate / (1 + decay t), after t steps."""

    rate: float
    decay: float

    def __post_init__(self) -> None:
        check_number("rate", self.rate, above=0.0)
        check_number("decay", self.decay, above=0.0)

    def share(self, step: int) -> float:
        """1 / (1 + decay t) with t = step - 1; see `Schedule.share`."""
        return 1 / (1 + self.decay * (step - 1))

    def batch_form(self) -> Self:
        """The same shares of a rate of 1."""
        return replace(self, rate=1.0)


def check_rate(rate: object) -> None:
    """Accept a positive number, or a schedule of one.

    Raises:
        InvalidExperiment: naming the value and what is expected.
    """
    first = rate.rate if isinstance(rate, Schedule) and not isinstance(rate, type) else rate
    if not (isinstance(first, (int, float)) and not isinstance(first, bool) and 0 < first <= sys.float_info.max):
        raise InvalidExperiment(f"rate {brief(rate)}; expected a positive number, or Steps, Cosine or InverseTime")


def base_rate(rate: Rate) -> float:
    """The number itself, or the rate that a schedule's shares are of."""
    return rate.rate if isinstance(rate, Schedule) else rate


def unit_rate(rate: Rate) -> Rate:
    """A rate of 1, or the same schedule of it."""
    return rate.batch_form() if isinstance(rate, Schedule) else 1.0


def constant_rate(rate: Rate) -> float:
    """The rate, for a measure or a hypothesis about steps of one size.

    Raises:
        InvalidExperiment: if it is a schedule.
    """
    if isinstance(rate, Schedule):
        raise InvalidExperiment(f"rate {brief(rate)}; expected a number, the same for all steps")
    return rate


def share_of(schedules: Collection[Schedule], step: int) -> float:
    """The share at a step of schedules with one batch form.

    Raises:
        InvalidExperiment: if one is negative or not finite, or if the batch form hides that they differ.
    """
    shares = {schedule.share(step): schedule for schedule in schedules}
    for share, schedule in shares.items():
        try:
            fits = math.isfinite(share) and share >= 0
        except TypeError:
            fits = False
        if not fits:
            found = f"{brief(schedule)} has share {share!r} at step {step}"
            raise InvalidExperiment(f"{found}; expected a finite number >= 0")
        if schedule.share(step) != share:
            found = f"{brief(schedule)} has share {share} at step {step}, and another one when it is asked again"
            raise InvalidExperiment(f"{found}; expected a function of the step")
    least, most = min(shares), max(shares)
    if most - least > 1e-9 * most:
        found = f"shares {least:g} and {most:g} at step {step} of {brief(shares[least])} and {brief(shares[most])}"
        raise InvalidExperiment(f"{found}, which have one batch_form(); expected one share")
    return most
