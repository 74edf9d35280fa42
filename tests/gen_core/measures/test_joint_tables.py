"""Information terms of a run's tables against sums over cells, of one table after the other."""

from __future__ import annotations

from dataclasses import replace
from math import log2

import numpy as np
import pytest
import torch

from fixtures.data.tables import JointTables
from fixtures.nakkiran.joint_tables import joint_tables
from gen_core import Run
from gen_core.lab import Lab, Store
from gen_core.measures import InformationTerms, information_terms, tables_of


def given(p: np.ndarray) -> float:
    """I(A;B|C) of one table [a, b, c], as the mean divergence of its cells from conditional independence."""
    return sum(
        float(p[a, b, c]) * log2(p[a, b, c] * p[:, :, c].sum() / (p[a, :, c].sum() * p[:, b, c].sum()))
        for a, b, c in np.argwhere(p > 0)
    )


def plain(p: np.ndarray) -> float:
    """I(A;B) of one table [a, b]."""
    return given(p[:, :, None])


@pytest.fixture
def run(tmp_path, request) -> Run:
    experiment = replace(joint_tables(request.param), data=JointTables(20, request.param))
    return Lab(Store(tmp_path), torch.device("cpu")).run(experiment, 2)


@pytest.mark.parametrize("run", ["dense", "sparse", "degenerate", "counted"], indirect=True)
def test_informations_are_those_of_each_table(run):
    found = information_terms(run)
    assert found.fy.shape == found.fl_given_y.shape == found.accuracy().shape == (2, 20)
    for at in np.ndindex(2, 20):
        p = run.X[at].numpy().reshape(2, 2, 2)
        values = [found.fy, found.ly, found.fl, found.fy_given_l, found.ly_given_f, found.fl_given_y, found.mu]
        expected = [
            plain(p.sum(1)),
            plain(p.sum(0)),
            plain(p.sum(2)),
            given(p.transpose(0, 2, 1)),
            given(p.transpose(1, 2, 0)),
            given(p),
            plain(p.sum(2)) - given(p),
        ]
        assert [float(value[at]) for value in values] == pytest.approx(expected, abs=1e-13)
        right = sum(p[y, label, y] for y in (0, 1) for label in (0, 1))
        assert float(found.accuracy()[at]) == pytest.approx(right, abs=1e-14)


def test_a_point_holds_its_table_in_the_order_f_l_y():
    table = tables_of(torch.arange(8.0)[None])
    assert [float(table[0, f, label, y]) for f, label, y in ((0, 0, 1), (0, 1, 0), (1, 0, 0))] == [1, 2, 4]


def test_rounding_takes_no_accuracy_above_one():
    table = torch.rand(500, 2, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    table[:, 0, :, 1] = table[:, 1, :, 0] = 0  # F = Y
    pair = table.sum(2)
    assert (pair.diagonal(dim1=1, dim2=2).sum(1) / table.flatten(1).sum(1) > 1).any()
    accuracy = InformationTerms(table, *torch.zeros(7, 500)).accuracy()
    assert float(accuracy.max()) == 1
    assert float(accuracy.min()) == pytest.approx(1)
