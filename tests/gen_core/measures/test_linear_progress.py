"""Progress on the span of the inputs and off it, and changes of the tangent kernel, against what is written out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from gen_core import GD, Every, Experiment, Square, TwoLayer
from gen_core.data.designs import Design
from gen_core.lab import Lab, Store
from gen_core.measures import (
    Progress,
    derivative,
    linear_features,
    linear_progress,
    loss_over_linear_optimum,
    tangent_kernel_change,
)

NET = Experiment(
    data=Design(n=60, d=8, n_test=150),
    model=TwoLayer(30, "tanh", train=("W", "v")),
    rule=GD(1.0),
    loss=Square(),
    steps=40,
    checkpoints=Every(10),
    watch=("weights", "test_outputs"),
    dtype="float64",
)


@pytest.fixture
def lab(tmp_path) -> Lab:
    return Lab(Store(tmp_path), torch.device("cpu"))


def test_progress_is_that_of_the_least_squares_parts(lab):
    run = lab.run(NET, 2)
    found = linear_progress(run)
    for i in range(2):
        X, losses = run.X_test[i].numpy(), []
        for t in run.checkpoints:
            residual = (run.outputs(run.X_test, t)[i] - run.y_test[i]).numpy()
            fitted = X @ np.linalg.lstsq(X, residual, rcond=None)[0]
            losses.append([(fitted**2).sum(), ((residual - fitted) ** 2).sum()])
        gone = 1 - np.array(losses) / losses[0]
        assert found.on[i].tolist() == pytest.approx(gone[:, 0].tolist(), abs=1e-12)
        assert found.off[i].tolist() == pytest.approx(gone[:, 1].tolist(), abs=1e-12)


def test_a_linear_network_makes_no_progress_off_the_span(lab):
    found = linear_progress(lab.run(replace(NET, model=TwoLayer(30, "identity", train=("W", "v"))), 2))
    assert float(found.off.abs().max()) < 1e-12
    assert float(found.on[:, -1].min()) > 0.2


def test_the_linear_phase_is_done_at_nine_tenths_or_at_the_end():
    progress = Progress(torch.tensor([[0.0, 0.95, 0.8, 1.0], [0.0, 0.1, 0.2, 0.3]]), torch.arange(8.0).view(2, 4))
    assert progress.first().tolist() == [1, 3]
    assert progress.off_when_on().tolist() == [1.0, 7.0]


def test_the_test_loss_is_over_that_of_the_pseudoinverse(lab):
    run = lab.run(NET, 2)
    psi, there = (linear_features(X, "tanh", 1.0) for X in (run.X, run.X_test))
    optimum = (there @ torch.linalg.pinv(psi) @ run.y[..., None])[..., 0]
    expected = (run.test_outputs() - run.y_test).square().sum(1) / (optimum - run.y_test).square().sum(1)
    assert torch.allclose(loss_over_linear_optimum(run), expected)


def test_the_kernel_changes_as_its_closed_form(lab):
    """Theta = (P diag(v^2) P^T / m) * (X X^T / d) + phi(Z) phi(Z)^T / m with Z = X W^T / sqrt(d) and P = phi'(Z)."""
    run = lab.run(NET, 2)

    def kernel(seed: int, t: int) -> torch.Tensor:
        W, v, X = run.params(t)["W"][seed], run.params(t)["v"][seed], run.X_test[seed, :100]
        Z = X @ W.mT / 8**0.5
        P = derivative("tanh", Z)
        return ((P * v**2) @ P.mT * (X @ X.mT / 8) + torch.tanh(Z) @ torch.tanh(Z).mT) / 30

    places = linear_progress(run).first().tolist()
    for when_linear, steps in ((False, [40, 40]), (True, [run.checkpoints[place] for place in places])):
        expected = [float((kernel(i, t) - kernel(i, 0)).norm() / kernel(i, 0).norm()) for i, t in enumerate(steps)]
        assert tangent_kernel_change(run, when_linear=when_linear).tolist() == pytest.approx(expected)
