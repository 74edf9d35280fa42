"""The judgement of an expectation, and the judge that sets its level and number of seeds."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

from gen_core.checks import plain_number
from gen_core.errors import InvalidClaim
from gen_core.records import HOLDS, INCONCLUSIVE, Direction, Statistic, Verdict, in_deviations
from gen_core.statistics import Interval

Limits = tuple[float | None, float | None]
"""The lower and the upper limit of a tolerance, one of which may be None."""


def limits_of(name: str, **given: object) -> Limits:
    """The limits that an expectation of `name` is given, `low`, `high` or both, as numbers.

    Raises:
        InvalidClaim: if one is no finite number, or the lower one does not come first.
    """
    found = {side: plain_number(f"{name} has the limit", limit) for side, limit in given.items()}
    low, high = found.get("low"), found.get("high")
    if low is not None and high is not None and not low < high:
        raise InvalidClaim(f"{name} in [{low:g}, {high:g}]; expected the lower limit first")
    return low, high


def limits_in_words(limits: Limits) -> str:
    """A tolerance with these limits, such as "<= 0.5"."""
    low, high = limits
    if low is not None and high is not None:
        return f"in [{low:g}, {high:g}]"
    return f"<= {high:g}" if low is None else f">= {low:g}"


@dataclass(frozen=True, kw_only=True, repr=False)
class Judgement:
    """The judgement of one expectation. It is true where the verdict is HOLDS, and is shown as its numbers.

    Attributes:
        name: the measured quantity as plain text; `tolerance` is the expectation in words.
        statistic: the judged statistic over seeds, with limits `low_limit` and `high_limit`, one of which may be None.
        share: for the statistic "share", the required share of seeds, which is also `low_limit`; a seed counts if its
            value is `seed_direction` `seed_limit`. None and "" otherwise.
        values: one per seed: the measured value, or the exponent or rank correlation computed from it.
        interval: the interval of the statistic, at the judge's level.
        headroom: from the estimate to the nearest limit in standard deviations of one seed, on the scale if there is
            one; None if not defined.
        seeds_needed: number of seeds needed for a decision if the estimate is the truth; None if not defined.
        scale: for a mean judged on a scale, its name in `gen_core.statistics.SCALES`; `scaled` are the estimate and its
            bounds there. "" and () otherwise.
        typeset: the name with its formulas in LaTeX between dollar signs; empty where it has none.
    """

    name: str
    tolerance: str
    statistic: Statistic
    low_limit: float | None
    high_limit: float | None
    values: list[float]
    interval: Interval
    verdict: Verdict
    headroom: float | None
    seeds_needed: int | None
    share: float | None = None
    seed_limit: float | None = None
    seed_direction: Direction | Literal[""] = ""
    scale: str = ""
    scaled: tuple[float, ...] = ()
    typeset: str = ""

    def __bool__(self) -> bool:
        return self.holds

    def __repr__(self) -> str:
        return f"{self.verdict}: {self.reason()}"

    @property
    def holds(self) -> bool:
        """Whether the verdict is HOLDS."""
        return self.verdict == HOLDS

    @property
    def direction(self) -> Direction:
        """The side of its limits on which the statistic must lie."""
        if self.low_limit is not None and self.high_limit is not None:
            return "between"
        return "at most" if self.low_limit is None else "at least"

    def sentence(self) -> str:
        """The numbers in one line."""
        i = self.interval
        words = f"{self.name} is {i.estimate:.4g} [{i.low:.4g}, {i.high:.4g}] over {i.n} seeds"
        if self.scaled:
            words += " ({}: {:.4g} [{:.4g}, {:.4g}])".format(self.scale, *self.scaled)
        return f"{words}; claimed {self.tolerance}"

    def reason(self) -> str:
        """The numbers, and what a decision would need where there is none, in one line."""
        return f"{self.sentence()}; {self.undecided()}" if self.verdict == INCONCLUSIVE else self.sentence()

    def undecided(self) -> str:
        """What a decision would need, in one line."""
        if self.headroom is None and self.seeds_needed is None:
            return "the limit lies in the interval, which more seeds would narrow"
        needed = f"about {self.seeds_needed}" if self.seeds_needed else "more than 100000"
        room = "" if self.headroom is None else f" at a headroom of {in_deviations(self.headroom, 2)}"
        return f"the limit lies in the interval; a decision needs {needed} seeds{room}"


@dataclass
class Judge:
    """The level and number of seeds of one look, and the judgements made at it.

    Attributes:
        level: chance of a wrong verdict per side at this look; outside a run that of one judgement by itself.
        seeds: number of seeds, which is the number of values that `expect` requires; None outside a run.
        most: number of seeds at the last look, at which a verdict must be possible; None outside a run.
        judgements: the judgements of `expect`, in order.
    """

    level: float = 0.005
    seeds: int | None = None
    most: int | None = None
    judgements: list[Judgement] = field(default_factory=list)


_judge: ContextVar[Judge | None] = ContextVar("judge", default=None)


@contextlib.contextmanager
def judging(judge: Judge) -> Iterator[Judge]:
    """Make `expect` use this judge in the `with` block; outside of it every call has a judge of its own."""
    token = _judge.set(judge)
    try:
        yield judge
    finally:
        _judge.reset(token)


def verdicts_are_raised() -> bool:
    """Whether a verdict that is returned could go unnoticed: in a claim, and in any test that pytest is running."""
    return _judge.get() is not None or "PYTEST_CURRENT_TEST" in os.environ


def current_judge() -> Judge:
    """The judge of the running claim; a new one outside a claim."""
    return _judge.get() or Judge()
