"""Projections on balls, against general constrained minimization."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from gen_core import GD, MLP, SGD, Every, InvalidExperiment, L1Ball, L2Ball, Momentum, Noisy, Projected, Run, Stop
from gen_core.training.trainer import train_rows as train
from tests.gen_core.training.teacher import LEAST_SQUARES, Teacher

BALLS = [L1Ball, L2Ball]
NORM = {L1Ball: 1, L2Ball: 2}
POINTS = st.lists(st.floats(-10, 10).map(lambda x: round(x, 6)), min_size=1, max_size=6)


def run(*rows):
    [(_, trained)] = train(list(rows), torch.device("cpu"))
    return Run(rows[0][0], tuple(seed for _, seed in rows), trained)


def least(objective, gradient, p, ball):
    """Minimum over the ball, with w = a - b for a, b >= 0 and sum(a + b) <= radius where it is an l1 ball."""
    if isinstance(ball, L2Ball):
        inside = {"type": "ineq", "fun": lambda w: ball.radius**2 - w @ w, "jac": lambda w: -2 * w}
        found = minimize(objective, np.zeros(p), jac=gradient, constraints=inside, method="SLSQP", tol=1e-14)
        return found.x
    inside = {"type": "ineq", "fun": lambda v: ball.radius - v.sum(), "jac": lambda v: -np.ones(2 * p)}
    found = minimize(
        lambda v: objective(v[:p] - v[p:]),
        np.full(2 * p, ball.radius / (2 * p) / 2),
        jac=lambda v: np.concatenate([gradient(v[:p] - v[p:]), -gradient(v[:p] - v[p:])]),
        bounds=[(0, None)] * (2 * p),
        constraints=inside,
        method="SLSQP",
        tol=1e-14,
    )
    return found.x[:p] - found.x[p:]


@pytest.mark.parametrize("kind", BALLS)
@given(w=POINTS, radius=st.floats(0.1, 20))
def test_a_projection_is_the_nearest_point(kind, w, radius):
    w, ball = np.array(w), kind(radius)
    ours = ball.project(torch.tensor(w)[None])[0].numpy()
    theirs = least(lambda v: ((v - w) ** 2).sum() / 2, lambda v: v - w, len(w), ball)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert np.linalg.norm(ours, NORM[kind]) <= radius * (1 + 1e-12)


@pytest.mark.parametrize("kind", BALLS)
@given(w=st.lists(POINTS.map(lambda w: [*w, 0.0, 0.0, 0.0, 0.0, 0.0][:6]), min_size=1, max_size=4))
def test_it_is_idempotent_leaves_the_inside_alone_and_works_row_by_row(kind, w):
    w = torch.tensor(w, dtype=torch.float64)
    ball = kind(3.0)
    once = ball.project(w)
    torch.testing.assert_close(ball.project(once), once, rtol=1e-13, atol=1e-13)
    inside = w.norm(NORM[kind], 1) <= 3 * (1 - 1e-12)
    assert torch.equal(once[inside], w[inside])
    for row in range(len(w)):
        assert torch.equal(ball.project(w[row : row + 1])[0], once[row])


@pytest.mark.parametrize("kind", BALLS)
@pytest.mark.parametrize("lost", [np.nan, np.inf, -np.inf])
def test_what_has_diverged_is_not_brought_back(kind, lost):
    w = torch.tensor([[1.0, lost, 2.0], [3.0, 4.0, 0.0]], dtype=torch.float64)
    found = kind(1.0).project(w)
    assert not found[0].isfinite().all()
    assert found[1].isfinite().all()


def test_a_norm_that_overflows_has_diverged():
    assert not L2Ball(1.0).project(torch.full((1, 2), 1e200, dtype=torch.float64)).isfinite().any()
    rule, w = Projected(GD(0.1), L2Ball(1.0)), torch.full((1, 2), 1e20)
    rule.update({"w": w}, {"w": torch.zeros(1, 2)}, {}, torch.ones(1))
    torch.testing.assert_close(w, torch.full((1, 2), 0.5**0.5))


@pytest.mark.parametrize("kind", BALLS)
def test_all_parameters_of_a_row_are_projected_together_after_each_step(kind):
    g = torch.Generator().manual_seed(0)
    start = {"W": (3, 2, 4), "b": (3,), "v": (3, 4)}
    start = {name: torch.randn(shape, generator=g, dtype=torch.float64) for name, shape in start.items()}
    rates, ball, inner = torch.tensor([0.1, 0.0, 0.3], dtype=torch.float64), kind(1.5), Momentum(0.1)
    ours, by_hand = ({name: p.clone() for name, p in start.items()} for _ in range(2))
    rule = Projected(inner, ball)
    state, own = rule.start(ours, None), inner.start(by_hand, None)
    for _ in range(4):
        grads = {name: torch.randn(p.shape, generator=g, dtype=torch.float64) for name, p in start.items()}
        rule.update(ours, grads, state, rates)
        inner.update(by_hand, grads, own, rates)
        for row in (0, 2):
            whole = torch.cat([p[row].flatten() for p in by_hand.values()])
            parts = ball.project(whole[None])[0].split([8, 1, 4])
            for p, part in zip(by_hand.values(), parts, strict=True):
                p[row] = part.view(p[row].shape)
            assert ball.radius * (1 - 1e-9) < torch.cat([p[row].flatten() for p in ours.values()]).norm(NORM[kind])
    for name, p in ours.items():
        torch.testing.assert_close(p, by_hand[name], rtol=1e-13, atol=1e-14)
        assert torch.equal(p[1], start[name][1])  # outside of the ball


@pytest.mark.parametrize("ball", [L1Ball(0.6), L2Ball(0.6)], ids=repr)
def test_descent_in_a_ball_finds_the_least_loss_in_it(ball):
    experiment = replace(LEAST_SQUARES, rule=Projected(GD(0.3), ball), steps=600, watch=("weights",))
    found = run(*((experiment, seed) for seed in range(3)))
    assert (found.watched("weights.w").norm(NORM[type(ball)], -1) <= 0.6 * (1 + 1e-12)).all()
    for row in range(3):
        X, y = found.X[row].numpy(), found.y[row].numpy()
        theirs = least(
            lambda w, X=X, y=y: ((X @ w - y) ** 2).mean() / 2, lambda w, X=X, y=y: X.T @ (X @ w - y) / len(y), 5, ball
        )
        assert abs(np.linalg.norm(theirs, NORM[type(ball)]) - 0.6) < 1e-6  # the free minimum is outside
        np.testing.assert_allclose(found.w[row].numpy(), theirs, atol=1e-5)


def test_networks_and_rows_that_end():
    rule = Projected(Noisy(SGD(0.3, 5), 0.01), L2Ball(1.2))
    stop = Stop(accuracy=0.75, every=1)
    net = replace(LEAST_SQUARES, data=Teacher(), model=MLP(hidden=(4,)), rule=rule, stop=stop, watch=("weights",))
    net = replace(net, steps=60, checkpoints=Every(1))
    found = run(*((net, seed) for seed in range(6)))
    steps = found.steps_taken
    assert min(steps) < max(steps)
    path = torch.cat([found.watched(f"weights.{name}").flatten(2) for name in net.model.trainable], 2)
    norms = path.norm(dim=-1)
    assert (norms[steps > 0, 1:] <= 1.2 * (1 + 1e-12)).all()
    for row, step in enumerate(steps.tolist()):
        assert torch.equal(path[row, -1], path[row, step])


def test_messages():
    for make, message in [
        (lambda: L1Ball(0.0), "radius 0.0; expected a finite number > 0"),
        (lambda: L2Ball(float("inf")), "radius inf; expected a finite number > 0"),
        (lambda: Projected(GD(0.1), 1.0), "ball 1.0; expected L1Ball(radius) or L2Ball(radius)"),
    ]:
        with pytest.raises(InvalidExperiment) as caught:
            make()
        assert str(caught.value) == message
