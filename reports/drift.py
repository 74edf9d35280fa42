"""Drift: a two-sided CUSUM of each case's nightly mean, which sees lasting shifts that no single night shows.

A night with n seeds is standardized by what is known from N seeds before it, the evidence's and the earlier nights':

    t = (m - M) / (s sqrt(1/n + 1/N)),    z = the normal quantile of t's probability under Student's t with N - 1
    up <- max(0, up + z - k),             down <- max(0, down - z - k),       alarm when one of them reaches h

with the night's mean m over seeds, and the known mean M and standard deviation s of a seed. Then the night is added to
what is known (the self-starting CUSUM: Hawkins, The Statistician 36, 1987), until an alarm. A shift of d standard
deviations of a seed is one of d sqrt(n) in z if N is much more than n. The sums with k = .5 and h = 11 see small
shifts; with known M and s and n = 8 they see one of d = 1 after 5.1 nights on average, within five in .67 of cases.
Those with k = 1 and h = 6 beside them see it sooner.

If the values are normal, the z are exactly independent and standard normal, however small N is. With M and s fixed at
what N seeds gave, all nights would share their error, sqrt(n/N) in z: even with k = .5 and h = 11 alone .29 of all
cases would have a false alarm in 400 nights at N = 80, and .56 at N = 24. What a small N costs here instead is time:
a shift is partly learnt before it is seen.

Measured with nights of 8 seeds (tests/reports/test_drift_rates.py), false alarms per case in 400 nights:

    normal values, 0 / 8 / 24 / 80 seeds of evidence    .002 / .002 / .003 / .002
    uniform, exponential, binary (.1), lognormal        .003, .011, .017, .032

and the mean number of nights until a lasting shift is seen, with the share seen within five:

    seeds of evidence, nights before      .5 sd         1 sd        2 sd        3 sd
    10 000, 10                            12 (.05)      4.1 (.92)   3.0 (1)     3.0 (1)
    80, 30                                18 (.03)      4.5 (.83)   3.0 (1)     3.0 (1)
    80, 10                                > 30 (.02)    5.0 (.72)   3.0 (1)     3.0 (1)
    0, 30                                 > 21 (.03)    4.7 (.78)   3.0 (1)     3.0 (1)
    80, 0                                 > 50 (.01)    7.3 (.44)   3.1 (1)     3.0 (1)
    24, 0                                 mostly never  .77 never   6.1 (.69)   3.6 (.98)

z is cut at `CUT`, so that an alarm takes three nights: what leaves its range in one night is said by `changes.drift`.
What is watched is the mean of the seeds' values, whatever is judged of them, a share or a median too. Left out are
exact statements on the worst seed, and values that differ by rounding alone: their spread belongs to processors and
libraries. The error that shared test points add to an interval is not in s and need not be, since every night has the
same test points: over four runs of all claims at quick, 4.9 % of 123 cases had means that differ with p < .05.

Not counted are nights without a value, and those whose seeds were counted before: they say nothing new. A case starts
anew where its limits, statistic or recipe is another. Code and versions may be another: their changes are what a drift
is looked for after.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import special

from gen_core.records import CaseRecord, RunRecord

from .changes import ROUNDING
from .load import Loaded
from .spreads import Spread, identity
from .wording import moment, number

ALLOWANCES, LIMITS = np.array([0.5, 1.0]), np.array([11.0, 6.0])
"""k and h of the two sums in each direction, in standard errors of a night."""

CUT = 3.5
"""The largest z that counts."""

UP_DOWN = np.array([[1.0], [-1.0]])


@dataclass(frozen=True)
class Pool:
    """Values of seeds: their number, mean, and sum of squared deviations from it. Numbers, or arrays of many cases."""

    n: int = 0
    mean: Any = 0.0
    square: Any = 0.0

    @property
    def sd(self) -> Any:
        """Standard deviation of a seed, from two seeds on."""
        return np.sqrt(self.square / (self.n - 1))

    def joined(self, other: Pool) -> Pool:
        """Both together."""
        n, apart = self.n + other.n, other.mean - self.mean
        square = self.square + other.square + apart * apart * (self.n * other.n / n)
        return Pool(n, self.mean + apart * (other.n / n), square)


@dataclass
class Alarm:
    """A lasting shift of a case.

    Attributes:
        since: the first night of the shift: after the sum was last zero; `rose` the night whose sum reached its limit,
            which is the shift's night number `nights`; `ended` the night at which the sum was zero again, or the first
            after which the case started anew; None if the shift lasts.
        size: the shift in standard deviations of a seed, upwards, over all its nights.
    """

    since: RunRecord
    rose: RunRecord
    nights: int
    size: float = 0.0
    ended: RunRecord | None = None

    def __str__(self) -> str:
        """The shift in words."""
        size = f"{'up' if self.size > 0 else 'down'} by {number(abs(self.size), 2)} standard deviations of a seed"
        return f"{size} since {moment(self.since.started)}, noticed in night {self.nights}, {moment(self.rose.started)}"


@dataclass(frozen=True)
class Watch:
    """A case under watch over runs.

    Attributes:
        sums: (id of the run, up, down) of each night that counted, as shares of what raises an alarm, at most 1. A case
            that starts anew begins another list.
        alarms: in order.
    """

    sums: list[list[tuple[str, float, float]]] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)

    @property
    def alarm(self) -> Alarm | None:
        """The alarm that lasts, if there is one."""
        return self.alarms[-1] if self.alarms and self.alarms[-1].ended is None else None


def standardized(night: Pool, known: Pool) -> Any:
    """The z of a night: standard normal, but for the cut, if its seeds are of the law of those that are known."""
    t = (night.mean - known.mean) / (known.sd * math.sqrt(1 / night.n + 1 / known.n))
    tail = special.stdtr(known.n - 1, -np.abs(t))  # of the lower tail, which does not round to 1
    return np.sign(t) * np.minimum(-special.ndtri(tail), CUT)


def summed(sums: np.ndarray, z: Any) -> np.ndarray:
    """The sums (..., up and down, `ALLOWANCES`) after a night."""
    return np.maximum(sums + UP_DOWN * np.asarray(z)[..., None, None] - ALLOWANCES, 0.0)


def watch_all(runs: Sequence[Loaded], evidence: Mapping[tuple[str, str], Spread]) -> dict[tuple[str, str], Watch]:
    """(Node id, scale) -> watch, of all cases of some runs, oldest first."""
    points: dict[tuple[str, str], list[tuple[RunRecord, CaseRecord]]] = {}
    for loaded in runs:
        for case in loaded.cases:
            points.setdefault((case.nodeid, loaded.run.scale), []).append((loaded.run, case))
    return {key: watch(nights, evidence.get(key)) for key, nights in points.items()}


def watch(points: Sequence[tuple[RunRecord, CaseRecord]], evidence: Spread | None) -> Watch:
    """Watch a case over runs at one scale, oldest first.

    Args:
        points: each run with the case.
        evidence: of the case at that scale, used for nights that are judged by the same and are of the same recipe.
    """
    stretches: list[tuple[object, list[tuple[RunRecord, Pool]]]] = []
    for run, case in points:
        if night := _night(case):
            if not stretches or stretches[-1][0] != identity(case):
                stretches.append((identity(case), []))
            stretches[-1][1].append((run, night))
    found = Watch()
    for law, nights in stretches:
        if found.alarm:
            found.alarm.ended = nights[0][0]
        _follow(nights, evidence if evidence and identity(evidence) == law else None, found)
    return found


def _follow(nights: Sequence[tuple[RunRecord, Pool]], evidence: Spread | None, found: Watch) -> None:
    """Watch the nights of one recipe and tolerance."""
    known, seen, sums = _of_evidence(evidence), set(evidence.seeds_from if evidence else ()), np.zeros((2, 2))
    past: list[tuple[RunRecord, Pool, Pool]] = []  # a run, what was known before it, its night
    first = np.zeros((2, 2), dtype=int)  # of each sum, the place in `past` from which it is not zero
    alarm, side, start = None, 0, 0
    found.sums.append([])
    for run, night in nights:
        if run.seeds_from in seen:
            continue
        seen.add(run.seeds_from)
        if known.n >= 2 and known.sd > ROUNDING * abs(known.mean):
            past.append((run, known, night))
            # Kept at their limits, so that they come back to zero in time once a shift has ended.
            sums = np.minimum(summed(sums, standardized(night, known)), LIMITS)
            reached = sums / LIMITS
            found.sums[-1].append((run.run, float(reached[0].max()), float(reached[1].max())))
            if alarm is None and reached.max() >= 1:
                side, which = np.unravel_index(int(reached.argmax()), reached.shape)
                start = int(first[side, which])
                alarm, known = Alarm(past[start][0], run, len(past) - start), past[start][1]
                found.alarms.append(alarm)
            elif alarm and not sums[side].any():
                alarm.ended, alarm = run, None
            if alarm:
                shifted = functools.reduce(Pool.joined, (one for _, _, one in past[start:]))
                alarm.size = float((shifted.mean - known.mean) / known.sd)
            first[sums == 0] = len(past)
        if alarm is None:
            known = known.joined(night)


def _night(case: CaseRecord) -> Pool | None:
    """The seeds of a night; None where the case has no estimate, or is not watched."""
    # Squares of larger values overflow.
    values = [value for value in case.values if value is not None and abs(value) < 1e100]
    if case.estimate is None or not values or case.statistic in ("", "worst"):
        return None
    mean = math.fsum(values) / len(values)
    return Pool(len(values), mean, math.fsum((value - mean) ** 2 for value in values))


def _of_evidence(evidence: Spread | None) -> Pool:
    if evidence is None or evidence.mean is None or evidence.sd is None:
        return Pool()
    return Pool(evidence.seeds, evidence.mean, evidence.sd**2 * (evidence.seeds - 1))
