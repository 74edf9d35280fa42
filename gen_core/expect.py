"""Expectations: the tolerance of a claim, judged over seeds to one of three verdicts.

`expect(values, name)` takes one number per seed; the method that follows says what is expected of them. It returns
where the expectation HOLDS and raises `Refuted` or `Inconclusive` elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from gen_core.errors import Inconclusive, InvalidClaim, Refuted, Unfinished
from gen_core.measures.held_out import Measured
from gen_core.records import INCONCLUSIVE, REFUTED
from gen_core.statistics import (
    Interval,
    exponents,
    headroom,
    mean_interval,
    proportion_interval,
    seeds_needed,
    trends,
    verdict,
    worst_case,
)

TREND = 1e-9
"""Least rank correlation that is a trend: a quantity that does not move has none."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What one expectation came to."""

    name: str
    tolerance: str
    direction: str
    low_limit: float | None
    high_limit: float | None
    values: list[float]
    interval: Interval
    verdict: str
    headroom: float | None
    seeds_needed: int | None

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


class Expected:
    """A measured quantity, waiting for what is expected of it. Made by `expect`."""

    def __init__(self, values: Tensor | ArrayLike | Measured, name: str) -> None:
        self._measured = values if isinstance(values, Measured) else None
        plain = values.values if isinstance(values, Measured) else values
        self._values = np.asarray(plain.detach().cpu() if isinstance(plain, Tensor) else plain, dtype=float)
        self._name = name
        seeds = _current().seeds
        if seeds is not None and self._values.shape[-1:] != (seeds,):
            raise InvalidClaim(f"{name} has shape {self._values.shape}; expected one number for each of {seeds} seeds")
        bad = np.argwhere(~np.isfinite(self._values))
        if len(bad):
            at = tuple(map(int, bad[0]))
            raise Unfinished(f"{name} is {self._values[at]} at index {at}; expected finite numbers")

    def at_most(self, limit: float) -> None:
        """The mean over seeds is at most the limit (Student t)."""
        self._mean(f"<= {limit:g}", None, limit)

    def at_least(self, limit: float) -> None:
        """The mean over seeds is at least the limit (Student t)."""
        self._mean(f">= {limit:g}", limit, None)

    def between(self, low: float, high: float) -> None:
        """The mean over seeds is between the limits: two one-sided tests."""
        if not low < high:
            raise InvalidClaim(f"between({low:g}, {high:g}); expected the lower limit first")
        self._mean(f"in [{low:g}, {high:g}]", low, high)

    def always_at_most(self, limit: float) -> None:
        """Every seed's value is at most the limit: for exact statements, judged on the worst seed."""
        self._worst(f"<= {limit:g} in every seed", None, limit)

    def always_at_least(self, limit: float) -> None:
        """Every seed's value is at least the limit: for exact statements, judged on the worst seed."""
        self._worst(f">= {limit:g} in every seed", limit, None)

    def mostly_at_most(self, limit: float, *, share: float) -> None:
        """At least this share of seeds has a value of at most the limit (exact Clopper-Pearson).

        The form for statements "with high probability", for quantiles (the share is the quantile's level), and where a
        share of seeds may fail to train.
        """
        self._share(f"<= {limit:g} in at least {share:.0%} of seeds", self._one_per_seed() <= limit, share)

    def mostly_at_least(self, limit: float, *, share: float) -> None:
        """At least this share of seeds has a value of at least the limit (exact Clopper-Pearson)."""
        self._share(f">= {limit:g} in at least {share:.0%} of seeds", self._one_per_seed() >= limit, share)

    def decays_in(self, x: Sequence[float], *, exponent_at_most: float) -> None:
        """Values (points, seeds) fall along x at least like x to this exponent: one fit per seed, judged over seeds."""
        self._exponent(x, f"exponent <= {exponent_at_most:g}", None, exponent_at_most)

    def grows_in(self, x: Sequence[float], *, exponent_at_least: float) -> None:
        """Values (points, seeds) grow along x at least like x to this exponent."""
        self._exponent(x, f"exponent >= {exponent_at_least:g}", exponent_at_least, None)

    def scales_in(self, x: Sequence[float], *, exponent_between: tuple[float, float]) -> None:
        """Values (points, seeds) follow x to an exponent between two limits."""
        low, high = exponent_between
        self._exponent(x, f"exponent in [{low:g}, {high:g}]", low, high)

    def increases_in(self, x: Sequence[float]) -> None:
        """Values (points, seeds) rise along x: the rank correlation per seed, judged over seeds, is above zero."""
        self._trend(x, "rank correlation > 0", TREND, None)

    def decreases_in(self, x: Sequence[float]) -> None:
        """Values (points, seeds) fall along x: the rank correlation per seed, judged over seeds, is below zero."""
        self._trend(x, "rank correlation < 0", None, -TREND)

    def _mean(self, tolerance: str, low: float | None, high: float | None) -> None:
        values, level = self._one_per_seed(), _current().level
        if self._measured is None:
            self._judge(tolerance, values, mean_interval(values, level=level), low, high)
            return
        resampled = np.asarray(self._measured.resampled.mean(-1), dtype=float)
        shared = mean_interval(
            values, level=level, shared_variance=float(resampled.var(ddof=1)), shared_df=len(resampled) - 1
        )
        self._judge(tolerance, values, shared, low, high)

    def _worst(self, tolerance: str, low: float | None, high: float | None) -> None:
        values = self._one_per_seed()
        spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        self._judge(tolerance, values, replace(worst_case(values, low, high), sd=spread), low, high)

    def _share(self, tolerance: str, met: np.ndarray, share: float) -> None:
        if not 0 < share < 1:
            raise InvalidClaim(f"share {share:g} of seeds; expected a number in (0, 1)")
        interval = proportion_interval(int(met.sum()), len(met), level=_current().level)
        self._judge(tolerance, self._one_per_seed(), interval, share, None)

    def _exponent(self, x: Sequence[float], tolerance: str, low: float | None, high: float | None) -> None:
        values = self._per_point(x)
        try:
            slopes = exponents(np.asarray(x, dtype=float), values)
        except ValueError as error:
            raise Unfinished(f"{self._name}: no exponent can be fitted ({error})") from error
        self._judge(tolerance, slopes, mean_interval(slopes, level=_current().level), low, high)

    def _trend(self, x: Sequence[float], tolerance: str, low: float | None, high: float | None) -> None:
        ranks = trends(np.asarray(x, dtype=float), self._per_point(x))
        self._judge(tolerance, ranks, mean_interval(ranks, level=_current().level), low, high)

    def _judge(
        self, tolerance: str, values: np.ndarray, interval: Interval, low: float | None, high: float | None
    ) -> None:
        __tracebackhide__ = True
        judge = _current()
        low, high = (None if limit is None else float(limit) for limit in (low, high))
        direction = "between" if low is not None and high is not None else "at most" if low is None else "at least"
        judgement = Judgement(
            name=self._name,
            tolerance=tolerance,
            direction=direction,
            low_limit=low,
            high_limit=high,
            values=[float(v) for v in values],
            interval=interval,
            verdict=verdict(interval, low, high),
            headroom=(room := headroom(interval, low, high)),
            seeds_needed=seeds_needed(room, level=judge.level) if interval.low < interval.high else None,
        )
        judge.judgements.append(judgement)
        if len(judge.judgements) > 1:
            raise InvalidClaim(f"second expect in one claim ({self._name!r}); expected one (split the claim)")
        if judgement.verdict == REFUTED:
            raise Refuted(judgement.sentence())
        if judgement.verdict == INCONCLUSIVE:
            raise Inconclusive(f"{judgement.sentence()}; {judgement.undecided()}")

    def _one_per_seed(self) -> np.ndarray:
        if self._values.ndim != 1:
            raise InvalidClaim(f"{self._name} has shape {self._values.shape}; expected one number per seed, (seeds,)")
        return self._values

    def _per_point(self, x: Sequence[float]) -> np.ndarray:
        if self._values.ndim != 2 or self._values.shape[0] != len(x):
            raise InvalidClaim(f"{self._name} has shape {self._values.shape}; expected ({len(x)} points, seeds)")
        return self._values


def _current() -> Judge:
    return _judge.get() or Judge()


def expect(values: Tensor | ArrayLike | Measured, name: str) -> Expected:
    """Say what is expected of a measured quantity.

    Args:
        values: one number per seed, (seeds,); for exponents and trends (points, seeds). `Measured` where the seeds
            share held-out points, whose sampling error then enters the interval.
        name: the quantity, as it is to stand in messages and reports.

    Raises:
        Unfinished: if a value is not finite.
        InvalidClaim: if there is not one number per seed of the claim's run.
    """
    return Expected(values, name)
