"""Drift: a two-sided CUSUM of each case's nightly mean, which sees lasting shifts that no single night shows.

A night with n seeds is standardized by what is known from N seeds before it, the evidence's and the earlier nights':

    t = (m - M) / (s sqrt(1/n + 1/N)),    z = the normal quantile of t's probability under Student's t with N - 1
    up <- max(0, up + z - K),             down <- max(0, down - z - K),       alarm when one of them reaches H

with the night's mean m over seeds, and the known mean M and standard deviation s of a seed. Then the night is added to
what is known ("self-starting CUSUM": Hawkins, The Statistician 36, 1987). A shift of one standard deviation of a seed is
thus one of sqrt(n) in z. If the values are normal the z are exactly independent and standard normal, however small N
is. With M and s fixed at estimates from N seeds in place of this, every night shares their error, sqrt(n/N) in z: at
n = 8 the share of cases with a false alarm in 400 nights is .004 at N = 800, .042 at N = 80 and .27 at N = 24.

Measured, for nights of 8 seeds (tests/reports/test_drift.py):

    false alarms per case in 400 nights     .002 for normal values, with no evidence, with 8, 24 or 80 seeds of it
                                            FALSE
    nights until a shift of 1, 2, 3 sd is   mean 5.1, 2.6, 2.0 with N = 10 000: within 5 nights .65, 1, 1
    seen                                    DETECT

A night that is cut at `CUT` cannot raise an alarm alone: a shift that lasts has two nights. What is watched is the mean
of the seeds' values, whatever is judged of them: for shares and medians too. Left out are exact statements, judged on the
worst seed, and values whose spread is that of rounding: they have no distribution over seeds that lasts. What shared test
points add to the interval is not in s, and need not be: they are the same in every night.

Not counted are nights without a value, and those whose seeds were counted before, which say nothing new. A case starts
anew where its limits, recipe or statistic is another. Code and versions may differ: their changes are what a drift is
looked for after, and the pictures mark them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from gen_core.records import CaseRecord, RunRecord
from reports.changes import ROUNDING

K, H = 0.5, 11.0
"""Allowance and limit of the sums, in standard errors of a night."""

CUT = 6.0
"""The largest z that counts: less than H + K, so that a single night raises no alarm."""


@dataclass(frozen=True)
class Pool:
    """Values of seeds: their number, mean, and sum of squared deviations from it. Numbers, or arrays of many cases."""

    n: Any = 0
    mean: Any = 0.0
    square: Any = 0.0

    @classmethod
    def of(cls, values: Sequence[float]) -> Pool:
        """The pool of some values."""
        mean = math.fsum(values) / len(values)
        return cls(len(values), mean, math.fsum((value - mean) ** 2 for value in values))

    @property
    def sd(self) -> Any:
        """Standard deviation of a seed, of two seeds or more."""
        return np.sqrt(self.square / (self.n - 1))

    def with_night(self, night: Pool) -> Pool:
        """Both together."""
        n, apart = self.n + night.n, night.mean - self.mean
        square = self.square + night.square + apart * apart * self.n * night.n / n
        return Pool(n, self.mean + apart * night.n / n, square)


def standardized(night: Pool, known: Pool) -> Any:
    """z of a night, standard normal if its seeds are of the known ones' law, cut at `CUT`."""
    t = (night.mean - known.mean) / (known.sd * np.sqrt(1 / night.n + 1 / known.n))
    tail = special.stdtr(known.n - 1, -np.abs(t))  # the lower tail, which does not round to 1
    return np.sign(t) * np.minimum(-special.ndtri(tail), CUT)


def summed(sums: tuple[Any, Any], z: Any) -> tuple[Any, Any]:
    """The sums up and down after a night."""
    return np.maximum(sums[0] + z - K, 0.0), np.maximum(sums[1] - z - K, 0.0)
