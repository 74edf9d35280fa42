"""Looks, and the seeds that a decision takes, against statsmodels, brute force and the properties that define them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestPower

from gen_core.records import HOLDS, REFUTED
from gen_core.statistics import (
    deciding_headroom,
    least_seeds,
    looks,
    looks_at_share,
    mean_interval,
    proportion_interval,
    seeds_needed,
    seeds_needed_for_share,
    spend,
    verdict,
)

quiet = settings(deadline=None, max_examples=60)
levels = st.floats(1e-6, 0.49)


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
        (lambda: least_seeds(1.0, level=0.1), r"share 1 of seeds; expected a number in \(0, 1\)"),
        (lambda: seeds_needed_for_share(1.5, 0.5, level=0.1), r"observed share 1.5; expected a number in \[0, 1\]"),
        (lambda: seeds_needed_for_share(1, 0.5, level=0.1, power=0), r"power 0; expected a number in \(0, 1\)"),
        (lambda: deciding_headroom(1, level=0.1), "1 seed; expected at least 2"),
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
