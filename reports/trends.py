"""A case over runs as plain geometry, for the templates to draw: intervals and seeds against the tolerance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from gen_core.records import CaseRecord, RunRecord, standing

from .changes import outcome
from .pictures import Axis
from .wording import moment, number, plural

WIDTH, HEIGHT = 480.0, 172.0
LEFT, RIGHT, TOP, PLOT = 66.0, 8.0, 16.0, 108.0
ROWS = (141.0, 155.0, 169.0)
"""Heights of the lines under the axis: versions of torch and device, revision of the code, dates."""

SHARE = 0.2
"""Smallest part of the axis left to the values when a limit is shown with them."""

SAME = 1e-14
"""Values that differ by less than this share of them have no spread."""

LETTER = 7.5
"""Maximal width of a letter of a label, on the narrowest screen."""

VERSIONS = (("torch", "gpu", "device"), ("revision",))
"""The versions shown under the axis where they change, in two lines."""

Point = tuple[RunRecord, CaseRecord | None]


@dataclass(frozen=True)
class Trend:
    """Geometry of one figure, in units of its view box.

    Attributes:
        label: the figure in words.
        ticks: (height, label) of the values' axis; the labels are to be added to `base` where that is not empty.
        allowed: (x, y, width, height) of what the tolerance of each stretch of runs allows.
        limits: SVG path of the limits; `beyond` (height, words) of those that are out of sight.
        seeds: SVG path of a point per seed.
        bars: tone -> SVG path of the intervals.
        dots: (x, y, tone, words) of each estimate.
        signs: (x, y, sign, tone, words) of each change of the verdict, and of each run without an estimate.
        turns: the places where the verdict has changed.
        versions: (x, y, label, words) where a version is another; `shifts` the places themselves.
        dates: (x, anchor, label) of the first run and the last.
    """

    label: str
    ticks: list[tuple[float, str]]
    base: str
    allowed: list[tuple[float, float, float, float]]
    limits: str
    beyond: list[tuple[float, str]]
    seeds: str
    bars: dict[str, str]
    dots: list[tuple[float, float, str, str]]
    signs: list[tuple[float, float, str, str, str]]
    turns: list[float]
    versions: list[tuple[float, float, str, str]]
    shifts: list[float]
    dates: list[tuple[float, str, str]]


@dataclass(frozen=True)
class Scale:
    """The axis of the values, upwards, so that their spread can be seen: limits that would hide it are left out."""

    axis: Axis

    @classmethod
    def of(cls, cases: Sequence[CaseRecord]) -> Scale:
        """The scale of some cases; with their limits as far as the values keep `SHARE` of it, or have no spread."""
        judged = [case for case in cases if case.estimate is not None]
        shown = [v for c in judged for v in (c.estimate, c.low, c.high, *_seeds(c)) if _finite(v)]
        seeds = [v for c in judged for v in _seeds(c)] or shown
        low, high = min(seeds, default=0.0), max(seeds, default=1.0)
        spread = high - low > SAME * max(abs(low), abs(high))
        for limit in dict.fromkeys(limit for case in judged for limit in case.limits if _finite(limit)):
            wider = Axis.around([*shown, limit], PLOT)
            if not spread or wider.at(high) - wider.at(low) >= SHARE * PLOT:
                shown.append(limit)
        return cls(Axis.around(shown, PLOT))

    def side(self, value: float) -> int:
        """The side of a value: 1 above the plot, -1 below it, 0 in view."""
        if self.axis.log:
            value = math.log10(value) if value > 0 else -math.inf
        return (value > self.axis.high) - (value < self.axis.low)

    def up(self, value: float) -> float:
        """Height of a value, clipped to the plot."""
        if side := self.side(value):
            return TOP if side > 0 else TOP + PLOT
        return round(TOP + PLOT - self.axis.at(value), 1)

    def ticks(self) -> tuple[list[tuple[float, str]], str]:
        """(height, label) of round values, and what their labels are to be added to; empty where that is nothing."""
        ticks = [(round(TOP + PLOT - y, 1), label) for y, label in self.axis.ticks()]
        if self.axis.log or len({label for _, label in ticks}) == len(ticks):
            return ticks, ""
        base = float(f"{(self.axis.low + self.axis.high) / 2:.4g}")
        around = Axis(self.axis.low - base, self.axis.high - base, False, PLOT)
        return [(round(TOP + PLOT - y, 1), f"{float(label):+.2g}") for y, label in around.ticks()], number(base, 4)


def trend(points: Sequence[Point]) -> Trend:
    """Draw a case over runs, oldest first; a run that does not hold the case leaves a gap."""
    slot = (WIDTH - LEFT - RIGHT) / len(points)
    places = [LEFT + (k + 0.5) * slot for k in range(len(points))]
    there = [(x, run, case) for x, (run, case) in zip(places, points, strict=True) if case and case.verdict]
    cases = [case for _, _, case in there]
    scale = Scale.of(cases)
    up = scale.up
    ticks, base = scale.ticks() if any(case.estimate is not None for case in cases) else ([], "")
    bars, dots, seeds = {}, [], []
    for x, run, case in there:
        if case.estimate is None or not math.isfinite(case.estimate):
            continue
        tone = standing(case).tone
        low, high = (up(v) if _finite(v) else end for v, end in ((case.low, TOP + PLOT), (case.high, TOP)))
        bars[tone] = bars.get(tone, "") + f"M{x:.1f} {low}V{high}"
        dots.append((round(x, 1), up(case.estimate), tone, _words(run, case)))
        shown = _seeds(case)
        step = 0.6 * slot / max(len(shown) - 1, 1)
        seeds += [f"M{x + (k - (len(shown) - 1) / 2) * step:.1f} {up(v)}h0" for k, v in enumerate(shown)]
    allowed, limits = _tolerances([(x - slot / 2, x + slot / 2, case) for x, _, case in there], scale)
    signs, turns = _signs(there)
    versions, shifts = _versions([(x - slot / 2, run) for x, (run, _) in zip(places, points, strict=True)])
    return Trend(
        label=_label(cases) + (", logarithmic axis" if scale.axis.log else ""),
        ticks=ticks,
        base=base,
        allowed=allowed,
        limits=limits,
        beyond=_beyond(cases, scale),
        seeds="".join(seeds),
        bars=bars,
        dots=dots,
        signs=signs,
        turns=turns,
        versions=versions,
        shifts=shifts,
        dates=_dates([run for run, _ in points]),
    )


def _label(cases: list[CaseRecord]) -> str:
    values = [case.estimate for case in cases if case.estimate is not None]
    estimates = f", estimates {number(min(values))} to {number(max(values))}" if values else ", none with a value"
    tolerance = next((case.tolerance for case in reversed(cases) if case.tolerance), "not given")
    return f"{plural(len(cases), 'run')}{estimates}, tolerance {tolerance}"


def _tolerances(
    stretches: list[tuple[float, float, CaseRecord]], scale: Scale
) -> tuple[list[tuple[float, float, float, float]], str]:
    """The allowed ranges and the limits, for each stretch of runs with one tolerance."""
    merged: list[list[Any]] = []
    for start, end, case in stretches:
        if not case.limits or not all(map(_finite, case.limits)):
            continue
        same = (case.direction, case.limits)
        if merged and merged[-1][2] == same and abs(merged[-1][1] - start) < 0.01:
            merged[-1][1] = end
        else:
            merged.append([start, end, same])
    allowed, limits = [], ""
    for start, end, (direction, values) in merged:
        first, last = scale.up(values[0]), scale.up(values[-1])
        ends = {"at most": (first, TOP + PLOT), "at least": (TOP, first), "between": (last, first)}.get(direction)
        if ends:
            allowed.append((round(start, 1), ends[0], round(end - start, 1), round(ends[1] - ends[0], 1)))
        limits += "".join(f"M{start:.1f} {scale.up(v)}H{end:.1f}" for v in values if not scale.side(v))
    return allowed, limits


def _beyond(cases: list[CaseRecord], scale: Scale) -> list[tuple[float, str]]:
    """(height, words) of the last run's limits that are out of view."""
    limits = next((case.limits for case in reversed(cases) if case.limits), [])
    sides = [(scale.side(v), number(v)) for v in limits if _finite(v)]
    words = {1: (TOP + 10, "above"), -1: (TOP + PLOT - 5, "below")}
    return [(words[side][0], f"limit {limit} is {words[side][1]}") for side, limit in sides if side]


