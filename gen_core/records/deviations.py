"""A headroom in words, the same on the terminal, in messages and in reports."""

from __future__ import annotations

MOST = 1000
"""Standard deviations beyond which only rounding is measured, and the number says nothing."""


def in_deviations(headroom: float, digits: int = 3, unit: str = "sd") -> str:
    """A number of standard deviations of one seed, with `digits` significant digits, or that it is beyond `MOST`."""
    if abs(headroom) > MOST:
        return f"> {MOST} {unit}" if headroom > 0 else f"< -{MOST} {unit}"
    return f"{float(f'{headroom:.{digits}g}'):g} {unit}"
