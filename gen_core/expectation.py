"""Expectations: the tolerance of a claim, judged over seeds with one of three verdicts.

`expect(values, name)` takes one number per seed; the method called on it states the expectation. In a claim, and in any
test that pytest runs, it raises `Refuted` or `Inconclusive` unless the expectation HOLDS. Elsewhere, as in a notebook,
it returns its `Judgement` whatever the verdict, at a level of .005 per side: that of one judgement by itself, which is
not split over further looks or claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from gen_core.checks import check_name, plain_number, real_array
from gen_core.errors import Inconclusive, InvalidClaim, Refuted, Unfinished
from gen_core.form import MEDIAN, Form
from gen_core.judgement import Judgement, Limits, current_judge, limits_in_words, limits_of, verdicts_are_raised
from gen_core.recipe import brief
from gen_core.records import REFUTED, Direction, Statistic, has_formula, plain_name
from gen_core.statistics import (
    SCALES,
    Interval,
    exponents,
    headroom,
    mean_over_seeds,
    median_over_seeds,
    seeds_needed,
    seeds_needed_for_share,
    share_of_seeds,
    ties,
    trends,
    verdict,
    worst_over_seeds,
)
from gen_core.types import Measured

TREND = 1e-9
"""Smallest rank correlation that counts as a trend: a constant quantity has none."""


class Expected:
    """A measured quantity, returned by `expect`; each method states and judges one expectation."""

    def __init__(self, values: Tensor | ArrayLike | Measured, name: str, scale: str = "") -> None:
        check_name("name of what is expected", name)
        self._typeset, name = name if has_formula(name) else "", plain_name(name)
        self._name, self._scale = name, scale
        measured = isinstance(values, Measured)
        self._values = real_array(name, values.values if measured else values)
        self._resampled = real_array(f"resampled {name}", values.resampled) if measured else None
        seeds = current_judge().seeds
        if seeds is not None and self._values.shape[-1:] != (seeds,):
            raise InvalidClaim(f"{name} has shape {self._values.shape}; expected one number for each of {seeds} seeds")
        if not (self._values.ndim and self._values.size):
            raise InvalidClaim(f"{name} has shape {self._values.shape}; expected one number per seed, (seeds,)")
        if self._resampled is not None and self._resampled.shape[1:] != self._values.shape:
            raise InvalidClaim(
                f"{name} is resampled with shape {self._resampled.shape}; expected (resamples, ...) of its own shape, "
                f"{self._values.shape}"
            )
        if scale and scale not in SCALES:
            raise InvalidClaim(f"{name} on the scale {scale!r}; expected {' or '.join(map(repr, SCALES))}")

    def at_most(self, limit: float) -> Judgement:
        """The mean over seeds is at most the limit (Student t), on the scale if there is one."""
        return self._mean(self._limits(high=limit))

    def at_least(self, limit: float) -> Judgement:
        """The mean over seeds is at least the limit (Student t), on the scale if there is one."""
        return self._mean(self._limits(low=limit))

    def between(self, low: float, high: float) -> Judgement:
        """The mean over seeds is between the limits: two one-sided tests."""
        return self._mean(self._limits(low=low, high=high))

    def typically_at_most(self, limit: float) -> Judgement:
        """The median over seeds is at most the limit (exact sign test), whatever the distribution of the values."""
        return self._typically(self._limits(high=limit))

    def typically_at_least(self, limit: float) -> Judgement:
        """The median over seeds is at least the limit (exact sign test)."""
        return self._typically(self._limits(low=limit))

    def typically_between(self, low: float, high: float) -> Judgement:
        """The median over seeds is between the limits: two exact sign tests."""
        return self._typically(self._limits(low=low, high=high))

    def always_at_most(self, limit: float) -> Judgement:
        """Every seed's value is at most the limit: for exact statements, judged on the worst seed."""
        return self._worst(self._limits(high=limit))

    def always_at_least(self, limit: float) -> Judgement:
        """Every seed's value is at least the limit: for exact statements, judged on the worst seed."""
        return self._worst(self._limits(low=limit))

    def always_between(self, low: float, high: float) -> Judgement:
        """Every seed's value is between the limits: for exact statements, judged on the worst seed."""
        return self._worst(self._limits(low=low, high=high))

    def mostly_at_most(self, limit: float, *, share: float) -> Judgement:
        """At least this share of seeds has a value of at most the limit (exact Clopper-Pearson).

        For statements "with high probability", for quantiles (the share is the quantile's level), and where some seeds
        may fail to train.
        """
        return self._share(self._limits(high=limit), "at most", limit, share)

    def mostly_at_least(self, limit: float, *, share: float) -> Judgement:
        """At least this share of seeds has a value of at least the limit (exact Clopper-Pearson)."""
        return self._share(self._limits(low=limit), "at least", limit, share)

    def decays_in(self, x: Sequence[float], *, exponent_at_most: float) -> Judgement:
        """Values (settings, seeds) decay in x at least as fast as x^exponent: one fit per seed, judged over seeds."""
        return self._exponent(x, self._limits(high=exponent_at_most))

    def grows_in(self, x: Sequence[float], *, exponent_at_least: float) -> Judgement:
        """Values (settings, seeds) grow in x at least as fast as x^exponent."""
        return self._exponent(x, self._limits(low=exponent_at_least))

    def scales_in(self, x: Sequence[float], *, exponent_between: tuple[float, float]) -> Judgement:
        """Values (settings, seeds) scale as x^exponent, with the exponent between two limits."""
        if not isinstance(exponent_between, (tuple, list)) or len(exponent_between) != 2:
            found = f"{self._name} has exponent_between {brief(exponent_between)}"
            raise InvalidClaim(f"{found}; expected two limits, (a, b)")
        low, high = exponent_between
        return self._exponent(x, self._limits(low=low, high=high))

    def increases_in(self, x: Sequence[float]) -> Judgement:
        """Values (settings, seeds) increase in x: the median of the seeds' rank correlations is above zero."""
        return self._trend(x, "rank correlation > 0", (TREND, None))

    def decreases_in(self, x: Sequence[float]) -> Judgement:
        """Values (settings, seeds) decrease in x: the median of the seeds' rank correlations is below zero."""
        return self._trend(x, "rank correlation < 0", (None, -TREND))

    def _limits(self, **given: object) -> Limits:
        return limits_of(self._name, **given)

    def _mean(self, limits: Limits) -> Judgement:
        values, tolerance = self._one_per_seed(), limits_in_words(limits)
        if not self._scale:
            return self._judge_mean("mean", tolerance, values, self._resampled, limits)
        scale = SCALES[self._scale]
        try:
            there = [None if limit is None else float(scale(np.asarray(limit))) for limit in limits]
            scaled = scale(values), None if self._resampled is None else scale(self._resampled)
        except ValueError as error:
            raise InvalidClaim(f"{self._name}: {error}; or a median (typically_...), which needs no scale") from error
        mean = self._mean_of(*scaled)
        judged = (mean.estimate, mean.low, mean.high)
        interval = Interval(*map(float, scale.back(np.array(judged))), sd=float(values.std(ddof=1)), n=mean.n)
        words, facts = f"{tolerance}, as the mean of {self._scale}", {"scale": self._scale, "scaled": judged}
        return self._judge("mean", words, values, interval, limits, (mean, (there[0], there[1])), **facts)

    def _judge_mean(
        self, statistic: Statistic, tolerance: str, values: np.ndarray, resampled: np.ndarray | None, limits: Limits
    ) -> Judgement:
        return self._judge(statistic, tolerance, values, self._mean_of(values, resampled), limits)

    def _mean_of(self, values: np.ndarray, resampled: np.ndarray | None) -> Interval:
        if len(values) < 2:
            raise InvalidClaim(f"{self._name} of one seed; expected two or more, for an interval of their mean")
        if found := ties(values):
            raise InvalidClaim(
                f"{self._name}: {found}, which gives their mean no interval; expected always_... for an exact "
                "statement, typically_... for the median, or mostly_... for a share of seeds"
            )
        return mean_over_seeds(values, resampled, level=current_judge().level)

    def _typically(self, limits: Limits) -> Judgement:
        words = f"{limits_in_words(limits)} in the median"
        return self._median("median", words, self._one_per_seed(), self._resampled, limits)

    def _median(
        self, statistic: Statistic, tolerance: str, values: np.ndarray, resampled: np.ndarray | None, limits: Limits
    ) -> Judgement:
        self._require_decidable("typically", MEDIAN)
        interval, (low, high) = median_over_seeds(values, resampled, level=current_judge().level), limits
        met = min(1.0 if low is None else np.mean(values >= low), 1.0 if high is None else np.mean(values <= high))
        return self._judge(statistic, tolerance, values, interval, limits, of_share=(float(met), MEDIAN))

    def _worst(self, limits: Limits) -> Judgement:
        values = self._one_per_seed()
        interval = worst_over_seeds(values, self._resampled, *limits, level=current_judge().level)
        return self._judge("worst", f"{limits_in_words(limits)} in every seed", values, interval, limits)

    def _share(self, limits: Limits, direction: Direction, limit: float, share: float) -> Judgement:
        limit, share = float(limit), plain_number(f"{self._name} has the share of seeds", share)
        if not 0 < share < 1:
            raise InvalidClaim(f"share {share:g} of seeds; expected a number in (0, 1)")
        self._require_decidable("mostly", share)
        values, level = self._one_per_seed(), current_judge().level
        interval = share_of_seeds(values, self._resampled, direction, limit, level=level)
        demanded = {"share": share, "seed_limit": limit, "seed_direction": direction}
        words, observed = f"{limits_in_words(limits)} in at least {share:.0%} of seeds", (interval.estimate, share)
        return self._judge("share", words, values, interval, (share, None), of_share=observed, **demanded)

    def _exponent(self, x: Sequence[float], limits: Limits) -> Judgement:
        values, sizes = self._along(x)
        try:
            slopes = exponents(sizes, values)
            resampled = None if self._resampled is None else exponents(sizes, self._resampled)
        except ValueError as error:
            raise Unfinished(f"{self._name}: no exponent can be fitted ({error})") from error
        return self._judge_mean("exponent", f"exponent {limits_in_words(limits)}", slopes, resampled, limits)

    def _trend(self, x: Sequence[float], tolerance: str, limits: Limits) -> Judgement:
        values, settings = self._along(x)
        resampled = None if self._resampled is None else trends(settings, self._resampled)
        return self._median("trend", tolerance, trends(settings, values), resampled, limits)

    def _judge(
        self,
        statistic: Statistic,
        tolerance: str,
        values: np.ndarray,
        interval: Interval,
        limits: Limits,
        on_scale: tuple[Interval, Limits] | None = None,
        of_share: tuple[float, float] | None = None,
        **facts: Any,
    ) -> Judgement:
        """Judge and record; `on_scale` is what the verdict is taken of, `of_share` an observed and a demanded share."""
        __tracebackhide__ = True
        low, high = limits
        if self._scale and on_scale is None:
            raise InvalidClaim(f"{self._name}: a scale changes the mean alone; expected at_most, at_least or between")
        judge, (judged, its_limits) = current_judge(), on_scale or (interval, limits)
        room, needed = headroom(judged, *its_limits), None
        if of_share is not None:
            needed = seeds_needed_for_share(*of_share, level=judge.level)
        elif interval.low < interval.high:
            needed = seeds_needed(room, level=judge.level)
        judgement = Judgement(
            name=self._name,
            typeset=self._typeset,
            tolerance=tolerance,
            statistic=statistic,
            low_limit=low,
            high_limit=high,
            values=[float(v) for v in values],
            interval=interval,
            verdict=verdict(judged, *its_limits),
            headroom=room,
            seeds_needed=needed,
            **facts,
        )
        judge.judgements.append(judgement)
        if len(judge.judgements) > 1:
            raise InvalidClaim(f"second expect in one claim ({self._name!r}); expected one (split the claim)")
        if verdicts_are_raised() and not judgement.holds:
            raise (Refuted if judgement.verdict == REFUTED else Inconclusive)(judgement.reason())
        return judgement

    def _require_decidable(self, method: str, share: float) -> None:
        judge = current_judge()
        if judge.most is not None and (why := Form(method, share).refusal(judge.level, judge.most)):
            raise InvalidClaim(f"{self._name}: {why}")

    def _one_per_seed(self) -> np.ndarray:
        if self._values.ndim != 1:
            raise InvalidClaim(f"{self._name} has shape {self._values.shape}; expected one number per seed, (seeds,)")
        return self._values

    def _along(self, x: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
        """The values, (settings, seeds), and x, (settings,)."""
        try:
            settings = np.asarray(x, dtype=float)
        except (TypeError, ValueError):
            settings = np.empty(0)
        if settings.ndim != 1 or np.unique(settings).size < 2 or not np.isfinite(settings).all():
            raise InvalidClaim(
                f"{self._name} along x {brief(x)}; expected two or more different finite numbers, (settings,)"
            )
        if self._values.ndim != 2 or len(self._values) != len(settings):
            found, expected = self._values.shape, f"({len(settings)} settings, seeds)"
            raise InvalidClaim(f"{self._name} has shape {found}; expected {expected}")
        return self._values, settings


def expect(values: Tensor | ArrayLike | Measured, name: str, *, scale: str = "") -> Expected:
    r"""Begin an expectation: `expect(values, name).at_most(limit)`, which raises or returns its verdict (see above).

    Args:
        values: one number per seed, (seeds,); for exponents and trends (settings, seeds). `Measured` where the seeds
            share held-out points, whose sampling error then enters the interval.
        name: the quantity, as it appears in messages and reports. Formulas in it are LaTeX between dollar signs, as in
            `r"$\|W\|_F$ over $\sqrt{n}$"`, which reports typeset; messages have "|W|_F over sqrt(n)".
        scale: for the mean of a quantity near its bound, the scale on which it is judged, one of
            `gen_core.statistics.SCALES`, such as "-log(1 - x)" for R^2. Limits are in plain units.

    Raises:
        Unfinished: if a value is not finite.
        InvalidClaim: unless there is one real number per seed of the run, a known scale, and LaTeX in the formulas.
    """
    return Expected(values, name, scale)
