"""Descent on linear models against its closed form, and networks that are linear against them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gen_core import GD, SGD, Every, Experiment, InvalidExperiment, Linear, Square, Steps, TwoLayer
from gen_core.data.designs import Design
from gen_core.lab import Lab, Store
from gen_core.measures import (
    EarlyOutputs,
    early_first_layer,
    first_features,
    first_layer_discrepancy,
    first_linear_kernel,
    gradient_descent,
)

NET = Experiment(
    data=Design(n=40, d=10, n_test=30),
    model=TwoLayer(40, "erf"),
    rule=GD(2.0),
    loss=Square(),
    steps=9,
    checkpoints=Every(4),
    watch=("weights",),
    dtype="float64",
)


@pytest.fixture
def lab(tmp_path) -> Lab:
    return Lab(Store(tmp_path), torch.device("cpu"))


def normals(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("name", ["erf", "relu"])
def test_features_give_the_linear_kernel(name):
    X = normals(2, 8, 5)
    psi = first_features(X, name, 1.3)
    assert psi.shape == (2, 8, 6)
    for i in range(2):
        assert torch.allclose(psi[i] @ psi[i].mT, first_linear_kernel(X[i], name, 1.3), atol=1e-15)


def test_descent_has_its_closed_form():
    """beta_t = (I - (I - eta A)^t) A^-1 b, with A = F^T F / n and b = F^T y / n."""
    F, y = normals(2, 20, 4), normals(2, 20)
    steps = (0, 3, 50)
    found = gradient_descent(F, y, 0.3, steps)
    for i in range(2):
        A, b = F[i].mT @ F[i] / 20, F[i].mT @ y[i] / 20
        for k, t in enumerate(steps):
            left = torch.eye(4, dtype=torch.float64) - torch.linalg.matrix_power(torch.eye(4).double() - 0.3 * A, t)
            assert torch.allclose(found[i, k], left @ torch.linalg.solve(A, b), atol=1e-13)


def test_descent_is_that_of_the_trainer(lab):
    trained = lab.run(replace(NET, model=Linear(), rule=GD(0.2)), 2)
    beta = gradient_descent(trained.X, trained.y, 0.2, trained.checkpoints)
    assert torch.allclose(beta, trained.watched("weights.w"), atol=1e-13)


def test_a_linear_network_is_its_linear_model(lab):
    """With phi(z) = z and v^2 = 1 the first layer moves as (x) / sqrt(d), at every step and not only early."""
    early = early_first_layer(lab.run(replace(NET, model=TwoLayer(40, "identity")), 2))
    assert early.net.shape == (2, 4, 30)
    assert torch.allclose(early.net, early.linear, atol=1e-12)


def test_network_is_followed_from_zero(lab):
    run = lab.run(NET, 2)
    early = early_first_layer(run)
    assert float(early.net[:, 0].abs().max()) < 1e-14
    last = NET.model.forward({"W": run.weights("W"), "v": run.initial("v")}, run.X_test)
    assert torch.equal(early.net[:, -1], last)
    expected = (early.net - early.linear).square().mean(-1) / early.linear[:, -1].square().mean(-1, keepdim=True)
    assert torch.equal(first_layer_discrepancy(run), expected.amax(1))
    assert float(first_layer_discrepancy(run).min()) > 0


def test_discrepancy_by_hand():
    early = EarlyOutputs(torch.tensor([[[0.0, 0.0], [1.0, 3.0]]]), torch.tensor([[[0.0, 0.0], [2.0, 2.0]]]))
    assert early.discrepancy().tolist() == [[0.0, 0.25]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": Linear()},
        {"model": TwoLayer(40, train=("W", "v"))},
        {"rule": SGD(2.0, batch=40)},
        {"loss": Square(1.0)},
        {"rule": replace(NET.parts.rule, weight_decay=0.1)},
    ],
)
def test_what_the_theorem_does_not_speak_of_is_refused(lab, wrong):
    run = lab.run(replace(NET, **wrong), 1)
    with pytest.raises(InvalidExperiment, match=r"expected a TwoLayer with train=\('W',\), plain GD and Square\(0.5\)"):
        early_first_layer(run)


def test_a_rate_that_changes_is_refused(lab):
    run = lab.run(replace(NET, rule=GD(Steps(2.0, (3,)))), 1)
    with pytest.raises(InvalidExperiment, match=r"^rate Steps\(.*; expected a number, the same for all steps$"):
        early_first_layer(run)
