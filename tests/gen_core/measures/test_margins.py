"""Margins by loops over points, and their quantiles against numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gen_core import InvalidExperiment, Unfinished
from gen_core.losses import right
from gen_core.measures import margin_quantiles, margins


def points(classes: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Outputs and labels of 3 seeds on 11 points."""
    stream = torch.Generator().manual_seed(seed)
    f = torch.randn(3, 11, classes, generator=stream)
    if classes == 1:
        return f.squeeze(-1), 2.0 * torch.randint(2, (3, 11), generator=stream) - 1
    return f, torch.randint(classes, (3, 11), generator=stream)


@pytest.mark.parametrize("classes", [1, 2, 5])
def test_margins_by_a_loop(classes: int):
    f, y = points(classes)
    divisors = torch.tensor([0.5, 2.0, 3.0])
    plain, divided = margins(f, y), margins(f, y, divisors)
    assert plain.dtype == divided.dtype == torch.float64
    for seed in range(3):
        for i in range(11):
            row = f[seed, i].tolist()
            if classes == 1:
                expected = row * float(y[seed, i])
            else:
                own = row.pop(int(y[seed, i]))
                expected = own - max(row)
            assert float(plain[seed, i]) == pytest.approx(expected)
            assert float(divided[seed, i]) == pytest.approx(expected / float(divisors[seed]))
    assert torch.equal(plain > 0, right(f, y))


@given(shift=st.floats(-5, 5), factor=st.floats(0.1, 10), seed=st.integers(0, 999))
@settings(deadline=None)
def test_margins_ignore_what_all_classes_share_and_scale_with_the_outputs(shift: float, factor: float, seed: int):
    f, y = points(4, seed)
    f = f.double()
    assert torch.allclose(margins(f + shift, y), margins(f, y), atol=1e-12)
    scales = torch.full((3,), factor, dtype=torch.float64)
    assert torch.allclose(margins(factor * f, y, scales), margins(f, y), atol=1e-12)


def test_a_tie_is_no_margin():
    f = torch.tensor([[[1.0, 1.0, 0.0], [0.0, 2.0, 2.0]]])
    assert margins(f, torch.tensor([[0, 0]])).tolist() == [[0.0, -2.0]]


def test_quantiles_against_numpy():
    m = margins(*points(5))
    for q in (0, 0.1, 0.5, 1.0):
        expected = [np.quantile(m[seed].numpy(), q) for seed in range(3)]
        assert margin_quantiles(m, q).tolist() == pytest.approx(expected)
    assert torch.equal(margin_quantiles(m, 0), m.amin(1))
    several = margin_quantiles(m, (0.25, 0.75))
    assert several.shape == (2, 3)
    assert torch.equal(several[1], margin_quantiles(m, 0.75))


def test_what_has_no_margin_is_told():
    f, y = points(3)
    binary, signs = points(1)
    with pytest.raises(
        InvalidExperiment, match=r"^margins of outputs \(3, 11, 3\) for torch.float32 labels \(3, 11\);"
    ):
        margins(f, signs)
    with pytest.raises(
        InvalidExperiment, match=r"^margins of outputs \(3, 11\) for torch.int64 labels \(3, 11\); expect"
    ):
        margins(binary, y)
    with pytest.raises(InvalidExperiment, match=r"^margins of outputs \(3, 11, 3\) for torch.int64 labels \(3, 10\);"):
        margins(f, y[:, 1:])
    with pytest.raises(
        InvalidExperiment, match=r"^classes 0 to 2 of 2 outputs; expected 0 to C - 1, with C at least 2$"
    ):
        margins(f[..., :2], y)
    with pytest.raises(InvalidExperiment, match=r"^classes 0 to 0 of 1 outputs; expected"):
        margins(f[..., :1], torch.zeros_like(y))
    with pytest.raises(InvalidExperiment, match=r"^divisors \(3,\) from 0 of margins of 3 seeds; expected a positive"):
        margins(f, y, torch.tensor([1.0, 0.0, 2.0]))
    with pytest.raises(InvalidExperiment, match=r"^divisors \(2,\) from 1 of margins of 3 seeds; expected a positive"):
        margins(f, y, torch.ones(2))
    with pytest.raises(InvalidExperiment, match=r"^quantiles at 50; expected numbers from 0 to 1$"):
        margin_quantiles(margins(f, y), 50)
    with pytest.raises(Unfinished, match=r"^quantiles of margins that are not numbers; expected finite outputs$"):
        margin_quantiles(torch.tensor([[1.0, torch.nan]]), 0.5)
