"""Intervals over seeds, and the verdict that follows from an interval and limits.

A statement about a quantile is a statement about a proportion: "the 0.9 quantile of the error is at most c" says that
at least 90 % of the seeds have an error of at most c. Count those seeds and judge `proportion_interval`. The same goes
for a measure on which some seeds fail: with a tenth of them dead, Student's t covers 53 % at five seeds, not 95 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from gen_core.records import HOLDS, INCONCLUSIVE, REFUTED, Verdict
from gen_core.statistics.arguments import check_level, one_per_seed

ROUNDING = 1e-9
"""Relative difference up to which two values count as equal."""


@dataclass(frozen=True)
class Interval:
    """An estimate and its two one-sided bounds.

    Attributes:
        estimate: the judged value; `low` and `high` its bounds.
        sd: standard deviation of one seed, the unit of headroom; 0 where it is not defined or the seeds do not differ.
        n: number of seeds.
    """

    estimate: float
    low: float
    high: float
    sd: float
    n: int


def mean_interval(values: ArrayLike, *, level: float) -> Interval:
    """Student's t interval for the mean over seeds.

    Args:
        values: one value per seed, shape (n,), n >= 2, assumed normal. Equal values give an interval of zero width,
            which is none: see `ties`.
        level: chance that one bound is wrong, in (0, 0.5).

    Raises:
        ValueError: for fewer than 2 seeds, a value that is not finite (the message names its index), or a level out of
            range.
    """
    x = one_per_seed(values)
    check_level(level)
    if x.size < 2:
        raise ValueError(f"{x.size} seed; expected at least 2 for an interval of the mean")
    sd = _spread(x)
    # Rounding in the mean of equal values would move it off them.
    estimate = float(x.mean()) if sd else float(x[0])
    half = float(stats.t.isf(level, x.size - 1)) * sd / math.sqrt(x.size)
    return Interval(estimate, estimate - half, estimate + half, sd, x.size)


def median_interval(values: ArrayLike, *, level: float) -> Interval:
    """Exact interval for the median over seeds, by the sign test; it assumes nothing of the distribution.

    The bounds are the k-th smallest and the k-th largest value, with the largest k at which P(Bin(n, 1/2) < k) is at
    most the level. They are infinite where even k = 1 is not: below `least_seeds(0.5, level=level)` seeds.

    Args:
        values: one value per seed, shape (n,).
        level: chance that one bound is wrong, in (0, 0.5).

    Raises:
        ValueError: for a value that is not finite (the message names its index), or a level out of range.
    """
    x = np.sort(one_per_seed(values))
    check_level(level)
    below = stats.binom.cdf(np.arange(x.size), x.size, 0.5) <= level
    k = int(below.sum())
    low, high = (float(x[k - 1]), float(x[-k])) if k else (-math.inf, math.inf)
    return Interval(float(np.median(x)), low, high, _spread(x), x.size)


def proportion_interval(successes: int, n: int, *, level: float) -> Interval:
    """Exact interval for a proportion of seeds (Clopper and Pearson, Biometrika 26, 1934).

    Args:
        successes: number of seeds for which the statement is true, out of `n`.
        n: number of seeds.
        level: chance that one bound is wrong, in (0, 0.5).

    Raises:
        ValueError: for counts or a level out of range.
    """
    check_level(level)
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"{successes} successes of {n} seeds; expected 0 <= successes <= n and n >= 1")
    low = 0.0 if successes == 0 else float(stats.beta.ppf(level, successes, n - successes + 1))
    high = 1.0 if successes == n else float(stats.beta.isf(level, successes + 1, n - successes))
    share = successes / n
    return Interval(share, low, high, math.sqrt(share * (1 - share)), n)


def worst_case(values: ArrayLike, low_limit: float | None, high_limit: float | None) -> Interval:
    """The worst seed's value, as an interval of zero width, for exact statements.

    `verdict` with the same limits is then HOLDS if all seeds are inside, and REFUTED if one is outside. `sd` is that of
    the seeds.

    Raises:
        ValueError: for values that are not one finite number per seed, or limits that are both None or cross.
    """
    x = one_per_seed(values)
    low, high = _limits(low_limit, high_limit)
    worst = float(x[np.argmax(np.maximum(low - x, x - high))])
    return Interval(worst, worst, worst, _spread(x), x.size)


def widened(interval: Interval, *, level: float, variance: float, df: float = math.inf) -> Interval:
    """The interval where the seeds share their test points, whose own sampling error more seeds do not reduce.

    The error of the estimate is then the sum of two independent parts, one over seeds and one, of the given variance,
    over test points. For the mean, of variance s^2/n over seeds, the half-width sqrt(t_{n-1}^2 s^2/n + t_df^2 variance)
    keeps the level for every ratio of the two (Banerjee, "Approximate confidence interval for linear functions of means
    of k populations when the population variances are not equal", Sankhya 22, 1960): the distribution function of a
    squared normal variable is concave. Other statistics take the same form, with their own distances to either bound.

    Args:
        interval: the interval over seeds, at this level.
        level: chance that one bound is wrong, in (0, 0.5).
        variance: variance of the estimate that is due to the test points, for example from a bootstrap over them.
        df: degrees of freedom that this variance was estimated with; infinite if it is known.

    Raises:
        ValueError: for a level, variance or degrees of freedom out of range.
    """
    # Welch-Satterthwaite would be tighter, but at a suite's levels (2e-5 per look) its bounds are wrong up to 7 times
    # too often at 8 seeds and 67 times at 4: few seeds look alike by chance, and the pooled quantile then drops.
    check_level(level)
    if not (math.isfinite(variance) and variance >= 0):
        raise ValueError(f"variance {variance}; expected a finite number >= 0")
    if not df > 0:
        raise ValueError(f"df {df}; expected a positive number")
    shared = float(stats.t.isf(level, df)) * math.sqrt(variance)
    low = interval.estimate - math.hypot(interval.estimate - interval.low, shared)
    return replace(interval, low=low, high=interval.estimate + math.hypot(interval.high - interval.estimate, shared))


def ties(values: ArrayLike) -> str:
    """Why values are too few for an interval of their mean, in words; "" if they are not.

    Equal values give an interval without width, and where more than half of the seeds agree, or only two values occur,
    the spread of a few seeds says little about that of all: of eight seeds with a value of 1 in a tenth of them and 0
    else, none differs with probability .43. Values count as equal if they differ by rounding (`ROUNDING`).
    """
    x = np.sort(one_per_seed(values))
    apart = np.flatnonzero(np.diff(x) > ROUNDING * max(abs(x[0]), abs(x[-1])))
    counts = np.diff(np.concatenate(([0], apart + 1, [x.size])))
    if x.size > 1 and counts.size == 1:
        return f"all {x.size} values are equal"
    if x.size > 2 and counts.size == 2:
        return f"{x.size} seeds have only two different values"
    return f"{counts.max()} of {x.size} values are equal" if 2 * counts.max() > x.size > 2 else ""


def verdict(interval: Interval, low_limit: float | None, high_limit: float | None) -> Verdict:
    """HOLDS, REFUTED or INCONCLUSIVE.

    With one limit both decisions are one-sided tests at the interval's level. With two limits HOLDS is a pair of
    one-sided tests (TOST), wrong with at most the level; REFUTED is wrong with at most the level on either side.

    The limits themselves count as inside; None means no limit on that side.

    Raises:
        ValueError: if both limits are None, one is NaN, or they cross.
    """
    low, high = _limits(low_limit, high_limit)
    if low <= interval.low and interval.high <= high:
        return HOLDS
    if interval.high < low or interval.low > high:
        return REFUTED
    return INCONCLUSIVE


def headroom(interval: Interval, low_limit: float | None, high_limit: float | None) -> float | None:
    """Distance of the estimate from the nearest limit in standard deviations of one seed, positive inside.

    None where the standard deviation is 0. Raises as `verdict`.
    """
    low, high = _limits(low_limit, high_limit)
    if interval.sd == 0:
        return None
    return min(interval.estimate - low, high - interval.estimate) / interval.sd


def _limits(low_limit: float | None, high_limit: float | None) -> tuple[float, float]:
    if low_limit is None and high_limit is None:
        raise ValueError("no limit; expected a low one, a high one or both")
    low = -math.inf if low_limit is None else low_limit
    high = math.inf if high_limit is None else high_limit
    if not low <= high:
        raise ValueError(f"limits {low} and {high}; expected numbers with low <= high")
    return low, high


def _spread(x: np.ndarray) -> float:
    """Standard deviation over seeds; 0 for equal values, to which rounding would give one of 1e-17."""
    return 0.0 if np.all(x == x[0]) else float(x.std(ddof=1))
