"""Scales increase, and come back to where they started."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen_core.statistics import SCALES

quiet = settings(deadline=None, max_examples=60)


@quiet
@given(st.sampled_from(sorted(SCALES)), st.integers(0, 2**32))
def test_scales_increase_and_come_back(name, seed):
    scale, u = SCALES[name], np.sort(np.random.default_rng(seed).normal(size=20))
    x = scale.back(u)
    assert (np.diff(x) > 0).all()
    assert ((scale.low < x) & (x < scale.high)).all()
    assert scale(x) == pytest.approx(u, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SCALES["-log(1 - x)"](np.array([0.5, 1.0])), r"1 has no -log\(1 - x\); expected values between"),
    ],
)
def test_bad_input_is_refused_with_its_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()
