"""The error rates of verdicts, simulated over many shapes of per-seed values: `python -m gen_core.promise`.

A claim's budget promises each false verdict with at most its level, over all looks. Student's t keeps that for normal
values, and for others of a single mode if the truth lies at least half of a seed's standard deviation beyond the limit.
It does not for values in separate groups: at a suite's level of 4e-5, eight seeds fall into one of two equal groups so
often that a false claim holds 15 times too often even there. The sign test and the exact share keep the promise for any
values. The simulation judges drawn values as a run does, look by look, with the functions that a run judges with.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from gen_core.records import HOLDS, INCONCLUSIVE, REFUTED
from gen_core.statistics import (
    SCALES,
    Interval,
    looks,
    looks_at_share,
    mean_interval,
    median_interval,
    proportion_interval,
    spend,
    ties,
    trends,
    verdict,
)

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
Kind = Literal["mean", "median", "share"]
BEYOND = 0.5
"""Distance of the truth from the limit at which Student's t keeps its level for skewed values, in sds of a seed."""


@dataclass(frozen=True)
class Shape:
    """A distribution of per-seed values.

    Attributes:
        name: its name in the table.
        draw: (generator, shape of the array) -> values.
        suits_mean: whether Student's t keeps its promise half a standard deviation beyond the limit: values of one mode
            that do not repeat.
        scale: a scale of `SCALES` on which its mean is judged as well.
    """

    name: str
    draw: Draw
    suits_mean: bool = True
    scale: str = ""


