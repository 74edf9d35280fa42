"""Exponents and trends of a sweep against scipy."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gen_core.statistics import exponents, trends

quiet = settings(deadline=None, max_examples=60)


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


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: exponents([1, 2], [[1.0, 1.0], [1.0, 0.0]]), r"value 0.0 at index \(1, 1\); expected a positive"),
        (lambda: exponents([0, 2], [[1.0], [1.0]]), "x 0.0 at index 0; expected a positive"),
        (lambda: exponents([1, 2, 3], [[1.0], [1.0]]), r"x \(3,\), values \(2, 1\); expected shapes"),
        (lambda: trends([1, 2], [[1.0], [math.nan]]), r"value nan at index \(1, 0\); expected a finite"),
        (lambda: trends([2, 2], [[1.0], [2.0]]), "expected at least two different values"),
    ],
)
def test_bad_input_is_refused_with_its_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()
