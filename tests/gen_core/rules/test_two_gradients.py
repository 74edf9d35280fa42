"""SAM against a plain loop of torch, and rules of one's own that take more than one gradient a step."""

from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import GD, MLP, SAM, SGD, Adam, Every, Linear, Momentum, Run, Square, Stop
from gen_core.rules import ClosureRule, GradientRule
from gen_core.training.cost import cost
from gen_core.training.steps import choose_stepper
from gen_core.training.trainer import train_rows as train
from tests.gen_core.training.teacher import LEAST_SQUARES, Teacher

NET = replace(
    LEAST_SQUARES,
    data=Teacher(),
    model=MLP(hidden=(4, 3)),
    rule=SAM(Momentum(0.1, 0.8, weight_decay=0.1), 0.2),
    steps=30,
    checkpoints=Every(1),
    watch=("weights",),
)
OPTIMIZERS = {
    "gd": (GD, lambda p, lr: torch.optim.SGD(p, lr)),
    "momentum": (
        lambda lr: Momentum(lr, 0.8, weight_decay=0.1),
        lambda p, lr: torch.optim.SGD(p, lr, momentum=0.8, weight_decay=0.1),
    ),
    "adam": (Adam, torch.optim.Adam),
}


def run(*rows):
    [(_, trained)] = train(list(rows), torch.device("cpu"))
    return Run(rows[0][0], tuple(seed for _, seed in rows), trained)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_row_is_a_plain_loop(name):
    inner, optimizer = OPTIMIZERS[name]
    rows = [(replace(NET, rule=SAM(inner(rate), 0.2)), seed) for seed, rate in ((4, 0.1), (1, 0.03))]
    found = run(*rows)
    for row, (experiment, _) in enumerate(rows):
        params = {k: found.initial(k)[row].requires_grad_() for k in NET.model.trainable}
        theirs = optimizer(list(params.values()), lr=experiment.rule.rule.rate)

        def loss(params=params, row=row):
            f = NET.model.forward({k: p[None] for k, p in params.items()}, found.X[[row]])
            return NET.loss.per_point(f, found.y[[row]]).mean()

        for step in range(1, NET.steps + 1):
            theirs.zero_grad()
            loss().backward()
            norm = sum(p.grad.square().sum() for p in params.values()).sqrt()
            up = {k: 0.2 * p.grad / norm for k, p in params.items()}
            before = {k: p.detach().clone() for k, p in params.items()}
            with torch.no_grad():
                for k, p in params.items():
                    p += up[k]
            theirs.zero_grad()
            loss().backward()
            with torch.no_grad():
                for k, p in params.items():
                    p.copy_(before[k])
            theirs.step()
            for k, p in params.items():
                torch.testing.assert_close(found.watched(f"weights.{k}")[row, step], p.detach(), rtol=1e-8, atol=1e-10)


def test_weights_are_put_back_exactly_even_far_from_0():
    p = torch.tensor([[1e8, 1.0, -3.0], [0.1, 0.2, 0.3]], dtype=torch.float32)
    before, rule, seen = p.clone(), SAM(GD(0.1), 0.05), []

    def gradient():
        seen.append(p.clone())
        return {"w": p * 0.5}

    rule.step({"w": p}, gradient, rule.start({"w": p}, None), torch.zeros(2))
    assert torch.equal(p, before)
    torch.testing.assert_close((seen[1] - seen[0])[1].norm(), torch.tensor(0.05), rtol=1e-5, atol=0)


def test_a_gradient_of_0_leads_nowhere():
    p = torch.ones(2, 3, dtype=torch.float64)
    rule = SAM(GD(0.1), 0.05)
    rule.step({"w": p}, lambda: {"w": torch.zeros(2, 3, dtype=torch.float64)}, {}, torch.ones(2, dtype=torch.float64))
    assert torch.equal(p, torch.ones(2, 3, dtype=torch.float64))


def test_it_takes_both_gradients_on_one_batch_and_rows_end():
    ends = replace(NET, rule=SAM(SGD(0.3, 5), 0.1), stop=Stop(accuracy=0.9, every=1), steps=80)
    together = run(*((ends, seed) for seed in range(5)))
    steps = together.steps_taken.tolist()
    assert min(steps) < max(steps)
    for row, step in enumerate(steps):
        path = together.watched("weights.W1")[row]
        assert torch.equal(path[-1], path[step])
        alone = run((ends, row))
        assert alone.steps_taken.tolist() == [step]
        torch.testing.assert_close(path[-1], alone.weights("W1")[0], rtol=1e-10, atol=1e-12)


def test_a_training_may_end_by_the_gradient_at_its_weights():
    ends = replace(NET, model=Linear(init_std=1.0), loss=Square(), rule=SAM(GD(0.2), 0.01), steps=200)
    free = run((ends, 0)).watched("weights.w")[0]
    found = run((replace(ends, stop=Stop(gradient=0.05)), 0))
    X, y = found.X[0], found.y[0]
    norms = [float((X.T @ (X @ w - y) / len(y)).norm()) for w in free]
    step = next(i for i, norm in enumerate(norms) if norm <= 0.05)
    assert 0 < step < 200
    assert found.steps_taken.tolist() == [step]
    assert found.result.stopped_by == ("gradient",)
    torch.testing.assert_close(found.w[0], free[step], rtol=1e-12, atol=1e-12)


def test_its_steps_use_autograd_and_cost_two_gradients():
    assert isinstance(NET.rule, ClosureRule)
    assert not isinstance(NET.rule, GradientRule)
    assert tuple(choose_stepper(NET)) == ("autograd", "SAM takes more than one gradient a step")
    steps = replace(NET, watch=())
    plain = replace(steps, rule=NET.rule.rule)
    point = NET.model.size((5,)).multiply_adds
    assert cost(steps).operations - cost(plain).operations == 3 * 20 * point * NET.steps


@dataclass(frozen=True)
class Extragradient:
    """A closure rule as its author would write it: a step by the gradient at the end of a first step."""

    rate: float
    batch: int | None = None
    replacement: bool = False
    gradients: int = 2

    def start(self, params, streams):
        return {}

    def step(self, params, gradient, state, rate):
        before = {k: p.detach().clone() for k, p in params.items()}
        with torch.no_grad():
            for _ in range(self.gradients):
                for k, g in gradient().items():
                    params[k].copy_(before[k] - rate.view(-1, *[1] * (g.dim() - 1)) * g)

    def batch_form(self):
        return replace(self, rate=1.0)


def test_a_closure_rule_of_ones_own():
    found = run(*((replace(LEAST_SQUARES, rule=Extragradient(rate), steps=50), 2) for rate in (0.1, 0.3)))
    for row, rate in enumerate((0.1, 0.3)):
        w, X, y = torch.zeros(5, dtype=torch.float64), found.X[row], found.y[row]
        for _ in range(50):
            ahead = w - rate * X.T @ (X @ w - y) / len(y)
            w = w - rate * X.T @ (X @ ahead - y) / len(y)
        torch.testing.assert_close(found.w[row], w, rtol=1e-10, atol=1e-12)