def _r2(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """R^2 of a line through 8 points with residuals of a twentieth of their range."""
    x = np.linspace(-1, 1, 8)
    y = x + rng.normal(0, 0.1, (*size, 8))
    return np.square((y - y.mean(-1, keepdims=True)) @ x) / (x @ x) / np.square(y - y.mean(-1, keepdims=True)).sum(-1)


def _ranks(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Rank correlations of 6 points that increase but for noise."""
    x = np.arange(6.0)
    return trends(x, (x[:, None] + rng.normal(0, 0.7, (6, size[0] * size[1])))).reshape(size)


SHAPES = (
    Shape("normal", lambda rng, size: rng.normal(size=size)),
    Shape("uniform", lambda rng, size: rng.random(size)),
    Shape("lognormal, sigma .5", lambda rng, size: np.exp(rng.normal(0, 0.5, size)), scale="log(x)"),
    Shape("exponential", lambda rng, size: rng.exponential(size=size)),
    Shape("Student's t, 3 df", lambda rng, size: rng.standard_t(3, size)),
    Shape("two modes, .5", lambda rng, size: (rng.random(size) < 0.5) + rng.normal(0, 0.1, size), False),
    Shape("two modes, .1", lambda rng, size: (rng.random(size) < 0.1) + rng.normal(0, 0.05, size), False),
    Shape("R^2 of 8 points", _r2, scale="-log(1 - x)"),
    Shape("Beta(20, 1)", lambda rng, size: rng.beta(20, 1, size), scale="logit(x)"),
    Shape("binary, .5", lambda rng, size: (rng.random(size) < 0.5) * 1.0, suits_mean=False),
    Shape("binary, .1", lambda rng, size: (rng.random(size) < 0.1) * 1.0, suits_mean=False),
    Shape("ranks of 6 points", _ranks, suits_mean=False),
    Shape("error on 20 points", lambda rng, size: rng.binomial(20, 0.1, size) / 20, suits_mean=False),
    Shape("error on 1000 points", lambda rng, size: rng.binomial(1000, 0.1, size) / 1000, suits_mean=False),
)


@dataclass(frozen=True)
class Rates:
    """How often verdicts on "at most the limit" were false; those on "at least" have the two exchanged.

    Attributes:
        held, refuted: shares of draws with a false HOLDS and a false REFUTED, the truth on the limit.
        held_beyond, refuted_beyond: the same with the truth `BEYOND` on the wrong side of the limit.
        declined: share of draws on which nothing was judged, since their mean has no interval.
    """

    held: float
    refuted: float
    held_beyond: float
    refuted_beyond: float
    declined: float


def rates(shape: Shape, kind: Kind, *, level: float, draws: int, seed: int = 0, scale: str = "") -> Rates:
    """Simulated error rates of one form of judgement on one shape; 40 microseconds a look and draw.

    Args:
        shape: the distribution.
        kind: what is judged: the mean, the median, or the share of seeds up to the 0.75 quantile.
        level: chance of a false verdict per side over all looks.
        draws: number of simulated cases.
        seed: seed of the draws.
        scale: scale of the mean.
    """
    rng = np.random.default_rng([seed, *shape.name.encode()])
    many = shape.draw(rng, (400, 1000))
    schedule = looks(8) if kind == "mean" else looks_at_share(0.5, level=level, most=64)
    if kind == "share":
        schedule = looks_at_share(0.75, level=level)
    values = shape.draw(rng, (draws, schedule[-1]))
    if scale:
        many, values = SCALES[scale](many), SCALES[scale](values)
    if kind == "share":
        limit = float(np.quantile(many, 0.75))
        many, values = (many <= limit) * 1.0, (values <= limit) * 1.0
    truth = float(np.median(many) if kind == "median" else many.mean())
    # A sampled median lies between the values of a continuous shape and on one of a discrete shape, as the true one.
    step = BEYOND * float(many.std())
    at = spend(level, len(schedule))
    counts = np.zeros(5)
    for row in values:
        intervals = [] if kind == "mean" and ties(row[: schedule[0]]) else _intervals(row, kind, schedule, at)
        counts += (*_false(intervals, truth, 0.0), *_false(intervals, truth, step), not intervals)
    return Rates(*map(float, counts / draws))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m gen_core.promise", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--draws", type=int, default=20_000, metavar="N", help="draws of every shape (default: 20000)")
    parser.add_argument("--level", type=float, default=1e-3, metavar="P", help="promise per side (default: 0.001)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the draws (default: 0)")
    parser.add_argument("-k", default="", metavar="WORD", help="only shapes with this in their names")
    chosen = parser.parse_args(arguments)
    shapes = [shape for shape in SHAPES if chosen.k in shape.name]
    if not shapes:
        parser.error(f"no shape has {chosen.k!r} in its name; expected one of {', '.join(s.name for s in SHAPES)}")
    if not 0 < chosen.level <= 0.1 or chosen.draws < 100:
        parser.error(f"--level {chosen.level:g}, --draws {chosen.draws}; expected 0 < P <= 0.1 and N >= 100")
    print(
        f"Promised per side: {chosen.level:g} over all looks; {chosen.draws} draws of each shape, claims of 'at most'."
    )
    print(
        f"* is more than chance allows (1 in 10000). 'Beyond' is {BEYOND} sd of a seed on the wrong side of the limit."
    )
    head = ("shape", "skewness", "judged by", "HOLDS", "REFUTED", "HOLDS beyond", "REFUTED beyond", "no interval")
    print("{:<22}{:>9}  {:<26}{:>10}{:>10}{:>14}{:>16}{:>13}".format(*head))
    for shape in shapes:
        skewness = float(stats.skew(shape.draw(np.random.default_rng(1), (200, 1000)).ravel()))
        for kind, scale in forms(shape):
            found = rates(shape, kind, level=chosen.level, draws=chosen.draws, seed=chosen.seed, scale=scale)
            shown = (found.held, found.refuted, found.held_beyond, found.refuted_beyond)
            cells = [f"{rate:.2g}{'*' if exceeds(rate, chosen.draws, chosen.level) else ' '}" for rate in shown]
            words = f"{kind} of {scale}" if scale else {"share": "share of .75"}.get(kind, kind)
            form = f"{shape.name:<22}{skewness:>9.2f}  {words:<26}"
            print("{}{:>10}{:>10}{:>14}{:>16}{:>12.0%}".format(form, *cells, found.declined), flush=True)
    return 0


def forms(shape: Shape) -> list[tuple[Kind, str]]:
    """The forms in which a shape is judged: kind, and the scale of a mean."""
    on_scale: list[tuple[Kind, str]] = [("mean", shape.scale)] if shape.scale else []
    return [("mean", ""), *on_scale, ("median", ""), ("share", "")]


def exceeds(rate: float, draws: int, level: float) -> bool:
    """Whether a simulated rate is above a level by more than chance allows, 1 in 10 000."""
    return bool(rate * draws > stats.binom.isf(1e-4, draws, level))


def _intervals(row: np.ndarray, kind: Kind, schedule: tuple[int, ...], level: float) -> list[Interval]:
    """The intervals of the looks, up to the first at which a mean has none."""
    found: list[Interval] = []
    for n in schedule:
        if kind == "mean":
            if ties(row[:n]):
                break
            found.append(mean_interval(row[:n], level=level))
        elif kind == "median":
            found.append(median_interval(row[:n], level=level))
        else:
            found.append(proportion_interval(int(row[:n].sum()), n, level=level))
    return found


def _false(intervals: list[Interval], truth: float, step: float) -> tuple[bool, bool]:
    """Whether "at most a limit" falsely holds where the truth is `step` above it, and is refuted where it is below."""
    just_below = math.nextafter(truth - step, -math.inf)
    return _first(intervals, just_below) == HOLDS, _first(intervals, truth + step) == REFUTED


def _first(intervals: list[Interval], limit: float) -> str:
    decided = (verdict(interval, None, limit) for interval in intervals)
    return next((word for word in decided if word != INCONCLUSIVE), INCONCLUSIVE)


if __name__ == "__main__":
    sys.exit(main())
