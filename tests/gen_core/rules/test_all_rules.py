"""What holds for every rule: rows do not see each other, rates alone tell rows of a batch apart, nesting composes."""

from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import (
    GD,
    MLP,
    SAM,
    SGD,
    AdaGrad,
    Adam,
    Cosine,
    InvalidExperiment,
    L1Ball,
    L2Ball,
    Langevin,
    Layerwise,
    Linear,
    Logistic,
    Momentum,
    Newton,
    Noisy,
    Projected,
    Run,
    Stop,
)
from gen_core.code.fingerprint import code_of
from gen_core.rules import GradientRule, Particular
from gen_core.training.steps import choose_stepper
from gen_core.training.trainer import train_rows as train
from tests.gen_core.training.teacher import LEAST_SQUARES, Teacher

NET = replace(
    LEAST_SQUARES, data=Teacher(), model=MLP(hidden=(4, 3)), loss=Logistic(), steps=25, watch=("weights", "train_loss")
)
RULES = [
    GD(0.1, weight_decay=0.1),
    GD(Cosine(0.2, 25)),
    SGD(0.1, 6),
    Momentum(0.1, nesterov=True, weight_decay=0.1),
    AdaGrad(0.05, batch=6, weight_decay=0.1),
    Adam(0.05, weight_decay=0.1, decoupled=True),
    Langevin(Cosine(0.1, 25, 0.02), 0.01, weight_decay=0.1),
    Noisy(Adam(0.01, batch=6), 0.1),
    Noisy(Langevin(0.1, 0.01), 0.1),
    Projected(Momentum(0.1), L1Ball(2.0)),
    Projected(Noisy(SGD(Cosine(0.3, 25), 6, replacement=True), 0.1), L2Ball(1.0)),
    Noisy(Projected(GD(0.1), L2Ball(1.0)), 0.1),
    Layerwise(GD(Cosine(0.2, 25)), (("W1", 0.25), ("b2", 3.0))),
    Layerwise(SGD(0.1, 6), (("W2", 2.0),)),
    Noisy(Layerwise(GD(0.1), (("W1", 0.5),)), 0.1),
    SAM(Momentum(0.1), 0.1),
    SAM(Projected(Noisy(SGD(0.1, 6), 0.1), L2Ball(1.0)), 0.1),
]


def run(*rows):
    [(_, trained)] = train(list(rows), torch.device("cpu"))
    return Run(rows[0][0], tuple(seed for _, seed in rows), trained)


def at_rate(rule, factor):
    """The rule with its first rate times a factor."""
    if hasattr(rule, "rule"):
        return replace(rule, rule=at_rate(rule.rule, factor))
    rate = rule.rate
    if isinstance(rate, Cosine):
        return replace(rule, rate=replace(rate, rate=factor * rate.rate, last=factor * rate.last))
    return replace(rule, rate=factor * rate)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_a_row_of_a_batch_is_the_row_alone(rule):
    rows = [(replace(NET, rule=at_rate(rule, factor)), seed) for factor, seed in ((1, 5), (0.5, 2), (0.25, 7))]
    assert len({experiment.batch_key() for experiment, _ in rows}) == 1
    assert len({experiment.key for experiment, _ in rows}) == 3
    together = run(*rows)
    for row, (experiment, seed) in enumerate(rows):
        alone = run((experiment, seed))
        assert (alone.weights("W1") - alone.initial("W1")).abs().max() > 1e-3
        for name in NET.model.trainable:
            torch.testing.assert_close(together.weights(name)[row], alone.weights(name)[0], rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.batch is None and not isinstance(rule, SAM)], ids=repr)
def test_fused_steps_are_those_of_autograd(rule):
    fused = replace(NET, rule=rule)
    by_autograd = replace(fused, stop=Stop(gradient=0.0))
    assert [choose_stepper(e).name for e in (fused, by_autograd)] == ["fused", "autograd"]
    ours, theirs = run((fused, 1), (fused, 2)), run((by_autograd, 1), (by_autograd, 2))
    for name in NET.model.trainable:
        torch.testing.assert_close(ours.weights(name), theirs.weights(name), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_it_trains_in_float32_and_repeats(rule):
    experiment = replace(NET, rule=rule, dtype="float32")
    once, again, exact = run((experiment, 3)), run((experiment, 3)), run((replace(NET, rule=rule), 3))
    for name in NET.model.trainable:
        assert once.weights(name).dtype == torch.float32
        assert torch.equal(once.weights(name), again.weights(name))
        torch.testing.assert_close(once.weights(name).double(), exact.weights(name), rtol=1e-2, atol=1e-2)


def test_forms_tell_rules_apart():
    keys = {replace(NET, rule=rule).batch_key() for rule in RULES}
    assert len(keys) == len(RULES)
    assert len(set(RULES)) == len(RULES)


class Choosy(GD):
    """A rule for linear models."""

    def check(self, model):
        if not isinstance(model, Linear):
            raise InvalidExperiment(f"Choosy on {type(model).__name__}; expected Linear")


@pytest.mark.parametrize("outer", [lambda r: Noisy(r, 0.1), lambda r: Projected(r, L2Ball(1.0)), SAM])
def test_a_wrapping_takes_over_what_the_inner_rule_is(outer):
    rule = outer(SGD(0.1, 7, replacement=True))
    assert (rule.rate, rule.batch, rule.replacement) == (0.1, 7, True)
    assert rule.batch_form() == outer(SGD(1.0, 7, replacement=True))
    choosy = outer(Choosy(0.1))
    assert isinstance(choosy, Particular)
    assert replace(NET, model=Linear(), rule=choosy).rule == choosy
    with pytest.raises(InvalidExperiment, match=r"^Choosy on MLP; expected Linear$"):
        replace(NET, rule=choosy)
    assert code_of(outer(GD(0.1))) != code_of(choosy)


@pytest.mark.parametrize("outer", [lambda r: Noisy(r, 0.1), lambda r: Projected(r, L2Ball(1.0)), SAM])
@pytest.mark.parametrize("inner", [Newton(), SAM(GD(0.1)), GD, 0.1, None], ids=repr)
def test_what_steps_otherwise_is_not_wrapped(outer, inner):
    with pytest.raises(InvalidExperiment, match=r" of .*; expected a rule that steps by one gradient, such as \w+\("):
        outer(inner)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Langevin(0.1, -1.0), "temperature -1.0; expected a finite number >= 0"),
        (lambda: Langevin(0.0, 1.0), "rate 0.0; expected a positive number, or Steps, Cosine or InverseTime"),
        (lambda: Langevin(0.1, 1.0, batch=0), "batch 0; expected a positive integer"),
        (lambda: Noisy(GD(0.1), float("nan")), "std nan; expected a finite number >= 0"),
        (lambda: SAM(GD(0.1), 0.0), "rho 0.0; expected a finite number > 0"),
    ],
)
def test_messages(make, message):
    with pytest.raises(InvalidExperiment) as caught:
        make()
    assert str(caught.value) == message


@dataclass(frozen=True)
class Mine(GD):
    """A rule whose class says nothing of its step."""


def test_wrappings_are_rules_of_one_gradient_but_for_sam():
    assert all(isinstance(rule, GradientRule) != isinstance(rule, SAM) for rule in RULES)
    assert isinstance(Noisy(Mine(0.1), 0.1), GradientRule)
