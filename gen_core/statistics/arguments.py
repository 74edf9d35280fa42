"""Checks of the arguments that intervals, looks and sweeps share; each raises ValueError."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def check_level(level: float) -> None:
    """Accept a chance in (0, 0.5)."""
    if not 0 < level < 0.5:
        raise ValueError(f"level {level}; expected a number in (0, 0.5)")


def check_share(share: float) -> None:
    """Accept a share of seeds in (0, 1)."""
    if not 0 < share < 1:
        raise ValueError(f"share {share:g} of seeds; expected a number in (0, 1)")


def one_per_seed(values: ArrayLike) -> np.ndarray:
    """The values as an array, (n,), of finite float64 numbers."""
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or x.size == 0:
        raise ValueError(f"values of shape {x.shape}; expected one value per seed, shape (n,)")
    refuse(~np.isfinite(x), x, "value", "a finite number")
    return x


def refuse(wrong: np.ndarray, array: np.ndarray, name: str, expected: str) -> None:
    """Name the first entry that is wrong, and its index."""
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(f"{name} {array[at]} at index {at[0] if len(at) == 1 else at}; expected {expected}")
