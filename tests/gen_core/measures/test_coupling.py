"""Coupling measures against matrices whose answers are known, loops and numpy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fixtures.li_liang.mixtures import learning
from gen_core import InvalidExperiment
from gen_core.lab import Lab, Store
from gen_core.measures import (
    changed_patterns,
    distance_from,
    distance_moved,
    leading_energy,
    pattern_change,
    spectral_gap,
    update_spectrum,
    weight_spectrum,
)


@pytest.fixture
def run(tmp_path):
    tiny = learning(12, n=40, d=15, steps=20, watch=("weights",))
    return Lab(Store(tmp_path), torch.device("cpu")).run(replace(tiny, dtype="float64"), 3)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_changed_patterns_against_a_loop():
    W, start, X = normal(2, 3, 5, 4), normal(2, 5, 4), normal(2, 7, 4)
    found = changed_patterns(W, start, X)
    assert found.shape == (2, 3)
    for seed in range(2):
        for at in range(3):
            pairs = [
                bool(W[seed, at, r] @ X[seed, i] > 0) != bool(start[seed, r] @ X[seed, i] > 0)
                for r in range(5)
                for i in range(7)
            ]
            assert float(found[seed, at]) == pytest.approx(sum(pairs) / 35, rel=1e-6)


def test_a_unit_whose_input_is_zero_is_off():
    start, X = torch.tensor([[[0.0, 1.0]]]), torch.tensor([[[1.0, 0.0]]])
    assert changed_patterns(start, start, X).tolist() == [0]
    assert changed_patterns(start - torch.tensor([1.0, 0.0]), start, X).tolist() == [0]
    assert changed_patterns(start + torch.tensor([1.0, 0.0]), start, X).tolist() == [1]


def test_turned_weights_change_the_share_of_the_angle():
    # A plane's normal turned by an angle changes side for angle / pi of the points that are uniform on a circle.
    angles = torch.arange(0, 2 * torch.pi, 2 * torch.pi / 3600, dtype=torch.float64) + 1e-4
    X = torch.stack([angles.cos(), angles.sin()], 1)[None]
    turned = torch.tensor([[[np.cos(0.3), np.sin(0.3)]]])
    start = torch.tensor([[[1.0, 0.0]]], dtype=torch.float64)
    assert float(changed_patterns(turned, start, X)) == pytest.approx(0.3 / np.pi, abs=1e-3)


def test_distance_against_numpy():
    W, start = normal(2, 3, 5, 4), normal(2, 5, 4) + 1
    expected = [
        [np.linalg.norm(W[s, c] - start[s]) / np.linalg.norm(start[s].numpy()) for c in range(3)] for s in range(2)
    ]
    assert distance_from(W, start).numpy() == pytest.approx(np.array(expected))
    assert distance_from(W[:, 1], start).numpy() == pytest.approx(np.array(expected)[:, 1])


def test_measures_of_a_run_are_those_of_its_weights(run):
    path = run.watched("weights.W")
    assert pattern_change(run).tolist() == changed_patterns(path, path[:, 0], run.X)[:, -1].tolist()
    assert distance_moved(run).tolist() == pytest.approx(distance_from(path, path[:, 0])[:, -1].tolist())
    assert (pattern_change(run) > 0).all()
    assert (distance_moved(run) > 0).all()


def test_spectrum_of_a_matrix_that_is_built_from_one():
    s = torch.tensor([9.0, 6.0, 3.0, 1.0], dtype=torch.float64)
    U, V = (torch.linalg.qr(normal(2, size, 4)).Q for size in (6, 5))
    W = U * s @ V.mT
    found = torch.linalg.svdvals(W)
    assert spectral_gap(found, 2).tolist() == pytest.approx([2, 2])
    assert spectral_gap(found, 3).tolist() == pytest.approx([3, 3])
    assert leading_energy(found, 1).tolist() == pytest.approx([81 / 127] * 2)
    assert leading_energy(found, 3).tolist() == pytest.approx([126 / 127] * 2)


def test_spectra_of_a_run_are_those_of_its_weights(run):
    path = run.watched("weights.W")
    for found, W in ((update_spectrum(run), path[:, -1] - path[:, 0]), (weight_spectrum(run), path[:, -1])):
        products = W.double() @ W.double().mT if W.shape[1] < W.shape[2] else W.double().mT @ W.double()
        energy = np.sort(np.linalg.eigvalsh(products.numpy()))[:, ::-1]
        assert found.numpy() == pytest.approx(energy.clip(0) ** 0.5, rel=1e-4, abs=1e-5)
        share = energy[:, :3].sum(1) / energy.sum(1)
        assert leading_energy(found, 3).tolist() == pytest.approx(share.tolist(), rel=1e-4)


@pytest.mark.parametrize("rank", [0, 4, 9])
def test_a_rank_without_a_rest_is_refused(rank):
    expected = f"rank {rank} of 4 singular values; expected 1 to 3, below full rank"
    with pytest.raises(InvalidExperiment, match=expected):
        spectral_gap(torch.ones(1, 4), rank)
    with pytest.raises(InvalidExperiment, match=expected):
        leading_energy(torch.ones(1, 4), rank)
