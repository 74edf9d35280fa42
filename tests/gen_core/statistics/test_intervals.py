"""Intervals and verdicts against scipy, statsmodels and the properties that define them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from gen_core.records import HOLDS, INCONCLUSIVE, REFUTED
from gen_core.statistics import (
    Interval,
    headroom,
    mean_interval,
    median_interval,
    proportion_interval,
    ties,
    verdict,
    widened,
    worst_case,
)

quiet = settings(deadline=None, max_examples=60)
numbers = st.floats(-1e6, 1e6)
samples = st.lists(numbers, min_size=2, max_size=20)
levels = st.floats(1e-6, 0.49)


@pytest.mark.parametrize("n", [2, 4, 8, 32])
@pytest.mark.parametrize("level", [0.05, 0.01, 2e-5])
def test_mean_interval_is_scipys_t_interval(n, level):
    x = np.random.default_rng(n).normal(3, 2, n)
    interval = mean_interval(x, level=level)
    reference = stats.ttest_1samp(x, 0).confidence_interval(1 - 2 * level)
    # scipy takes the quantile at 1 - level, which costs digits at small levels.
    assert (interval.low, interval.high) == pytest.approx(tuple(reference), rel=1e-9)
    assert (interval.estimate, interval.sd, interval.n) == (pytest.approx(x.mean()), pytest.approx(x.std(ddof=1)), n)


@quiet
@given(samples, levels, levels, st.floats(0, 1e6), st.floats(1, 1e6))
def test_mean_interval_widens_with_confidence_and_with_shared_noise(x, one, other, variance, df):
    wide, narrow = (mean_interval(x, level=level) for level in sorted((one, other)))
    assert wide.low <= narrow.low <= narrow.estimate <= narrow.high <= wide.high
    plain = mean_interval(x, level=one)
    known, estimated = (widened(plain, level=one, variance=variance, df=d) for d in (math.inf, df))
    widths = np.array([i.high - i.low for i in (plain, known, estimated)])
    assert (np.diff(widths) >= -1e-12 * widths.max() - 1e-9).all()
    assert known.sd == plain.sd


def test_shared_noise_alone_gives_its_own_t_interval():
    interval = widened(mean_interval([2.0, 2.0, 2.0], level=0.01), level=0.01, variance=0.25, df=9)
    assert interval.high - 2.0 == pytest.approx(stats.t.isf(0.01, 9) / 2)
    assert interval.sd == 0


def test_equal_values_give_an_interval_of_no_width():
    assert mean_interval([0.1] * 7, level=0.01) == Interval(0.1, 0.1, 0.1, 0.0, 7)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0.3] * 8, "all 8 values are equal"),
        ([0.3, 0.3 + 1e-12], "all 2 values are equal"),
        ([0.3, 0.4], ""),
        ([0, 0, 0, 0, 0, 0, 0, 1], "8 seeds have only two different values"),
        ([0, 1, 0, 1, 0, 1, 0, 1], "8 seeds have only two different values"),
        ([0.1] * 5 + [0.2, 0.3, 0.4], "5 of 8 values are equal"),
        ([0.1] * 4 + [0.2, 0.3, 0.4, 0.5], ""),
        (np.arange(8) * 1e-12, ""),  # small, and far apart for their size
        (5 + np.arange(8) * 1e-12, "all 8 values are equal"),
        ([0.0] * 8, "all 8 values are equal"),
    ],
)
def test_values_that_have_no_spread_to_speak_of_are_told(values, words):
    assert ties(values) == words


@quiet
@given(samples, levels)
def test_median_interval_inverts_the_sign_test(x, level):
    interval, n = median_interval(x, level=level), len(x)
    assert interval.low <= interval.estimate <= interval.high
    for limit in (*x, *(v + 0.5 for v in x)):
        above, below = (stats.binomtest(sum(side), n, alternative="greater").pvalue for side in _sides(x, limit))
        assert (interval.low > limit) == (above <= level)
        assert (interval.high < limit) == (below <= level)


def _sides(x, limit):
    return [v > limit for v in x], [v < limit for v in x]


def test_a_median_takes_17_seeds_at_the_level_of_a_look_of_a_whole_suite():
    level = 0.01 / 243 / 3
    assert [math.isfinite(median_interval(range(n), level=level).high) for n in (16, 17)] == [False, True]
    assert median_interval([0.5] * 17, level=level) == Interval(0.5, 0.5, 0.5, 0.0, 17)  # ties do not break it


@quiet
@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), levels)
def test_proportion_interval_is_statsmodels_beta_interval(counts, level):
    interval = proportion_interval(*counts, level=level)
    assert (interval.low, interval.high) == pytest.approx(proportion_confint(*counts, 2 * level, "beta"), abs=1e-12)
    assert interval.low <= interval.estimate <= interval.high


@quiet
@given(st.integers(1, 59).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n + 1))), levels)
def test_proportion_interval_inverts_the_binomial_test(counts, level):
    successes, n = counts
    interval = proportion_interval(successes, n, level=level)
    assert stats.binom.sf(successes - 1, n, interval.low) == pytest.approx(level)
    if successes < n:
        assert stats.binom.cdf(successes, n, interval.high) == pytest.approx(level)


def test_no_failure_in_29_seeds_shows_a_share_of_ninety_percent():
    assert proportion_interval(28, 28, level=0.05).low < 0.9 < proportion_interval(29, 29, level=0.05).low


@pytest.mark.parametrize("seed", range(40))
def test_between_is_statsmodels_tost(seed):
    x = np.random.default_rng(seed).normal(0.2, 0.6, 8)
    interval, data = mean_interval(x, level=0.05), DescrStatsW(x)
    assert (verdict(interval, -0.5, 0.5) == HOLDS) == (data.ttost_mean(-0.5, 0.5)[0] < 0.05)
    assert (verdict(interval, None, 0.5) == HOLDS) == (stats.ttest_1samp(x, 0.5, alternative="less").pvalue < 0.05)
    assert (verdict(interval, 0.5, None) == REFUTED) == (stats.ttest_1samp(x, 0.5, alternative="less").pvalue < 0.05)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (None, 2.0, HOLDS),
        (None, 1.9, INCONCLUSIVE),
        (None, 1.0, INCONCLUSIVE),
        (None, 0.9, REFUTED),
        (1.0, None, HOLDS),
        (2.1, None, REFUTED),
        (1.0, 2.0, HOLDS),
        (1.1, 3.0, INCONCLUSIVE),
        (1.2, 1.8, INCONCLUSIVE),
        (2.1, 3.0, REFUTED),
        (0.0, 0.9, REFUTED),
    ],
)
def test_verdict_compares_the_interval_one_to_two_with_the_limits(low, high, expected):
    assert verdict(Interval(1.5, 1.0, 2.0, 1.0, 8), low, high) == expected


def test_worst_case_is_the_seed_that_lies_farthest_out():
    values = [0.2, -0.4, 0.3]
    assert worst_case(values, None, 1.0).estimate == 0.3
    assert worst_case(values, -1.0, None).estimate == -0.4
    assert worst_case(values, -0.5, 1.0) == Interval(-0.4, -0.4, -0.4, np.std(values, ddof=1), 3)


@quiet
@given(samples, numbers, numbers)
def test_worst_case_holds_if_and_only_if_every_seed_does(x, one, other):
    low, high = sorted((one, other))
    every = all(low <= v <= high for v in x)
    assert verdict(worst_case(x, low, high), low, high) == (HOLDS if every else REFUTED)


def test_headroom_is_the_distance_to_the_nearest_limit_in_sds():
    interval = Interval(1.0, 0.5, 1.5, 0.5, 8)
    assert headroom(interval, None, 2.0) == 2
    assert headroom(interval, 0.9, 2.0) == pytest.approx(0.2)
    assert headroom(interval, 2.0, 3.0) == -2
    assert headroom(Interval(1.0, 1.0, 1.0, 0.0, 8), None, 2.0) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_interval([1.0, math.nan], level=0.1), "value nan at index 1; expected a finite number"),
        (lambda: mean_interval([[1.0, 2.0]], level=0.1), r"values of shape \(1, 2\); expected one value per seed"),
        (lambda: mean_interval([1.0], level=0.1), "1 seed; expected at least 2"),
        (lambda: mean_interval([1.0, 2.0], level=0.5), r"level 0.5; expected a number in \(0, 0.5\)"),
        (lambda: widened(Interval(1, 0, 2, 1, 8), level=0.1, variance=-1.0), "variance -1.0; expected"),
        (lambda: widened(Interval(1, 0, 2, 1, 8), level=0.1, variance=1.0, df=0), "df 0; expected"),
        (lambda: median_interval([1.0, math.nan], level=0.1), "value nan at index 1; expected a finite number"),
        (lambda: proportion_interval(4, 3, level=0.1), "4 successes of 3 seeds; expected"),
        (lambda: worst_case([-math.inf], None, 1.0), "value -inf at index 0; expected a finite number"),
        (lambda: verdict(Interval(1, 1, 1, 0, 2), None, None), "no limit; expected"),
        (lambda: verdict(Interval(1, 1, 1, 0, 2), 2.0, 1.0), "limits 2.0 and 1.0; expected numbers with low <= high"),
    ],
)
def test_bad_input_is_refused_with_its_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()
