"""Statistics: from one number per seed to a verdict with guaranteed error rates.

Every interval has two one-sided bounds, each on the wrong side of the truth with probability at most `level`. A claim
is judged at several looks (8, 16, 32, 64 seeds), each with its share of the claim's level (`spend`). By the union bound
a true claim is then refuted, and a false one held, with at most that probability per side.

A statement about a quantile is a statement about a proportion: "the 0.9 quantile of the error is at most c" says that
at least 90 % of the seeds have an error of at most c. Count those seeds and judge `proportion_interval`. The same goes
for a measure on which some seeds fail: with a tenth of them dead, Student's t covers 53 % at five seeds, not 95 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from gen_core.records import HOLDS, INCONCLUSIVE, REFUTED, Verdict

LAST_LOOK = 64


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


def mean_interval(
    values: ArrayLike, *, level: float, shared_variance: float = 0.0, shared_df: float = math.inf
) -> Interval:
    """Student's t interval for the mean over seeds, wider where the seeds share their test points.

    With shared test points the error of the mean is the sum of two independent parts, of variances s^2/n and
    `shared_variance`. The half-width is then sqrt(t_{n-1}^2 s^2/n + t_{shared_df}^2 shared_variance), which keeps the
    level for every ratio of the two (Banerjee, "Approximate confidence interval for linear functions of means of k
    populations when the population variances are not equal", Sankhya 22, 1960): the distribution function of a squared
    normal variable is concave.

    Args:
        values: one value per seed, shape (n,), n >= 2, assumed normal. Equal values give an interval of zero width.
        level: chance that one bound is wrong, in (0, 0.5).
        shared_variance: variance of the mean that is due to the test points, for example from a bootstrap over them.
        shared_df: degrees of freedom that this variance was estimated with; infinite if it is known.

    Raises:
        ValueError: for fewer than 2 seeds, a value that is not finite (the message names its index), or a level,
            variance or degrees of freedom out of range.
    """
    # Welch-Satterthwaite would be tighter, but at a suite's levels (2e-5 per look) its bounds are wrong up to 7 times
    # too often at 8 seeds and 67 times at 4: few seeds look alike by chance, and the pooled quantile then drops.
    x = _per_seed(values)
    _check_level(level)
    if x.size < 2:
        raise ValueError(f"{x.size} seed; expected at least 2 for an interval of the mean")
    if not (math.isfinite(shared_variance) and shared_variance >= 0):
        raise ValueError(f"shared_variance {shared_variance}; expected a finite number >= 0")
    if not shared_df > 0:
        raise ValueError(f"shared_df {shared_df}; expected a positive number")
    # Equal values are treated separately: rounding in the mean would give them an sd of 1e-17.
    equal = bool(np.all(x == x[0]))
    estimate = float(x[0]) if equal else float(x.mean())
    sd = 0.0 if equal else float(x.std(ddof=1))
    half = float(stats.t.isf(level, x.size - 1)) * sd / math.sqrt(x.size)
    if shared_variance > 0:
        half = math.hypot(half, float(stats.t.isf(level, shared_df)) * math.sqrt(shared_variance))
    return Interval(estimate, estimate - half, estimate + half, sd, x.size)


def proportion_interval(successes: int, n: int, *, level: float) -> Interval:
    """Exact interval for a proportion of seeds (Clopper and Pearson, Biometrika 26, 1934).

    Args:
        successes: number of seeds for which the statement is true, out of `n`.
        n: number of seeds.
        level: chance that one bound is wrong, in (0, 0.5).

    Raises:
        ValueError: for counts or a level out of range.
    """
    _check_level(level)
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"{successes} successes of {n} seeds; expected 0 <= successes <= n and n >= 1")
    low = 0.0 if successes == 0 else float(stats.beta.ppf(level, successes, n - successes + 1))
    high = 1.0 if successes == n else float(stats.beta.isf(level, successes + 1, n - successes))
    share = successes / n
    return Interval(share, low, high, math.sqrt(share * (1 - share)), n)


def worst_case(values: ArrayLike, low_limit: float | None, high_limit: float | None) -> Interval:
    """The worst seed's value, as an interval of zero width, for exact statements.

    `verdict` with the same limits is then HOLDS if all seeds are inside, and REFUTED if one is outside.

    Raises:
        ValueError: for values that are not one finite number per seed, or limits that are both None or cross.
    """
    x = _per_seed(values)
    low, high = _limits(low_limit, high_limit)
    worst = float(x[np.argmax(np.maximum(low - x, x - high))])
    return Interval(worst, worst, worst, 0.0, x.size)


def exponents(x: ArrayLike, values: ArrayLike) -> np.ndarray:
    """Scaling exponent of every seed, shape (seeds,): the least-squares slope of log(value) in log(x).

    Args:
        x: sizes, shape (settings,), positive, at least two of them different.
        values: shape (settings, seeds), positive.

    Raises:
        ValueError: for shapes that do not match, or a value that is not finite and positive (named by its index).
    """
    sizes, table = _sweep(x, values)
    for name, array in (("x", sizes), ("value", table)):
        _refuse(array <= 0, array, name, "a positive number, to take its log")
    log_x = np.log(sizes) - np.log(sizes).mean()
    return log_x @ np.log(table) / (log_x @ log_x)


def trends(x: ArrayLike, values: ArrayLike) -> np.ndarray:
    """Trend of every seed, shape (seeds,): Spearman's rank correlation of the value with x, in [-1, 1].

    Ties get their mean rank. A seed whose value is the same in every setting has no trend: 0.

    Args:
        x: settings, shape (settings,), at least two of them different.
        values: shape (settings, seeds).

    Raises:
        ValueError: for shapes that do not match, or a value that is not finite (named by its index).
    """
    settings, table = _sweep(x, values)
    rank_x = stats.rankdata(settings) - (settings.size + 1) / 2
    ranks = stats.rankdata(table, axis=0) - (settings.size + 1) / 2
    scale = np.sqrt((rank_x @ rank_x) * np.square(ranks).sum(axis=0))
    return np.clip(np.divide(rank_x @ ranks, scale, out=np.zeros_like(scale), where=scale > 0), -1, 1)


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


def seeds_needed(headroom: float | None, *, level: float, power: float = 0.9, most: int = 100_000) -> int | None:
    """Smallest number of seeds at which a judgement by Student's t is decisive with the given power.

    The error from shared test points does not shrink with seeds and is left out.

    Args:
        headroom: true distance from the limit in standard deviations of one seed, of either sign.
        level: chance that one bound is wrong at this judgement, in (0, 0.5).
        power: chance of a decision, in (0, 1).
        most: largest number of seeds to consider.

    Returns:
        The number of seeds, at least 2; None if the headroom is None or 0, or if `most` seeds are not enough.

    Raises:
        ValueError: for a headroom that is not finite, or a level or power out of range.
    """
    _check_level(level)
    if not 0 < power < 1:
        raise ValueError(f"power {power}; expected a number in (0, 1)")
    if headroom is None or headroom == 0:
        return None
    if not math.isfinite(headroom):
        raise ValueError(f"headroom {headroom}; expected a finite number")

    too_few, enough = 1, 2
    while enough <= most and _t_power(abs(headroom), enough, level) < power:
        too_few, enough = enough, 2 * enough
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (middle, enough) if _t_power(abs(headroom), middle, level) < power else (too_few, middle)
    return enough if enough <= most else None


def spend(level: float, looks: int) -> float:
    """A look's share of a claim's level, equal for all looks (Bonferroni). Raises ValueError for one out of range."""
    _check_level(level)
    if looks < 1:
        raise ValueError(f"{looks} looks; expected at least 1")
    return level / looks


def looks(first: int, most: int) -> tuple[int, ...]:
    """Numbers of seeds at which a claim is judged: first, 2 first, 4 first, ... up to 64 and at most `most`.

    If even the first look exceeds `most`, there is a single look, at `most`.

    Raises:
        ValueError: if `first` is not in 1..64 or `most` is not positive.
    """
    if not 1 <= first <= LAST_LOOK:
        raise ValueError(f"first look at {first} seeds; expected 1 to {LAST_LOOK}")
    if most < 1:
        raise ValueError(f"at most {most} seeds; expected a positive number")
    doubled = (first * 2**k for k in range(LAST_LOOK.bit_length()))
    return tuple(n for n in doubled if n <= min(most, LAST_LOOK)) or (most,)


def _t_power(headroom: float, n: int, level: float) -> float:
    """Power of the one-sided t test: E over normal Z of P(chi^2_{n-1} < (n-1) ((Z + headroom sqrt(n)) / t)^2)."""
    # scipy's noncentral t gives up at the noncentralities that settings with much headroom have (1e5 and more).
    z = np.linspace(-9, 9, 4001)
    with np.errstate(over="ignore"):
        square = np.square(np.maximum(z + headroom * math.sqrt(n), 0) / stats.t.isf(level, n - 1))
        return float(stats.norm.pdf(z) @ special.chdtr(n - 1, (n - 1) * square)) * (z[1] - z[0])


def _check_level(level: float) -> None:
    if not 0 < level < 0.5:
        raise ValueError(f"level {level}; expected a number in (0, 0.5)")


def _limits(low_limit: float | None, high_limit: float | None) -> tuple[float, float]:
    if low_limit is None and high_limit is None:
        raise ValueError("no limit; expected a low one, a high one or both")
    low = -math.inf if low_limit is None else low_limit
    high = math.inf if high_limit is None else high_limit
    if not low <= high:
        raise ValueError(f"limits {low} and {high}; expected numbers with low <= high")
    return low, high


def _per_seed(values: ArrayLike) -> np.ndarray:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or x.size == 0:
        raise ValueError(f"values of shape {x.shape}; expected one value per seed, shape (n,)")
    _refuse(~np.isfinite(x), x, "value", "a finite number")
    return x


def _sweep(x: ArrayLike, values: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    settings, table = np.asarray(x, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if settings.ndim != 1 or table.ndim != 2 or len(settings) != len(table):
        raise ValueError(f"x {settings.shape}, values {table.shape}; expected shapes (settings,) and (settings, seeds)")
    for name, array in (("x", settings), ("value", table)):
        _refuse(~np.isfinite(array), array, name, "a finite number")
    if np.unique(settings).size < 2:
        raise ValueError(f"x {settings.tolist()}; expected at least two different values")
    return settings, table


def _refuse(wrong: np.ndarray, array: np.ndarray, name: str, expected: str) -> None:
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(f"{name} {array[at]} at index {at[0] if len(at) == 1 else at}; expected {expected}")
