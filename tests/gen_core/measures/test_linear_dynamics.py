"""Descent on linear models against its closed form, and networks that are linear against them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gen_core import GD, SGD, Every, Experiment, InvalidExperiment, Layerwise, Linear, Square, Steps, TwoLayer
from gen_core.data.designs import Design
from gen_core.lab import Lab, Store
from gen_core.measures import (
    EarlyOutputs,
    distance_to_linear_optimum,
    early_discrepancy,
    early_outputs,
    equal_rates_discrepancy,
    features_of,
    gradient_descent,
    linear_features,
    naive_over_full_discrepancy,
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


def test_descent_with_more_features_than_points_is_written_out():
    F, y = normals(2, 5, 12), normals(2, 5)
    beta, expected = torch.zeros(2, 12, dtype=torch.float64), []
    for _ in range(21):
        expected.append(beta)
        residuals = torch.einsum("snp,sp->sn", F, beta) - y
        beta = beta - 0.1 * torch.einsum("snp,sn->sp", F, residuals) / 5
    found = gradient_descent(F, y, 0.1, (0, 7, 20))
    assert torch.allclose(found, torch.stack([expected[t] for t in (0, 7, 20)], 1), atol=1e-13)


def test_descent_is_that_of_the_trainer(lab):
    trained = lab.run(replace(NET, model=Linear(), rule=GD(0.2)), 2)
    beta = gradient_descent(trained.X, trained.y, 0.2, trained.checkpoints)
    assert torch.allclose(beta, trained.watched("weights.w"), atol=1e-13)


def test_a_linear_network_is_its_linear_model(lab):
    """With phi(z) = z and v^2 = 1 the first layer moves as (x) / sqrt(d), at every step and not only early."""
    early = early_outputs(lab.run(replace(NET, model=TwoLayer(40, "identity")), 2))
    assert early.net.shape == (2, 4, 30)
    assert torch.allclose(early.net, early.linear, atol=1e-12)


def test_network_is_followed_from_zero(lab):
    run = lab.run(NET, 2)
    early = early_outputs(run)
    assert float(early.net[:, 0].abs().max()) < 1e-14
    last = NET.model.forward({"W": run.weights("W"), "v": run.initial("v")}, run.X_test)
    assert torch.equal(early.net[:, -1], last)
    expected = (early.net - early.linear).square().mean(-1) / early.linear[:, -1].square().mean(-1, keepdim=True)
    assert torch.equal(early_discrepancy(run), expected.amax(1))
    assert float(early_discrepancy(run).min()) > 0


@pytest.mark.parametrize(("train", "layers"), [(("v",), (0.0, 1.0)), (("W", "v"), (1.0, 1.0))])
def test_the_linear_model_is_that_of_what_is_trained(lab, train, layers):
    """g_t = (I - (I - eta K / n)^t) y in function space, with the kernel of the layers that are trained."""
    run = lab.run(replace(NET, model=TwoLayer(40, "relu", train=train), rule=GD(0.5)), 2)
    early, fitted = early_outputs(run), early_outputs(run, "train")
    for i in range(2):
        psi = linear_features(run.X[i], "relu", 1.0, layers)
        left = torch.eye(40, dtype=torch.float64) - 0.5 * psi @ psi.mT / 40
        for place, t in enumerate(run.checkpoints):
            expected = run.y[i] - torch.linalg.matrix_power(left, t) @ run.y[i]
            assert torch.allclose(fitted.linear[i, place], expected, atol=1e-12)
    assert torch.allclose(early.net[:, -1], run.test_outputs())
    assert torch.allclose(fitted.net[:, 1], run.outputs(run.X, 4))


def test_the_naive_linear_model_has_no_feature_of_the_norm(lab):
    run = lab.run(replace(NET, model=TwoLayer(40, "relu", train=("W", "v")), rule=GD(0.5)), 2)
    full, naive = early_outputs(run), early_outputs(run, norm=False)
    assert torch.equal(full.net, naive.net)
    beta = gradient_descent(linear_features(run.X, "relu", 1.0, norm=False), run.y, 0.5, run.checkpoints)
    assert torch.allclose(naive.linear, beta @ linear_features(run.X_test, "relu", 1.0, norm=False).mT, atol=1e-14)
    assert float((full.linear - naive.linear).abs().max()) > 1e-3
    off, near = (((f - full.net)[:, -1] ** 2).sum(1) for f in (naive.linear, full.linear))
    assert torch.allclose(naive_over_full_discrepancy(run), off / near)


def test_off_the_law_are_three_times_the_held_out_points(lab):
    run = lab.run(NET, 2)
    early, there = early_outputs(run), early_outputs(run, "off")
    assert torch.allclose(there.net[:, -1], run.outputs(3 * run.X_test))
    assert torch.allclose(there.linear, 3 * early.linear, atol=1e-14)  # erf's linear model is linear in x


@pytest.mark.parametrize("on", ["train", "test"])
def test_distance_to_the_linear_optimum_by_the_pseudoinverse(lab, on):
    run = lab.run(replace(NET, model=TwoLayer(40, "relu", train=("W", "v")), rule=GD(0.5)), 2)
    X = run.X if on == "train" else run.X_test
    psi, there = (linear_features(points, "relu", 1.0) for points in (run.X, X))
    optimum = (there @ torch.linalg.pinv(psi) @ run.y[..., None])[..., 0]
    expected = (run.outputs(X) - optimum).square().sum(1) / optimum.square().sum(1)
    assert torch.allclose(distance_to_linear_optimum(run, on), expected)


def test_discrepancy_by_hand():
    early = EarlyOutputs(torch.tensor([[[0.0, 0.0], [1.0, 3.0]]]), torch.tensor([[[0.0, 0.0], [2.0, 2.0]]]))
    assert early.discrepancy().tolist() == [[0.0, 0.25]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": Linear()},
        {"rule": SGD(2.0, batch=40)},
        {"loss": Square(1.0)},
        {"rule": replace(NET.parts.rule, weight_decay=0.1)},
    ],
)
def test_what_the_theorem_does_not_speak_of_is_refused(lab, wrong):
    run = lab.run(replace(NET, **wrong), 1)
    with pytest.raises(InvalidExperiment, match=r"expected a TwoLayer with plain GD and Square\(0.5\)"):
        early_outputs(run)


def test_a_rate_that_changes_is_refused(lab):
    run = lab.run(replace(NET, rule=GD(Steps(2.0, (3,)))), 1)
    with pytest.raises(InvalidExperiment, match=r"^rate Steps\(.*; expected a number, the same for all steps$"):
        early_outputs(run)


def test_rates_of_layers_weigh_their_kernels(lab):
    """eta_1 psi_1 psi_1^T + eta_2 psi_2 psi_2^T, over eta_1; footnote 9: of erf, nu = 0 and theta = 0."""
    net = replace(NET, model=TwoLayer(40, "relu", train=("W", "v")), rule=Layerwise(GD(0.5), (("W", 2.0), ("v", 0.5))))
    run = lab.run(net, 1)
    single = [replace(NET, model=TwoLayer(40, "relu", train=(layer,)), rule=GD(0.5)) for layer in ("W", "v")]
    first, second = (features_of(each, run.X) for each in lab.runs(single, 1))
    weighted, equal = features_of(run, run.X), features_of(run, run.X, own_rates=False)
    assert torch.allclose(weighted @ weighted.mT, 2 * first @ first.mT + second @ second.mT / 2, atol=1e-12)
    assert torch.allclose(equal @ equal.mT, first @ first.mT + second @ second.mT, atol=1e-12)
    assert (equal_rates_discrepancy(run) - early_discrepancy(run)).abs() > 1e-3


def test_equal_rates_are_those_of_one_rule(lab):
    one = lab.run(replace(NET, model=TwoLayer(40, train=("W", "v"))), 2)
    assert torch.equal(equal_rates_discrepancy(one), early_discrepancy(one))
