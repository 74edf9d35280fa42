from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression

from gen_core.errors import InvalidExperiment, Unfinished
from gen_core.losses import CrossEntropy, Logistic, Square
from gen_core.training import newton
from gen_core.training.newton import newton_step

S, N, D = 3, 60, 6


def data(n=N, d=D):
    """Noisy linear labels with a shift, so that a bias matters."""
    g = torch.Generator().manual_seed(0)
    X = torch.randn(S, n, d, generator=g, dtype=torch.float64)
    w = torch.randn(S, d, 1, generator=g, dtype=torch.float64)
    f = (X @ w).squeeze(-1) + 0.7 + torch.randn(S, n, generator=g, dtype=torch.float64)
    return X, f


def zeros(d=D, bias=False):
    params = {"w": torch.zeros(S, d, dtype=torch.float64)}
    return params | {"b": torch.zeros(S, dtype=torch.float64)} if bias else params


def converge(params, X, y, loss, l2, steps=30):
    rate = torch.ones(S, dtype=torch.float64)
    for _ in range(steps):
        norm = newton_step(params, X, y, loss, l2, rate)
    return norm


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("l2", [1e-4, 1e-2])
@pytest.mark.parametrize("d", [D, 90])
def test_logistic_against_sklearn(bias, l2, d):
    X, f = data(d=d)
    y, params = f.sign(), zeros(d, bias)
    assert converge(params, X, y, Logistic(), l2).max() < 1e-14
    for s in range(S):
        theirs = LogisticRegression(C=1 / (N * l2), tol=1e-10, max_iter=100_000, fit_intercept=bias).fit(X[s], y[s])
        np.testing.assert_allclose(params["w"][s], theirs.coef_[0], rtol=1e-4, atol=1e-5)
        if bias:
            np.testing.assert_allclose(params["b"][s], theirs.intercept_[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("factor", [0.5, 1.0])
def test_one_step_on_the_square_loss_is_least_squares(bias, factor):
    X, y = data()
    params = zeros(bias=bias)
    newton_step(params, X, y, Square(factor), 0.0, torch.ones(S))
    design = torch.cat([X, torch.ones(S, N, 1, dtype=torch.float64)], 2) if bias else X
    expected = torch.linalg.lstsq(design, y.unsqueeze(-1)).solution.squeeze(-1)
    torch.testing.assert_close(params["w"], expected[:, :D], rtol=1e-11, atol=1e-12)
    if bias:
        torch.testing.assert_close(params["b"], expected[:, D], rtol=1e-11, atol=1e-12)


def test_the_penalty_is_ridge_regression():
    X, y = data()
    params = zeros()
    newton_step(params, X, y, Square(0.5), 0.3, torch.ones(S))
    ridge = torch.linalg.solve(X.mT @ X / N + 0.3 * torch.eye(D, dtype=torch.float64), (X.mT @ y.unsqueeze(-1)) / N)
    torch.testing.assert_close(params["w"], ridge.squeeze(-1), rtol=1e-12, atol=1e-13)


def test_the_norm_is_that_of_autograd_before_the_step():
    X, f = data()
    y, params = f.sign(), {k: v + 0.3 for k, v in zeros(bias=True).items()}
    w, b = (params[k].clone().requires_grad_() for k in ("w", "b"))
    value = Logistic().per_point((X @ w.unsqueeze(-1)).squeeze(-1) + b.unsqueeze(-1), y).mean(1)
    grads = torch.autograd.grad((value + 0.05 * w.square().sum(1)).sum(), (w, b))
    norm = newton_step(params, X, y, Logistic(), 0.1, torch.ones(S))
    torch.testing.assert_close(norm, torch.cat([grads[0], grads[1].unsqueeze(-1)], 1).norm(dim=1))


def test_steps_that_overshoot_are_halved():
    def F(w):
        return np.logaddexp(0, w) + 5e-4 * w**2

    # One point, started at w = 8, where F is 8: the whole step leads to w = -747, where F is 279.
    X, y = torch.ones(1, 1, 1, dtype=torch.float64), torch.full((1, 1), -1.0, dtype=torch.float64)
    params = {"w": torch.full((1, 1), 8.0, dtype=torch.float64)}
    values = []
    for _ in range(40):
        values.append(F(params["w"].item()))
        newton_step(params, X, y, Logistic(), 1e-3, torch.ones(1))
    assert all(b <= a + 1e-12 for a, b in pairwise(values))
    best = minimize_scalar(F, bracket=(-10, 0), tol=1e-12)
    assert params["w"].item() == pytest.approx(best.x, rel=1e-6)


def test_rows_are_as_alone_and_a_rate_of_zero_freezes_exactly():
    X, f = data()
    y, params = f.sign(), {k: v + 1.0 for k, v in zeros(bias=True).items()}
    start = {k: v.clone() for k, v in params.items()}
    for _ in range(3):
        newton_step(params, X, y, Logistic(), 1e-3, torch.tensor([1.0, 0.0, 0.5]))
    assert torch.equal(params["w"][1], start["w"][1])
    assert torch.equal(params["b"][1], start["b"][1])
    for s, rate in ((0, 1.0), (2, 0.5)):
        alone = {k: v[[s]].clone() for k, v in start.items()}
        for _ in range(3):
            newton_step(alone, X[[s]], y[[s]], Logistic(), 1e-3, torch.tensor([rate]))
        for name, p in alone.items():
            torch.testing.assert_close(params[name][[s]], p, rtol=1e-12, atol=1e-13)


def test_chunks_of_points_change_nothing(monkeypatch):
    X, f = data()
    y, whole, parts = f.sign(), zeros(bias=True), zeros(bias=True)
    newton_step(whole, X.view(S, N, 2, 3), y, Logistic(), 1e-3, torch.ones(S))
    monkeypatch.setattr(newton, "CHUNK", 7 * S * D)
    newton_step(parts, X, y, Logistic(), 1e-3, torch.ones(S))
    for name, p in whole.items():
        torch.testing.assert_close(parts[name], p, rtol=1e-12, atol=1e-13)


def test_float32_parameters_that_require_gradients():
    X, f = data()
    params = {k: v.float().requires_grad_() for k, v in zeros(bias=True).items()}
    norm = converge(params, X.float(), f.sign().float(), Logistic(), 1e-2, steps=10)
    assert norm.dtype == torch.float32
    assert norm.max() < 1e-6
    assert params["w"].requires_grad


def test_a_singular_hessian_is_unfinished_unless_its_row_is_frozen():
    X, y = data()
    X[1, :, 0] = 0.0
    with pytest.raises(Unfinished, match=r"^Hessian of row 1 is singular with l2 0\.0; expected a definite one$"):
        newton_step(zeros(), X, y, Square(), 0.0, torch.ones(S))
    params = zeros()
    newton_step(params, X, y, Square(), 0.0, torch.tensor([1.0, 0.0, 1.0]))
    assert params["w"].isfinite().all()
    assert (params["w"][1] == 0).all()


def test_a_loss_of_several_outputs_is_refused():
    X, f = data()
    with pytest.raises(InvalidExperiment, match=r"^outputs \(3, 60\) for classes \(3, 60\)"):
        newton_step(zeros(), X, (f > 0).long(), CrossEntropy(), 1e-3, torch.ones(S))
