"""Intervals over seeds that share their test points: the spread on resamples of these enters as a part of its own.

`resampled` are the values on resamples of the shared points, (resamples, seeds), or None where the seeds share none.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gen_core.records import Direction
from gen_core.statistics.intervals import (
    Interval,
    mean_interval,
    median_interval,
    proportion_interval,
    widened,
    worst_case,
)


def mean_over_seeds(values: np.ndarray, resampled: np.ndarray | None, *, level: float) -> Interval:
    """`mean_interval`, with the variance over resamples of the mean."""
    interval = mean_interval(values, level=level)
    if resampled is None:
        return interval
    return widened(interval, level=level, variance=float(resampled.mean(-1).var(ddof=1)), df=len(resampled) - 1)


def median_over_seeds(values: np.ndarray, resampled: np.ndarray | None, *, level: float) -> Interval:
    """`median_interval`, with the mean square distance of the resamples' medians from the median."""
    interval = median_interval(values, level=level)
    return interval if resampled is None else _about(interval, np.median(resampled, axis=-1), level)


def worst_over_seeds(
    values: np.ndarray, resampled: np.ndarray | None, low: float | None, high: float | None, *, level: float
) -> Interval:
    """`worst_case`, with the mean square distance of the resamples' worst seeds from the worst."""
    interval = worst_case(values, low, high)
    if resampled is None:
        return interval
    return _about(interval, np.array([worst_case(each, low, high).estimate for each in resampled]), level)


def share_of_seeds(
    values: np.ndarray, resampled: np.ndarray | None, direction: Direction, limit: float, *, level: float
) -> Interval:
    """`proportion_interval` of the seeds at most or at least at a limit, with the spread of the resamples' shares."""

    def met(of: np.ndarray) -> np.ndarray:
        return of <= limit if direction == "at most" else of >= limit

    interval = proportion_interval(int(met(values).sum()), len(values), level=level)
    if resampled is None:
        return interval
    wide = _about(interval, met(resampled).mean(-1), level)
    return replace(wide, low=max(wide.low, 0.0), high=min(wide.high, 1.0))


def _about(interval: Interval, resampled: np.ndarray, level: float) -> Interval:
    # Around the estimate, not around the mean of the resamples: where these two differ, that is an error as well.
    variance = float(np.square(resampled - interval.estimate).mean())
    return widened(interval, level=level, variance=variance, df=len(resampled) - 1)
