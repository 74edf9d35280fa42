"""The circular convolution against the sum written out, and against torch's own with circular padding."""

from __future__ import annotations

import math

import pytest
import torch

from gen_core import CircularConv, Experiment, InvalidExperiment
from gen_core.data.designs import Design
from gen_core.models.contract import Size, units_of

MODEL = CircularConv(3, 4, "tanh")


def drawn(seeds: int = 2) -> dict[str, torch.Tensor]:
    found = [MODEL.init((7,), torch.Generator().manual_seed(seed), torch.float64) for seed in range(seeds)]
    return {name: torch.stack([each[name] for each in found]) for name in found[0]}


def points() -> torch.Tensor:
    return torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(9), dtype=torch.float64)


def test_outputs_are_the_sums_of_equation_12():
    params, X = drawn(), points()
    for s in range(2):
        for b in range(5):
            W, V, x = params["W"][s], params["V"][s], X[s, b]
            terms = [
                float(V[r, i]) * math.tanh(math.fsum(float(W[r, j] * x[(i + j) % 7]) for j in range(4)) / 2)
                for r in range(3)
                for i in range(7)
            ]
            assert float(MODEL.forward(params, X)[s, b]) == pytest.approx(math.fsum(terms) / math.sqrt(21), rel=1e-12)


def test_outputs_are_those_of_torchs_convolution():
    params, X = drawn(), points()
    conv = torch.nn.Conv1d(1, 3, 4, bias=False, dtype=torch.float64)
    for s in range(2):
        wrapped = torch.nn.functional.pad(X[s][:, None], (0, 3), mode="circular")
        conv.weight.data = params["W"][s][:, None]
        expected = (torch.tanh(conv(wrapped) / 2) * params["V"][s]).sum((1, 2)) / math.sqrt(21)
        torch.testing.assert_close(MODEL.forward(params, X)[s], expected, rtol=1e-12, atol=1e-13)


def test_weights_are_standard_normal():
    params = CircularConv(400, 20).init((50,), torch.Generator().manual_seed(0), torch.float64)
    assert {name: p.shape for name, p in params.items()} == {"W": (400, 20), "V": (400, 50)}
    for p in params.values():
        assert abs(float(p.std()) - 1) < 0.02
        assert abs(float(p.mean())) < 0.05


def test_size_counts_parameters_and_products():
    assert MODEL.size((7,)) == Size(3 * 4 + 3 * 7, 3 * 7 * 4 + 3 * 7)
    assert units_of(MODEL, (7,)) == 21
    assert MODEL.outputs == 1
    assert MODEL.batch_form() == MODEL


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CircularConv(0, 1), "width 0; expected a positive integer"),
        (lambda: CircularConv(1, 0), "filter 0; expected a positive integer"),
        (
            lambda: Experiment(data=Design(n=9, d=5), model=CircularConv(1, 6)),
            r"inputs of shape \(5,\); expected vectors of 6 coordinates or more",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(InvalidExperiment, match=message):
        make()
