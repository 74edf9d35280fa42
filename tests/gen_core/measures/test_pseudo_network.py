"""Pseudo-network and pseudo gradient against autograd, Jacobian-vector products and loops over units."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from fixtures.li_liang.mixtures import learning
from fixtures.li_liang.prototypes import Prototypes, descent
from gen_core import Every, InvalidExperiment, LogSumExp, Run
from gen_core.lab import Lab, Store
from gen_core.measures import (
    ActivationPatterns,
    change_per_distance,
    coupling_bound,
    coupling_gap,
    gradients_that_differ,
    largest_coefficients,
    loss_coefficients,
    pseudo_gradient,
    pseudo_gradient_norms,
    pseudo_outputs,
    units_changed,
    units_ever_changed,
)

WATCH = ("weights", "train_outputs", ActivationPatterns())


@pytest.fixture
def run(tmp_path) -> Run:
    tiny = descent(30, Prototypes(3, 2, 8), 6, rate=0.3, checkpoints=Every(2), watch=WATCH)
    return Lab(Store(tmp_path), torch.device("cpu")).run(replace(tiny, dtype="float64"), 3)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def network(W: torch.Tensor, a: torch.Tensor, X: torch.Tensor) -> torch.Tensor:
    return torch.relu(X @ W.mT) @ a.mT


def test_pseudo_network_is_the_linearization_at_the_start():
    W, start, a, X = normal(2, 7, 4), normal(2, 7, 4) - 0.3, normal(2, 3, 7), normal(2, 5, 4)
    # f is homogeneous in W, so that its linearization at the start is the derivative there in the direction of W.
    jacobian = torch.autograd.functional.jacobian(lambda w: network(w, a, X), start)
    along = torch.einsum("snktmd,tmd->snk", jacobian, W)
    assert pseudo_outputs(W, start, a, X).flatten().tolist() == pytest.approx(along.flatten().tolist(), abs=1e-12)
    assert torch.allclose(pseudo_outputs(start, start, a, X), network(start, a, X), rtol=0, atol=1e-12)


def gradients(run: Run, W: torch.Tensor, patterns: torch.Tensor) -> torch.Tensor:
    """By autograd of the network with given patterns, with the errors of the true one at W held fixed."""
    a, X, y = run.initial("a"), run.X, run.y
    error = torch.softmax(network(W, a, X), -1) - F.one_hot(y, a.shape[1])
    w = W.clone().requires_grad_()
    g = ((X @ w.mT) * patterns) @ a.mT
    (error.detach() * g).sum().div(X.shape[1]).backward()
    assert w.grad is not None
    return w.grad


def test_gradient_of_the_loss_against_autograd(run):
    W, a, X, y = run.weights("W"), run.initial("a"), run.X, run.y
    w = W.clone().requires_grad_()
    F.cross_entropy(network(w, a, X).flatten(0, 1), y.flatten(), reduction="sum").div(X.shape[1]).backward()
    found = pseudo_gradient(loss_coefficients(run, network(W, a, X)), X @ W.mT > 0, a, X)
    assert w.grad is not None
    assert torch.allclose(found, w.grad, rtol=0, atol=1e-12)


def test_pseudo_gradients_along_the_training_against_autograd(run):
    path, X = run.watched("weights.W"), run.X
    on = X @ path[:, 0].mT > 0
    for place in range(4):
        expected = gradients(run, path[:, place], on).norm(dim=-1)
        error = torch.softmax(network(path[:, place], run.initial("a"), X), -1) - F.one_hot(run.y, 3)
        v = error.abs().flatten(1).amax(1) / X.shape[1]
        assert largest_coefficients(run)[:, place].tolist() == pytest.approx(v.tolist())
        assert torch.allclose(pseudo_gradient_norms(run)[:, place], expected / v[:, None])


def test_units_whose_gradients_differ_against_autograd(run):
    W, X = run.weights("W"), run.X
    own, first = (gradients(run, W, X @ w.mT > 0) for w in (W, run.initial("W")))
    share = ((own - first).abs().amax(-1) > 1e-9).double().mean(1)
    assert share.min() > 0
    assert share.max() < 1
    assert gradients_that_differ(run).tolist() == pytest.approx(share.tolist())
    assert units_changed(run).tolist() == pytest.approx(share.tolist())


def test_units_ever_changed_against_a_loop(run):
    path, X = run.watched("weights.W"), run.X
    for seed in range(3):
        ever = set()
        for place in range(4):
            for r in range(30):
                for x in X[seed]:
                    if bool(path[seed, place, r] @ x > 0) != bool(path[seed, 0, r] @ x > 0):
                        ever.add(r)
            assert float(units_ever_changed(run)[seed, place]) == pytest.approx(len(ever) / 30)


def test_a_pattern_that_changes_back_counts(run, monkeypatch):
    there_and_back = torch.zeros(3, 4, 6, 30, dtype=torch.bool)
    there_and_back[:, 1, 2, :15] = True
    monkeypatch.setattr(Run, "watched", lambda *_: there_and_back)
    assert units_ever_changed.__wrapped__(run)[0].tolist() == [0, 0.5, 0.5, 0.5]


def test_coupling_bound_against_the_formula(run):
    path = run.watched("weights.W")
    tau = max(float((path[0, place, r] - path[0, 0, r]).norm()) for place in range(3) for r in range(30))
    assert float(coupling_bound(run)[0, 2]) == pytest.approx(2.718281828 * tau * 6 * 30**0.5)
    assert coupling_bound(run)[:, 0].tolist() == [0, 0, 0]


def test_gap_and_change_against_loops(run):
    a, X = run.initial("a"), run.X
    for seed in range(3):
        gap = change = size = start = 0.0
        w, w_0 = run.weights("W")[seed], run.initial("W")[seed]
        for x in X[seed]:
            f, f_0 = a[seed] @ torch.relu(w @ x), a[seed] @ torch.relu(w_0 @ x)
            g = sum(a[seed, :, r] * float(w[r] @ x) for r in range(30) if float(w_0[r] @ x) > 0)
            gap, change = gap + float((f - g).square().sum()), change + float((f - f_0).square().sum())
            start += float(f_0.square().sum())
        size = float((w - w_0).norm() / w_0.norm())
        assert float(coupling_gap(run)[seed]) == pytest.approx((gap / change) ** 0.5)
        assert float(change_per_distance(run)[seed]) == pytest.approx((change / start) ** 0.5 / size)


def test_a_loss_of_the_whole_batch_has_no_coefficients(run):
    other = replace(run, experiment=replace(run.experiment, loss=LogSumExp()))
    with pytest.raises(InvalidExperiment, match="coefficients of LogSumExp; expected a loss with a slope"):
        loss_coefficients(other, run.train_outputs())


def test_patterns_are_those_of_the_weights(tmp_path):
    watch = ("weights", ActivationPatterns())
    run = Lab(Store(tmp_path), torch.device("cpu")).run(learning(12, n=40, d=15, steps=9, watch=watch), 2)
    expected = torch.einsum("scmd,snd->scnm", run.watched("weights.W"), run.X) > 0
    assert torch.equal(run.watched(ActivationPatterns()), expected)
