from dataclasses import replace

import pytest
import torch

from gen_core.errors import InvalidExperiment
from gen_core.rules import GD, SGD, AdaGrad, Adam, GradientRule, Momentum, Newton, Rule, Steps, is_plain, momentum_of

STEPS = 50
RATES = [0.1, 0.03, 0.0, 0.01]
PAIRS = [
    (GD(0.1), lambda p, lr: torch.optim.SGD(p, lr)),
    (SGD(0.1, 4), lambda p, lr: torch.optim.SGD(p, lr)),
    (Momentum(0.1, 0.8), lambda p, lr: torch.optim.SGD(p, lr, momentum=0.8)),
    (Momentum(0.1, 0.8, nesterov=True), lambda p, lr: torch.optim.SGD(p, lr, momentum=0.8, nesterov=True)),
    (Momentum(0.1, 0.0), lambda p, lr: torch.optim.SGD(p, lr)),
    (AdaGrad(0.1), torch.optim.Adagrad),
    (Adam(0.1), torch.optim.Adam),
    (Adam(0.1, 0.5, 0.9), lambda p, lr: torch.optim.Adam(p, lr, betas=(0.5, 0.9))),
    (GD(0.1, weight_decay=0.3), lambda p, lr: torch.optim.SGD(p, lr, weight_decay=0.3)),
    (SGD(0.1, 4, weight_decay=0.3), lambda p, lr: torch.optim.SGD(p, lr, weight_decay=0.3)),
    (Momentum(0.1, 0.8, weight_decay=0.3), lambda p, lr: torch.optim.SGD(p, lr, momentum=0.8, weight_decay=0.3)),
    (
        Momentum(0.1, 0.8, nesterov=True, weight_decay=0.3),
        lambda p, lr: torch.optim.SGD(p, lr, momentum=0.8, nesterov=True, weight_decay=0.3),
    ),
    (AdaGrad(0.1, weight_decay=0.3), lambda p, lr: torch.optim.Adagrad(p, lr, weight_decay=0.3)),
    (Adam(0.1, weight_decay=0.3), lambda p, lr: torch.optim.Adam(p, lr, weight_decay=0.3)),
    (Adam(0.1, weight_decay=0.3, decoupled=True), lambda p, lr: torch.optim.AdamW(p, lr, weight_decay=0.3)),
]


def no_streams():
    raise AssertionError("a rule without noise asks for streams")


def problem(rows):
    """Start, and a loss of each row: a small network's squared error, so that gradients are not linear."""
    g = torch.Generator().manual_seed(0)
    X, y = (torch.randn(4, 12, k, generator=g, dtype=torch.float64)[rows] for k in (3, 1))
    start = {
        "W": torch.randn(4, 3, 5, generator=g, dtype=torch.float64)[rows],
        "v": torch.randn(4, 5, 1, generator=g, dtype=torch.float64)[rows],
        "b": torch.randn(4, generator=g, dtype=torch.float64)[rows],
    }

    def loss(p):
        return (torch.tanh(X @ p["W"]) @ p["v"] + p["b"][:, None, None] - y).square().mean((1, 2))

    return start, loss


def trajectory(rule, rows, rates):
    params, loss = problem(rows)
    state, rate, path = rule.start(params, no_streams), torch.tensor(rates, dtype=torch.float64), []
    for _ in range(STEPS):
        leaves = {k: v.detach().requires_grad_() for k, v in params.items()}
        grads = torch.autograd.grad(loss(leaves).sum(), list(leaves.values()))
        rule.update(params, dict(zip(params, grads, strict=True)), state, rate)
        path.append({k: v.clone() for k, v in params.items()})
    return path


