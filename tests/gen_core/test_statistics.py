"""Intervals, verdicts and sizes against scipy, statsmodels and the properties that define them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from gen_core.records import HOLDS, INCONCLUSIVE, REFUTED
from gen_core.statistics import (
    SCALES,
    Interval,
    deciding_headroom,
    exponents,
    headroom,
    least_seeds,
    looks,
    looks_at_share,
    mean_interval,
    median_interval,
    proportion_interval,
    seeds_needed,
    seeds_needed_for_share,
    spend,
    ties,
    trends,
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
@given(st.sampled_from(sorted(SCALES)), st.integers(0, 2**32))
def test_scales_increase_and_come_back(name, seed):
    scale, u = SCALES[name], np.sort(np.random.default_rng(seed).normal(size=20))
    x = scale.back(u)
    assert (np.diff(x) > 0).all()
    assert ((scale.low < x) & (x < scale.high)).all()
    assert scale(x) == pytest.approx(u, rel=1e-9, abs=1e-9)


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


@quiet
@given(st.integers(0, 2**32), st.floats(-3, 3))
def test_exponents_recover_a_power_law(seed, slope):
    rng = np.random.default_rng(seed)
    x = np.array([16, 32, 64, 128])
    factors, noise = np.exp(rng.normal(size=5)), np.exp(rng.normal(0, 0.1, (4, 5)))
    exact = factors * x[:, None] ** slope
    assert exponents(x, exact) == pytest.approx(np.full(5, slope), abs=1e-12)
    reference = [stats.linregress(np.log(x), np.log(column)).slope for column in (exact * noise).T]
    assert exponents(x, exact * noise) == pytest.approx(reference, abs=1e-12)


@quiet
@given(st.integers(0, 2**32))
def test_trends_are_scipys_rank_correlations(seed):
    rng = np.random.default_rng(seed)
    x, values = rng.integers(0, 4, 9), rng.integers(0, 5, (9, 6))
    x[:2], values[:2] = (0, 1), [[0], [1]]
    reference = [stats.spearmanr(x, column).statistic for column in values.T]
    assert trends(x, values) == pytest.approx(reference, abs=1e-12)


def test_trends_are_one_for_order_alone_and_zero_for_a_constant():
    values = np.array([[1.0, 8.0, 5.0], [10.0, 2.0, 5.0], [1000.0, 1.0, 5.0]])
    assert trends([1, 2, 3], values).tolist() == [1, -1, 0]


def test_headroom_is_the_distance_to_the_nearest_limit_in_sds():
    interval = Interval(1.0, 0.5, 1.5, 0.5, 8)
    assert headroom(interval, None, 2.0) == 2
    assert headroom(interval, 0.9, 2.0) == pytest.approx(0.2)
    assert headroom(interval, 2.0, 3.0) == -2
    assert headroom(Interval(1.0, 1.0, 1.0, 0.0, 8), None, 2.0) is None


@pytest.mark.parametrize(("distance", "seeds"), [(5, 5), (3, 7), (2, 10), (1, 24), (0.5, 82), (-0.25, 311)])
def test_seeds_needed_is_statsmodels_power(distance, seeds):
    assert seeds_needed(distance, level=1e-3) == seeds

    def power(n):
        return TTestPower().power(abs(distance), n, 1e-3, alternative="larger")

    assert power(seeds - 1) < 0.9 <= power(seeds)


@quiet
@given(st.floats(0.05, 1e12), st.floats(0.05, 1e12), st.floats(1e-9, 0.4), st.floats(0.1, 0.99))
def test_seeds_needed_falls_with_headroom_and_grows_with_demands(one, other, level, power):
    small, large = sorted((one, other))
    needed = seeds_needed(large, level=level, power=power)
    assert needed <= seeds_needed(small, level=level, power=power)
    assert needed <= seeds_needed(large, level=level / 10, power=power)
    assert needed == seeds_needed(-large, level=level, power=power)


def test_seeds_needed_is_none_where_no_number_decides():
    assert seeds_needed(None, level=0.01) is None
    assert seeds_needed(0.0, level=0.01) is None
    exact = seeds_needed(0.5, level=1e-3)
    assert seeds_needed(0.5, level=1e-3, most=exact) == exact
    assert seeds_needed(0.5, level=1e-3, most=exact - 1) is None


def test_the_deciding_headroom_is_where_the_interval_ends_at_the_limit():
    level = spend(0.01 / 243, 4)
    for n, stated in zip(looks(8, 64), (3.56, 1.52, 0.89, 0.58), strict=True):
        zigzag = np.resize([-1.0, 1.0], n)
        at_zero = mean_interval(zigzag, level=level)
        assert deciding_headroom(n, level=level) == pytest.approx(at_zero.high / at_zero.sd)
        assert deciding_headroom(n, level=level) == pytest.approx(stated, abs=0.005)


@quiet
@given(st.floats(0.02, 0.98), levels)
def test_fewer_than_the_least_seeds_never_show_a_share(share, level):
    n = least_seeds(share, level=level)
    assert proportion_interval(n, n, level=level).low >= share * (1 - 1e-9)
    assert n == 1 or proportion_interval(n - 1, n - 1, level=level).low < share


@pytest.mark.parametrize(("observed", "demanded"), [(1.0, 0.9), (0.97, 0.9), (0.3, 0.5), (0.0, 0.5), (0.8, 0.75)])
def test_the_seeds_for_a_share_are_those_that_decide(observed, demanded):
    level = 1e-5
    n = seeds_needed_for_share(observed, demanded, level=level)
    assert n is not None

    def power(seeds):
        limits, wanted = (demanded, None), HOLDS if observed > demanded else REFUTED
        decided = [verdict(proportion_interval(k, seeds, level=level), *limits) == wanted for k in range(seeds + 1)]
        return stats.binom.pmf(np.arange(seeds + 1), seeds, observed)[decided].sum()

    assert power(n) >= 0.9 > power(n - 1)
    assert seeds_needed_for_share(0.5, 0.5, level=level) is None


@pytest.mark.parametrize(
    ("share", "options", "expected"),
    [
        (0.5, {"most": 64}, (17, 32, 64)),
        (0.5, {"most": 64, "holds": False}, (17, 32, 64)),
        (0.5, {"most": 64, "first": 32}, (32, 64)),
        (0.5, {"most": 16}, (16,)),
        (0.5, {"most": 8}, ()),
        (0.9, {}, (128, 256)),
        (0.9, {"holds": False}, (8, 16, 32, 64, 128, 256)),
        (0.9, {"most": 64}, ()),
        (0.75, {}, (40, 64, 128, 256)),
        (0.99, {}, ()),
        (0.01, {}, ()),  # it could never be refuted
    ],
)
def test_looks_at_a_share_are_those_that_can_decide(share, options, expected):
    found = looks_at_share(share, level=0.01 / 243, **options)
    assert found == expected
    if len(found) > 1:
        side = share if options.get("holds", True) else 1 - share
        assert least_seeds(side, level=0.01 / 243 / len(found)) <= found[0]


@pytest.mark.parametrize(
    ("first", "most", "expected"),
    [
        (8, 64, (8, 16, 32, 64)),
        (8, 500, (8, 16, 32, 64)),
        (4, 20, (4, 8, 16)),
        (8, 5, (5,)),
        (64, 64, (64,)),
        (1, 2, (1, 2)),
    ],
)
def test_looks_double_up_to_the_cap(first, most, expected):
    assert looks(first, most) == expected


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
        (lambda: least_seeds(1.0, level=0.1), r"share 1 of seeds; expected a number in \(0, 1\)"),
        (lambda: seeds_needed_for_share(1.5, 0.5, level=0.1), r"observed share 1.5; expected a number in \[0, 1\]"),
        (lambda: seeds_needed_for_share(1, 0.5, level=0.1, power=0), r"power 0; expected a number in \(0, 1\)"),
        (lambda: deciding_headroom(1, level=0.1), "1 seed; expected at least 2"),
        (lambda: SCALES["-log(1 - x)"](np.array([0.5, 1.0])), r"1 has no -log\(1 - x\); expected values between"),
        (lambda: proportion_interval(4, 3, level=0.1), "4 successes of 3 seeds; expected"),
        (lambda: worst_case([-math.inf], None, 1.0), "value -inf at index 0; expected a finite number"),
        (lambda: exponents([1, 2], [[1.0, 1.0], [1.0, 0.0]]), r"value 0.0 at index \(1, 1\); expected a positive"),
        (lambda: exponents([0, 2], [[1.0], [1.0]]), "x 0.0 at index 0; expected a positive"),
        (lambda: exponents([1, 2, 3], [[1.0], [1.0]]), r"x \(3,\), values \(2, 1\); expected shapes"),
        (lambda: trends([1, 2], [[1.0], [math.nan]]), r"value nan at index \(1, 0\); expected a finite"),
        (lambda: trends([2, 2], [[1.0], [2.0]]), "expected at least two different values"),
        (lambda: verdict(Interval(1, 1, 1, 0, 2), None, None), "no limit; expected"),
        (lambda: verdict(Interval(1, 1, 1, 0, 2), 2.0, 1.0), "limits 2.0 and 1.0; expected numbers with low <= high"),
        (lambda: seeds_needed(math.nan, level=0.1), "headroom nan; expected a finite number"),
        (lambda: seeds_needed(1.0, level=0.1, power=1.0), r"power 1.0; expected a number in \(0, 1\)"),
        (lambda: spend(0.01, 0), "0 looks; expected at least 1"),
        (lambda: looks(0, 8), "first look at 0 seeds; expected 1 to 64"),
        (lambda: looks(8, 0), "at most 0 seeds; expected a positive number"),
    ],
)
def test_bad_input_is_refused_with_its_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()
