"""Intervals and sequential verdicts keep the error rates that they state: by simulation, and exactly where possible.

A simulated rate is compared with the binomial distribution of its own count, at a chance of 1e-4 per comparison.
"""

import numpy as np
import pytest
from scipy import stats

from gen_core.records import HOLDS, INCONCLUSIVE, REFUTED
from gen_core.statistics import exponents, looks, mean_interval, proportion_interval, spend, verdict, widened

REPETITIONS = 2000
SIZES = [4, 8, 16, 32, 64]
LEVELS = [0.05, 0.01]


def at_most(count, rate):
    return count <= stats.binom.isf(1e-4, REPETITIONS, rate)


def exactly(count, rate):
    return at_most(count, rate) and count >= stats.binom.ppf(1e-4, REPETITIONS, rate)


def misses(intervals, truth):
    """How many low bounds lie above the truth, and how many high bounds below it."""
    return sum(i.low > truth for i in intervals), sum(i.high < truth for i in intervals)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("n", SIZES)
def test_each_bound_of_the_mean_is_wrong_at_its_level(n, level):
    draws = np.random.default_rng(n).normal(3.0, 2.0, (REPETITIONS, n))
    for missed in misses([mean_interval(x, level=level) for x in draws], 3.0):
        assert exactly(missed, level)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("n", SIZES)
def test_each_bound_of_a_proportion_is_wrong_at_most_at_its_level(n, level, share):
    intervals = [proportion_interval(k, n, level=level) for k in range(n + 1)]
    chances = stats.binom.pmf(np.arange(n + 1), n, share)
    assert sum(c for c, i in zip(chances, intervals, strict=True) if i.low > share) <= level
    assert sum(c for c, i in zip(chances, intervals, strict=True) if i.high < share) <= level
    successes = np.random.default_rng(n).binomial(n, share, REPETITIONS)
    for missed in misses([intervals[k] for k in successes], share):
        assert at_most(missed, level)


@pytest.mark.parametrize("share_of_noise", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("n", SIZES)
def test_each_bound_covers_the_error_of_test_points_that_all_seeds_share(n, level, share_of_noise):
    rng, df = np.random.default_rng(n), 20
    shared = share_of_noise / (1 - share_of_noise) / n
    draws = rng.normal(size=(REPETITIONS, n)) + rng.normal(0, shared**0.5, (REPETITIONS, 1))
    estimated = shared * rng.chisquare(df, REPETITIONS) / df
    intervals = [
        widened(mean_interval(x, level=level), level=level, variance=v, df=df)
        for x, v in zip(draws, estimated, strict=True)
    ]
    for missed in misses(intervals, 0.0):
        assert at_most(missed, level)


def test_leaving_the_shared_test_points_out_is_seen():
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(REPETITIONS, 16)) + rng.normal(0, 0.25, (REPETITIONS, 1))
    for missed in misses([mean_interval(x, level=0.05) for x in draws], 0.0):
        assert not at_most(missed, 0.05)


@pytest.mark.parametrize("share_of_noise", [0.0, 0.05, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("n", [4, 8, 16])
def test_a_bound_keeps_the_level_of_a_whole_suite_that_no_simulation_can_see(n, share_of_noise):
    # Given s^2 the mean is normal, so that the error rate is an integral over chi^2: by Gauss-Legendre over its
    # quantiles u^4, which gathers nodes at the small s^2 where a bound is wrong.
    level, (nodes, weights) = spend(0.01 / 120, 4), np.polynomial.legendre.leggauss(200)
    u, weights = (nodes + 1) / 2, weights / 2
    s = np.sqrt(stats.chi2.ppf(u**4, n - 1) / (n - 1) * (1 - share_of_noise) * n)
    unit = np.resize([-1.0, 1.0], n) * np.sqrt((n - 1) / n)
    half = [widened(mean_interval(unit * sd, level=level), level=level, variance=share_of_noise).high for sd in s]
    rate = (stats.norm.sf(half) * weights * 4 * u**3).sum()
    assert rate <= level * (1 + 1e-3)
    if share_of_noise == 0:
        assert rate == pytest.approx(level, rel=1e-3)


def test_the_interval_of_an_exponent_covers_it():
    rng, x = np.random.default_rng(0), np.array([16.0, 32.0, 64.0])
    noise = np.exp(rng.normal(0, 0.2, (3, REPETITIONS * 8)))
    slopes = exponents(x, x[:, None] ** -0.5 * noise).reshape(REPETITIONS, 8)
    for missed in misses([mean_interval(s, level=0.05) for s in slopes], -0.5):
        assert exactly(missed, 0.05)


def test_dead_seeds_break_the_mean_and_not_the_proportion():
    rng = np.random.default_rng(0)
    draws = np.where(rng.random((REPETITIONS, 5)) < 0.1, 10.0, rng.normal(0, 0.1, (REPETITIONS, 5)))
    assert not at_most(misses([mean_interval(x, level=0.025) for x in draws], 1.0)[1], 0.025)
    alive = [proportion_interval(int((x < 1).sum()), 5, level=0.025) for x in draws]
    for missed in misses(alive, 0.9):
        assert at_most(missed, 0.025)


def judged(interval_of, limits, schedule, level):
    """The verdict of the first look that decides."""
    for n in schedule:
        decision = verdict(interval_of(n, level), *limits)
        if decision != INCONCLUSIVE:
            return decision
    return INCONCLUSIVE


@pytest.mark.parametrize("limits", [(None, 0.0), (0.0, 6.0)])
@pytest.mark.parametrize("budget", LEVELS)
@pytest.mark.parametrize("first", [4, 8])
def test_at_the_limit_the_looks_together_keep_the_budget(first, budget, limits):
    draws, schedule = np.random.default_rng(first).normal(size=(REPETITIONS, 64)), looks(first, 64)
    level = spend(budget, len(schedule))
    verdicts = [judged(lambda n, a, x=x: mean_interval(x[:n], level=a), limits, schedule, level) for x in draws]
    assert at_most(verdicts.count(REFUTED), budget)
    assert at_most(verdicts.count(HOLDS), budget)


@pytest.mark.parametrize("limits", [(0.9, None), (None, 0.9)])
def test_at_the_limit_the_looks_at_a_proportion_keep_the_budget(limits):
    schedule = looks(8, 64)
    level = spend(0.05, len(schedule))
    table = {n: [proportion_interval(k, n, level=level) for k in range(n + 1)] for n in schedule}
    counts = (np.random.default_rng(0).random((REPETITIONS, 64)) < 0.9).cumsum(axis=1)
    verdicts = [judged(lambda n, _, c=c: table[n][c[n - 1]], limits, schedule, level) for c in counts]
    assert at_most(verdicts.count(REFUTED), 0.05)
    assert at_most(verdicts.count(HOLDS), 0.05)


def test_looking_at_the_full_level_every_time_is_seen():
    draws = np.random.default_rng(0).normal(size=(REPETITIONS, 64))
    verdicts = [judged(lambda n, a, x=x: mean_interval(x[:n], level=a), (None, 0.0), looks(8, 64), 0.05) for x in draws]
    assert not at_most(verdicts.count(REFUTED), 0.05)


def test_a_clear_case_is_decided_rightly_at_the_first_look():
    draws = np.random.default_rng(0).normal(-4.5, 1.0, (REPETITIONS, 8))
    level = spend(0.01 / 120, 4)
    verdicts = [verdict(mean_interval(x, level=level), None, 0.0) for x in draws]
    assert verdicts.count(HOLDS) > 0.8 * REPETITIONS
    assert REFUTED not in verdicts
