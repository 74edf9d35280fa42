"""Concentration against loops over points, and the Gram matrix's norm against singular values."""

from __future__ import annotations

import math

import pytest
import torch

from gen_core import Experiment
from gen_core.data.designs import Design
from gen_core.measures import concentration, gram_norm, largest_inner_product, largest_norm_deviation
from gen_core.run import Run
from gen_core.training.result import TrainingResult


def points(n: int, d: int) -> Run:
    return Run(Experiment(data=Design(n=n, d=d), dtype="float64"), (3, 4), TrainingResult({}, ()))


@pytest.mark.parametrize("room", [1, 8 * 30 * 7, 2**27])
def test_largest_deviations_are_those_of_a_loop(monkeypatch, room):
    run = points(30, 6)
    monkeypatch.setattr(concentration, "ROWS", room)
    norms, products, scale = largest_norm_deviation(run), largest_inner_product(run), math.sqrt(math.log(30) / 6)
    for i, X in enumerate(run.X.tolist()):
        of_norms = [abs(math.fsum(a * a for a in x) / 6 - 1) for x in X]
        pairs = [abs(math.fsum(a * b for a, b in zip(x, z, strict=True))) / 6 for x in X for z in X if x is not z]
        assert float(norms[i]) == pytest.approx(max(of_norms) / scale, rel=1e-12)
        assert float(products[i]) == pytest.approx(max(pairs) / scale, rel=1e-12)


@pytest.mark.parametrize(("n", "d"), [(30, 6), (5, 9)])
def test_the_gram_matrixs_norm_is_the_square_of_the_largest_singular_value(n, d):
    run = points(n, d)
    assert gram_norm(run).tolist() == pytest.approx((torch.linalg.svdvals(run.X)[:, 0] ** 2 / n).tolist(), rel=1e-12)
