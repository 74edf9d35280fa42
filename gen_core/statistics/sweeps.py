"""One number per seed from its values along a sweep: a scaling exponent, or a trend."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from gen_core.statistics.arguments import refuse


def exponents(x: ArrayLike, values: ArrayLike) -> np.ndarray:
    """Scaling exponent of every seed, shape (..., seeds): the least-squares slope of log(value) in log(x).

    Args:
        x: sizes, shape (settings,), positive, at least two of them different.
        values: shape (..., settings, seeds), positive.

    Raises:
        ValueError: for shapes that do not match, or a value that is not finite and positive (named by its index).
    """
    sizes, table = _sweep(x, values)
    for name, array in (("x", sizes), ("value", table)):
        refuse(array <= 0, array, name, "a positive number, to take its log")
    log_x = np.log(sizes) - np.log(sizes).mean()
    return log_x @ np.log(table) / (log_x @ log_x)


def trends(x: ArrayLike, values: ArrayLike) -> np.ndarray:
    """Trend of every seed, shape (..., seeds): Spearman's rank correlation of the value with x, in [-1, 1].

    Ties get their mean rank. A seed whose value is the same in every setting has no trend: 0.

    Args:
        x: settings, shape (settings,), at least two of them different.
        values: shape (..., settings, seeds).

    Raises:
        ValueError: for shapes that do not match, or a value that is not finite (named by its index).
    """
    settings, table = _sweep(x, values)
    rank_x = stats.rankdata(settings) - (settings.size + 1) / 2
    ranks = stats.rankdata(table, axis=-2) - (settings.size + 1) / 2
    scale = np.sqrt((rank_x @ rank_x) * np.square(ranks).sum(axis=-2))
    return np.clip(np.divide(rank_x @ ranks, scale, out=np.zeros_like(scale), where=scale > 0), -1, 1)


def _sweep(x: ArrayLike, values: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    settings, table = np.asarray(x, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if settings.ndim != 1 or table.ndim < 2 or len(settings) != table.shape[-2]:
        raise ValueError(f"x {settings.shape}, values {table.shape}; expected shapes (settings,) and (settings, seeds)")
    for name, array in (("x", settings), ("value", table)):
        refuse(~np.isfinite(array), array, name, "a finite number")
    if np.unique(settings).size < 2:
        raise ValueError(f"x {settings.tolist()}; expected at least two different values")
    return settings, table
