"""Linear classifiers fitted when a run is measured, against scikit-learn, and against loops over seeds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from fixtures.nakkiran.tasks import first_phase
from gen_core import MLP, Runs, Unfinished
from gen_core.data.digits import Digits
from gen_core.lab import Lab, Store
from gen_core.measures import (
    Measured,
    joint_table,
    linear_phase,
    logistic_classes,
    mutual_information,
    performance_correlation,
    share_of_the_best_fit,
)
from gen_core.measures.linear_fit import L2


def sklearn_fit(X: torch.Tensor, y: np.ndarray) -> LogisticRegression:
    flat = X.double().flatten(1).numpy()
    return LogisticRegression(C=1 / (L2 * len(flat)), tol=1e-10, max_iter=10_000).fit(flat, y)


def test_logistic_classes_are_those_of_scikit_learn():
    stream = torch.Generator().manual_seed(3)
    X, at = torch.randn(2, 300, 2, 4, generator=stream), torch.randn(2, 500, 2, 4, generator=stream)
    y = torch.where(X.flatten(2).sum(-1) + 3 * torch.randn(2, 300, generator=stream) > 0.5, 1.0, -1.0)
    found = logistic_classes(X, y, at)
    for seed in range(2):
        predicted = sklearn_fit(X[seed], y[seed].numpy()).predict(at[seed].double().flatten(1).numpy())
        expected = np.asarray(predicted) > 0
        assert (found[seed].numpy() == expected).all()
    assert not torch.equal(logistic_classes(X, y, at, 1), found)


def test_a_fit_that_does_not_converge_is_said(monkeypatch):
    monkeypatch.setattr("gen_core.measures.linear_fit.GRADIENT", -1.0)
    X = torch.randn(1, 50, 3, generator=torch.Generator().manual_seed(3))
    with pytest.raises(Unfinished, match=r"gradient .* after 30 Newton steps; expected at most -1"):
        logistic_classes(X, X[..., 0].sign(), X)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Runs:
    lab = Lab(Store(tmp_path_factory.mktemp("store")), torch.device("cpu"))
    arms = dict(first_phase(Digits(), MLP((32,)), rate=0.05, steps=400, batch=16, watch=("weights",)).arms)
    return Runs({name: lab.run(arm, 3) for name, arm in arms.items()})


def test_share_of_the_best_fit_against_a_loop(runs):
    net, phase = runs["net"], linear_phase(runs)
    share = share_of_the_best_fit(runs)
    assert isinstance(share, Measured)
    assert share.resampled.shape == (200, 3)
    for seed in range(3):
        t = int(phase.T0[seed])
        W = {name: net.watched(f"weights.{name}")[seed, t] for name in net.model.trainable}

        def f(X: torch.Tensor, W: dict[str, torch.Tensor] = W) -> torch.Tensor:
            return net.model.forward({name: w[None] for name, w in W.items()}, X[None])[0] > 0

        assert torch.equal(f(net.X_test[seed]), net.watched("test_classes")[seed, t])
        fit = sklearn_fit(net.X[seed], f(net.X[seed]).numpy())
        L = torch.from_numpy(fit.predict(net.X_test[seed].double().flatten(1).numpy()))
        table = joint_table(f(net.X_test[seed]), L, net.y_test[seed] > 0)
        expected = performance_correlation(table) / mutual_information(table.sum(-2))
        assert float(share.values[seed]) == pytest.approx(float(expected), abs=1e-12)
