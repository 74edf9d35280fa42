"""What an expectation comes to, and who judges it: at which level, over how many seeds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

from gen_core.records import Direction, Statistic, Verdict
from gen_core.statistics import Interval


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What one expectation came to.

    Attributes:
        name: the measured quantity; `tolerance` what is expected of it, in words.
        statistic: what of the seeds is judged, against `low_limit` and `high_limit`, of which one may be None.
        share: of a share the part of the seeds that is demanded, which is its `low_limit`; a seed counts where its
            value is `seed_direction` `seed_limit`. None and "" elsewhere.
        values: one per seed: what was measured, or the exponent or rank correlation that is fitted to it.
        interval: of the statistic, at the judge's level.
        headroom: from the estimate to the nearest limit in standard deviations of a seed; None if not defined.
        seeds_needed: how many a decision takes at this headroom; None if not defined.
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

    @property
    def direction(self) -> Direction:
        """On which side of its limits the statistic has to be."""
        if self.low_limit is not None and self.high_limit is not None:
            return "between"
        return "at most" if self.low_limit is None else "at least"

    def sentence(self) -> str:
        """The numbers in one line."""
        i = self.interval
        return f"{self.name} is {i.estimate:.4g} [{i.low:.4g}, {i.high:.4g}] over {i.n} seeds; claimed {self.tolerance}"

    def undecided(self) -> str:
        """What a decision would take, in one line."""
        if self.headroom is None:
            return "the limit lies in the interval, which more seeds would narrow"
        needed = f"about {self.seeds_needed}" if self.seeds_needed else "more than 100000"
        return (
            f"the limit lies in the interval; a decision needs {needed} seeds at a headroom of {self.headroom:.2g} sd"
        )


@dataclass
class Judge:
    """Who judges: at which level per side, over how many seeds, and what was judged.

    Attributes:
        level: chance of a wrong verdict per side at this look.
        seeds: number of values that a quantity must come with, one per seed; None where a caller has no run.
        judgements: what `expect` has judged, in order.
    """

    level: float = 0.005
    seeds: int | None = None
    judgements: list[Judgement] = field(default_factory=list)


_judge: ContextVar[Judge | None] = ContextVar("judge", default=None)


@contextlib.contextmanager
def judging(judge: Judge) -> Iterator[Judge]:
    """Let `expect` judge at this judge's level and tell it; outside of it every call has a judge of its own."""
    token = _judge.set(judge)
    try:
        yield judge
    finally:
        _judge.reset(token)


def current_judge() -> Judge:
    """The judge of the claim that is running; a new one outside of a claim."""
    return _judge.get() or Judge()
