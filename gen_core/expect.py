"""Expectations: the tolerance of a claim, judged over seeds with one of three verdicts.

`expect(values, name)` takes one number per seed; the method called on it states the expectation. It returns if the
expectation HOLDS and raises `Refuted` or `Inconclusive` otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from gen_core.checks import check_real
from gen_core.errors import Inconclusive, InvalidClaim, Refuted, Unfinished
from gen_core.judgement import Judgement, current_judge
from gen_core.measures.held_out import Measured
from gen_core.records import INCONCLUSIVE, REFUTED, Direction, Statistic
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
"""Smallest rank correlation that counts as a trend: a constant quantity has none."""


class Expected:
    """A measured quantity, returned by `expect`; each method states and judges one expectation."""

    def __init__(self, values: Tensor | ArrayLike | Measured, name: str) -> None:
        self._measured = values if isinstance(values, Measured) else None
        plain = values.values if isinstance(values, Measured) else values
        for given in (plain, *([values.resampled] if isinstance(values, Measured) else [])):
            check_real(name, given)
        self._values = np.asarray(plain.detach().cpu() if isinstance(plain, Tensor) else plain, dtype=float)
        self._name = name
        seeds = current_judge().seeds
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

        For statements "with high probability", for quantiles (the share is the quantile's level), and where some seeds
        may fail to train.
        """
        self._share(f"<= {limit:g} in at least {share:.0%} of seeds", "at most", limit, share)

    def mostly_at_least(self, limit: float, *, share: float) -> None:
        """At least this share of seeds has a value of at least the limit (exact Clopper-Pearson)."""
        self._share(f">= {limit:g} in at least {share:.0%} of seeds", "at least", limit, share)

    def decays_in(self, x: Sequence[float], *, exponent_at_most: float) -> None:
        """Values (settings, seeds) decay in x at least as fast as x^exponent: one fit per seed, judged over seeds."""
        self._exponent(x, f"exponent <= {exponent_at_most:g}", None, exponent_at_most)

    def grows_in(self, x: Sequence[float], *, exponent_at_least: float) -> None:
        """Values (settings, seeds) grow in x at least as fast as x^exponent."""
        self._exponent(x, f"exponent >= {exponent_at_least:g}", exponent_at_least, None)

    def scales_in(self, x: Sequence[float], *, exponent_between: tuple[float, float]) -> None:
        """Values (settings, seeds) scale as x^exponent, with the exponent between two limits."""
        low, high = exponent_between
        self._exponent(x, f"exponent in [{low:g}, {high:g}]", low, high)

    def increases_in(self, x: Sequence[float]) -> None:
        """Values (settings, seeds) increase in x: the rank correlation per seed, judged over seeds, is above zero."""
        self._trend(x, "rank correlation > 0", TREND, None)

    def decreases_in(self, x: Sequence[float]) -> None:
        """Values (settings, seeds) decrease in x: the rank correlation per seed, judged over seeds, is below zero."""
        self._trend(x, "rank correlation < 0", None, -TREND)

    def _mean(self, tolerance: str, low: float | None, high: float | None) -> None:
        values, level = self._one_per_seed(), current_judge().level
        if self._measured is None:
            self._judge("mean", tolerance, values, mean_interval(values, level=level), low, high)
            return
        resampled = np.asarray(self._measured.resampled.mean(-1), dtype=float)
        shared = mean_interval(
            values, level=level, shared_variance=float(resampled.var(ddof=1)), shared_df=len(resampled) - 1
        )
        self._judge("mean", tolerance, values, shared, low, high)

    def _worst(self, tolerance: str, low: float | None, high: float | None) -> None:
        values = self._one_per_seed()
        spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        self._judge("worst", tolerance, values, replace(worst_case(values, low, high), sd=spread), low, high)

    def _share(self, tolerance: str, direction: Direction, limit: float, share: float) -> None:
        if not 0 < share < 1:
            raise InvalidClaim(f"share {share:g} of seeds; expected a number in (0, 1)")
        values = self._one_per_seed()
        met = values <= limit if direction == "at most" else values >= limit
        interval = proportion_interval(int(met.sum()), len(met), level=current_judge().level)
        demanded = {"share": float(share), "seed_limit": float(limit), "seed_direction": direction}
        self._judge("share", tolerance, values, interval, share, None, **demanded)

    def _exponent(self, x: Sequence[float], tolerance: str, low: float | None, high: float | None) -> None:
        values = self._per_point(x)
        try:
            slopes = exponents(np.asarray(x, dtype=float), values)
        except ValueError as error:
            raise Unfinished(f"{self._name}: no exponent can be fitted ({error})") from error
        self._judge("exponent", tolerance, slopes, mean_interval(slopes, level=current_judge().level), low, high)

    def _trend(self, x: Sequence[float], tolerance: str, low: float | None, high: float | None) -> None:
        ranks = trends(np.asarray(x, dtype=float), self._per_point(x))
        self._judge("trend", tolerance, ranks, mean_interval(ranks, level=current_judge().level), low, high)

    def _judge(
        self,
        statistic: Statistic,
        tolerance: str,
        values: np.ndarray,
        interval: Interval,
        low: float | None,
        high: float | None,
        **demanded: Any,
    ) -> None:
        __tracebackhide__ = True
        for limit in (low, high, demanded.get("seed_limit")):
            if limit is not None and not np.isfinite(limit):
                raise InvalidClaim(f"{self._name} has the limit {limit:g}; expected a finite number")
        judge, room = current_judge(), headroom(interval, low, high)
        judgement = Judgement(
            name=self._name,
            tolerance=tolerance,
            statistic=statistic,
            low_limit=None if low is None else float(low),
            high_limit=None if high is None else float(high),
            values=[float(v) for v in values],
            interval=interval,
            verdict=verdict(interval, low, high),
            headroom=room,
            seeds_needed=seeds_needed(room, level=judge.level) if interval.low < interval.high else None,
            **demanded,
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
            raise InvalidClaim(f"{self._name} has shape {self._values.shape}; expected ({len(x)} settings, seeds)")
        return self._values


def expect(values: Tensor | ArrayLike | Measured, name: str) -> Expected:
    """Begin an expectation: `expect(values, name).at_most(limit)`.

    Args:
        values: one number per seed, (seeds,); for exponents and trends (settings, seeds). `Measured` where the seeds
            share held-out points, whose sampling error then enters the interval.
        name: the quantity, as it appears in messages and reports.

    Raises:
        Unfinished: if a value is not finite.
        InvalidClaim: if there is not one real number per seed of the claim's run.
    """
    return Expected(values, name)