def _signs(
    there: list[tuple[float, RunRecord, CaseRecord]],
) -> tuple[list[tuple[float, float, str, str, str]], list[float]]:
    """Signs over runs whose verdict differs from that of the run before, and in place of missing estimates."""
    signs, turns, before = [], [], None
    for x, run, case in there:
        place, words = standing(case), _words(run, case)
        turned = False
        if before is not None and place != standing(before):
            turned, words = True, f"{outcome(before)} -> {words}"
            turns.append(round(x, 1))
        if turned or case.estimate is None:
            y = TOP + PLOT / 2 if case.estimate is None else TOP - 5
            signs.append((round(x, 1), y, place.sign, place.tone, words))
        before = case
    return signs, turns


def _versions(starts: list[tuple[float, RunRecord]]) -> tuple[list[tuple[float, float, str, str]], list[float]]:
    """Labels where a version differs from the run before, leaving out those that would overlap."""
    versions, shifts = [], set()
    for row, names in zip(ROWS, VERSIONS, strict=False):
        before, end = None, 0.0
        for x, run in starts:
            now = {name: run.environment[name] for name in names if name in run.environment}
            if now and now != before:
                if before is not None:
                    shifts.add(round(x, 1))
                new = [name for name in now if now[name] != (before or {}).get(name)] or list(now)
                words = ", ".join(f"{name} {now[name]}" for name in new)
                label = _short(new[0], now[new[0]])
                place = min(x, WIDTH - LETTER * len(label))
                if place >= end:
                    versions.append((round(place, 1), row, label, f"from {moment(run.started)}: {words}"))
                    end = place + LETTER * (len(label) + 1)
                before = now
    return versions, sorted(shifts)


def _short(name: str, value: str) -> str:
    if name == "revision":
        return value[:7] + "*" * value.endswith("-dirty")
    return f"{name} {value}" if len(value) < 16 else value[:20]


def _dates(runs: list[RunRecord]) -> list[tuple[float, str, str]]:
    first, last = (moment(run.started).removesuffix(" UTC")[:16] for run in (runs[0], runs[-1]))
    return [(LEFT, "start", first)] + ([(WIDTH - RIGHT, "end", last)] if len(runs) > 1 else [])


def _words(run: RunRecord, case: CaseRecord) -> str:
    return f"{outcome(case)}, {moment(run.started)}, seeds from {run.seeds_from}"


def _seeds(case: CaseRecord) -> list[float]:
    """Values of seeds on the axis of what is judged; none of a share, which is no value of a seed."""
    return [] if case.statistic == "share" else [v for v in case.values if _finite(v)]


def _finite(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value) and abs(value) < 1e300