@pytest.mark.parametrize(("rule", "optimizer"), PAIRS, ids=[repr(rule) for rule, _ in PAIRS])
@pytest.mark.parametrize("row", [0, 1, 3])
def test_a_row_among_rows_of_other_rates_is_torchs_optimizer_alone(rule, optimizer, row):
    path = trajectory(rule, [0, 1, 2, 3], RATES)
    start, loss = problem([row])
    leaves = {k: v.requires_grad_() for k, v in start.items()}
    theirs = optimizer(list(leaves.values()), lr=RATES[row])
    for step in range(STEPS):
        theirs.zero_grad()
        loss(leaves).sum().backward()
        theirs.step()
        for name, p in leaves.items():
            torch.testing.assert_close(path[step][name][[row]], p.detach(), rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("rule", [rule for rule, _ in PAIRS], ids=repr)
def test_a_rate_of_zero_leaves_a_row_exactly_where_it_is(rule):
    start, _ = problem([2])
    last = trajectory(rule, [0, 1, 2, 3], RATES)[-1]
    for name, p in start.items():
        assert torch.equal(last[name][[2]], p)


@pytest.mark.parametrize("rule", [Momentum(0.1), Adam(0.1), AdaGrad(0.1)], ids=repr)
def test_a_row_that_is_frozen_in_motion_stays_exactly_put(rule):
    params, _ = problem([0, 1])
    state, grads = rule.start(params, no_streams), {k: torch.ones_like(v) for k, v in params.items()}
    rule.update(params, grads, state, torch.tensor([0.1, 0.1], dtype=torch.float64))
    before = {k: v.clone() for k, v in params.items()}
    for _ in range(5):
        rule.update(params, grads, state, torch.tensor([0.0, 0.1], dtype=torch.float64))
    for name, p in params.items():
        assert torch.equal(p[0], before[name][0])
        assert (p[1] < before[name][1]).all()


@pytest.mark.parametrize("rule", [rule for rule, _ in PAIRS], ids=repr)
def test_float32_parameters_that_require_gradients_are_updated_in_place(rule):
    p = torch.ones(2, 3, requires_grad=True)
    state = rule.start({"w": p}, no_streams)
    rule.update({"w": p}, {"w": torch.ones(2, 3)}, state, torch.tensor([0.1, 0.0], dtype=torch.float64))
    assert p.dtype == torch.float32
    assert p.requires_grad
    assert (p[0] < 1).all()
    assert (p[1] == 1).all()


def test_forms_agree_where_the_rate_alone_differs():
    for rule, _ in PAIRS:
        assert rule.batch_form() == replace(rule, rate=0.7).batch_form()
        assert rule.batch_form().rate == 1.0
    assert SGD(0.1, 4).batch_form() != SGD(0.1, 5).batch_form()
    assert Momentum(0.1, 0.5).batch_form() != Momentum(0.1, 0.6).batch_form()
    assert GD(0.1).batch_form() != GD(0.1, weight_decay=0.1).batch_form()
    assert Newton(1e-3).batch_form() == Newton(1e-3)


def test_every_rule_is_a_rule_and_hashable():
    assert all(isinstance(rule, GradientRule) for rule, _ in PAIRS)
    assert isinstance(Newton(), Rule)
    assert not isinstance(Newton(), GradientRule)
    assert len({rule for rule, _ in PAIRS} | {Newton()}) == len(PAIRS) + 1


def test_a_step_with_decay_is_not_plain():
    plain = [rule for rule, _ in PAIRS if is_plain(rule)]
    assert plain == [GD(0.1), SGD(0.1, 4)]


def test_only_momentum_as_it_stands_may_be_added_up_in_the_product_of_the_gradient():
    class Own(Momentum):
        pass

    others = [Momentum(0.1, nesterov=True), Momentum(0.1, weight_decay=0.1), Own(0.1), Adam(0.1), GD(0.1)]
    assert [momentum_of(rule) for rule in (Momentum(0.1), Momentum(0.1, 0.0), *others)] == [0.9, 0.0, *[None] * 5]


def test_batches_of_rules():
    assert (GD(0.1).batch, GD(0.1).replacement) == (None, False)
    assert (SGD(0.1, 4, True).batch, SGD(0.1, 4, True).replacement) == (4, True)
    newton = Newton()
    assert (newton.rate, newton.batch, newton.replacement, newton.start({}, no_streams)) == (1.0, None, False, {})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GD(0.0), "rate 0.0; expected a positive number, or Steps, Cosine or InverseTime"),
        (lambda: SGD(-1.0, 4), "rate -1.0; expected a positive number, or Steps, Cosine or InverseTime"),
        (lambda: Adam(float("inf")), "rate inf; expected a positive number, or Steps, Cosine or InverseTime"),
        (lambda: SGD(0.1, 0), "batch 0; expected a positive integer"),
        (lambda: SGD(0.1, 2.5), "batch 2.5; expected a positive integer"),
        (lambda: AdaGrad(0.1, replacement=True), "replacement with batch None; expected a batch size"),
        (lambda: Momentum(0.1, 1.0), "momentum 1.0; expected a finite number >= 0 and < 1"),
        (lambda: Momentum(0.1, float("nan")), "momentum nan; expected a finite number >= 0 and < 1"),
        (lambda: Adam(0.1, -0.1), "beta1 -0.1; expected a finite number >= 0 and < 1"),
        (lambda: Adam(0.1, beta2=1.0), "beta2 1.0; expected a finite number >= 0 and < 1"),
        (lambda: Momentum(0.1, "0.9"), "momentum '0.9'; expected a finite number >= 0 and < 1"),
        (lambda: Momentum(0.1, nesterov="no"), "nesterov 'no'; expected True or False"),
        (lambda: Momentum(0.1, batch=3, replacement=1), "replacement 1; expected True or False"),
        (lambda: Adam(0.1, None), "beta1 None; expected a finite number >= 0 and < 1"),
        (lambda: Adam(0.1, beta2=(0.9,)), "beta2 (0.9,); expected a finite number >= 0 and < 1"),
        (lambda: Adam(0.1, decoupled=1), "decoupled 1; expected True or False"),
        (lambda: Newton("1"), "l2 '1'; expected a finite number >= 0"),
        (
            lambda: GD(10**400),
            f"rate {10**400!r:.50}... of type int; expected a positive number, or Steps, Cosine or InverseTime",
        ),
        (lambda: GD("0.1"), "rate '0.1'; expected a positive number, or Steps, Cosine or InverseTime"),
        (lambda: GD(True), "rate True; expected a positive number, or Steps, Cosine or InverseTime"),
        (lambda: GD(Steps), f"rate {Steps!r}; expected a positive number, or Steps, Cosine or InverseTime"),
        (lambda: GD(abs), f"rate {abs!r}; expected a positive number, or Steps, Cosine or InverseTime"),
        (lambda: GD(0.1, weight_decay=-0.1), "weight_decay -0.1; expected a finite number >= 0"),
        (lambda: Adam(0.1, weight_decay=float("nan")), "weight_decay nan; expected a finite number >= 0"),
        (lambda: Newton(-1e-4), "l2 -0.0001; expected a finite number >= 0"),
        (lambda: Newton(float("nan")), "l2 nan; expected a finite number >= 0"),
    ],
)
def test_messages(make, message):
    with pytest.raises(InvalidExperiment) as caught:
        make()
    assert str(caught.value) == message
