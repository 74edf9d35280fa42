"""Small pictures as plain geometry, for the templates to draw: an interval, or every seed, against the tolerance."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeGuard

from gen_core.records import CaseRecord

from .wording import number, power_of_ten

WIDTH, TILE = 360.0, 36.0
INSET = 6.0
TALLEST = 110.0
DOT = 7.0


@dataclass(frozen=True)
class Axis:
    """A horizontal axis from `low` to `high`, logarithmic where the values span more than a factor of 100.

    On a logarithmic axis `low` and `high` are decadic logarithms.
    """

    low: float
    high: float
    log: bool
    width: float

    @classmethod
    def around(cls, values: Iterable[float | None], width: float) -> Axis:
        """The axis that shows all of these values, with a margin."""
        shown = [v for v in values if _drawable(v)]
        log = bool(shown) and min(shown) > 0 and max(shown) / 100 > min(shown)
        ends = [math.log10(v) for v in shown] if log else shown
        low, high = min(ends, default=0.0), max(ends, default=1.0)
        margin = 0.12 * (high - low) or abs(high) / 2 or 1.0
        return cls(low - margin, high + margin, log, width)

    def at(self, value: float) -> float:
        """Place of a value; values beyond the axis are put at its end."""
        if self.log:
            value = math.log10(value) if value > 0 else self.low
        share = (value - self.low) / (self.high - self.low)
        return round(INSET + min(max(share, 0.0), 1.0) * (self.width - 2 * INSET), 2)

    def ticks(self) -> list[tuple[float, str]]:
        """Between two and six round values with their places."""
        span = self.high - self.low
        if self.log:
            step = max(1, math.ceil(span / 5))
            powers = range(math.ceil(self.low), math.floor(self.high) + 1, step)
            return [(self.at(10.0**p), power_of_ten(p)) for p in powers]
        unit = 10.0 ** math.floor(math.log10(span / 4))
        step = next(unit * m for m in (1, 2, 5, 10) if span / (unit * m) <= 5)
        first = math.ceil(self.low / step)
        return [(self.at(k * step), number(k * step, 4)) for k in range(first, math.floor(self.high / step) + 1)]


@dataclass(frozen=True)
class Picture:
    """Geometry of one picture, in units of its view box.

    Attributes:
        allowed: (start, length) of the stretch that the tolerance allows; None where the direction is not known.
        limits: places of the limits.
        bar: (start, end) of the judged interval; `dot` the place of the estimate.
        seeds: (x, y, seed, value) of each seed's dot; empty in the small picture.
        ticks: (place, label) of the axis; empty in the small picture.
        label: the same in words, for readers who do not see it.
    """

    width: float
    height: float
    label: str
    allowed: tuple[float, float] | None
    limits: list[float]
    bar: tuple[float, float] | None
    dot: float | None
    seeds: list[tuple[float, float, int, str]]
    ticks: list[tuple[float, str]]


def tile_picture(case: CaseRecord) -> Picture | None:
    """The same as `interval_picture`, smaller, for a tile of the map."""
    return interval_picture(case, TILE, 9.0)


def interval_picture(case: CaseRecord, width: float = WIDTH / 2, height: float = 22.0) -> Picture | None:
    """The interval against the tolerance, small; None where nothing was measured or nothing is required."""
    if not _drawable(case.estimate) or not any(map(_drawable, case.limits)):
        return None
    axis = Axis.around([case.estimate, case.low, case.high, *case.limits], width)
    return _picture(case, axis, height, [], [])


def seeds_picture(case: CaseRecord) -> Picture | None:
    """Every seed's value as a dot against the tolerance, dots of one place stacked; None without values.

    A share is no value of a seed: in its place stands the limit that a seed's value has to keep.
    """
    if case.statistic == "share":
        own = [] if case.seed_limit is None else [case.seed_limit]
        case = replace(case, estimate=None, low=None, high=None, limits=own, direction=case.seed_direction)
    values = [(seed, v) for seed, v in zip(case.seeds, case.values, strict=False) if _drawable(v)]
    if not values:
        return None
    axis = Axis.around([v for _, v in values] + [case.estimate, case.low, case.high, *case.limits], WIDTH)
    columns: dict[int, list[tuple[int, float]]] = {}
    for seed, value in values:
        columns.setdefault(round(axis.at(value) / DOT), []).append((seed, value))
    highest = max(map(len, columns.values()))
    step = min(DOT, TALLEST / highest)
    height = round(highest * step + 34, 2)
    seeds = [
        (axis.at(value), round(height - 30 - place * step, 2), seed, number(value, 6))
        for column in columns.values()
        for place, (seed, value) in enumerate(column)
    ]
    return _picture(case, axis, height, seeds, axis.ticks())


def _picture(
    case: CaseRecord,
    axis: Axis,
    height: float,
    seeds: list[tuple[float, float, int, str]],
    ticks: list[tuple[float, str]],
) -> Picture:
    limits = [axis.at(limit) for limit in case.limits if _drawable(limit)]
    ends = None
    if limits:
        start, end = 0.0, axis.width
        ends = {"at most": (start, limits[0]), "at least": (limits[0], end), "between": (limits[0], limits[-1])}
        ends = ends.get(case.direction)
    bar = None
    if _drawable(case.low) or _drawable(case.high):
        # A missing end stands for infinity: the interval is open to that side.
        bar = (
            axis.at(case.low) if _drawable(case.low) else 0.0,
            axis.at(case.high) if _drawable(case.high) else axis.width,
        )
    judged = f"estimate {number(case.estimate)}, interval {number(case.low)} to {number(case.high)}, "
    if case.estimate is None and bar is None:
        judged = ""
    return Picture(
        width=axis.width,
        height=height,
        label=judged + f"tolerance {case.tolerance or 'not given'}" + (", logarithmic axis" if axis.log else ""),
        allowed=(ends[0], round(max(ends[1] - ends[0], 0.0), 2)) if ends else None,
        limits=limits,
        bar=bar,
        dot=axis.at(case.estimate) if _drawable(case.estimate) else None,
        seeds=seeds,
        ticks=ticks,
    )


def _drawable(value: float | None) -> TypeGuard[float]:
    """Finite, and far enough from the largest float for a margin."""
    return value is not None and math.isfinite(value) and abs(value) < 1e300
