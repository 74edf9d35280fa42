"""Rates of single parameters against the parameter groups of torch.optim, and what has none."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gen_core import (
    GD,
    MLP,
    SGD,
    Adam,
    Experiment,
    InvalidExperiment,
    Layerwise,
    Momentum,
    Square,
    Steps,
    Stop,
    TwoLayer,
)
from gen_core.data.designs import Design
from gen_core.lab import Lab, Store
from gen_core.rules import GradientRule

NET = Experiment(
    data=Design(n=30, d=6),
    model=TwoLayer(8, "erf", train=("W", "v")),
    rule=Layerwise(GD(0.7), (("v", 0.25),)),
    loss=Square(0.5),
    steps=20,
    dtype="float64",
)


@pytest.mark.parametrize("stop", [Stop(), Stop(gradient=1e-9)], ids=["fused", "autograd"])
def test_it_steps_as_parameter_groups_do(tmp_path, stop):
    trained = Lab(Store(tmp_path), torch.device("cpu")).run(replace(NET, stop=stop), 2)
    for seed in range(2):
        W, v = (trained.initial(name)[seed].clone().requires_grad_() for name in ("W", "v"))
        groups = torch.optim.SGD([{"params": [W]}, {"params": [v], "lr": 0.175}], lr=0.7)
        for _ in range(NET.steps):
            groups.zero_grad()
            outputs = torch.erf(trained.X[seed] @ W.T / 6**0.5) @ v / 8**0.5
            ((outputs - trained.y[seed]).square().mean() / 2).backward()
            groups.step()
        torch.testing.assert_close(trained.weights("W")[seed], W.detach(), rtol=1e-11, atol=1e-12)
        torch.testing.assert_close(trained.weights("v")[seed], v.detach(), rtol=1e-11, atol=1e-12)


def test_a_factor_of_one_changes_no_bit():
    params = {name: torch.linspace(-1, 1, 6, dtype=torch.float64).view(2, 3) for name in ("W", "v")}
    plain, ours = ({name: p.clone() for name, p in params.items()} for _ in range(2))
    grads, rate = {name: p.sin() for name, p in params.items()}, torch.tensor([0.3, 0.0], dtype=torch.float64)
    GD(1.0).update(plain, grads, {}, rate)
    rule = Layerwise(GD(1.0), (("W", 1.0),))
    rule.update(ours, grads, rule.start(params, list), rate)
    assert all(torch.equal(plain[name], ours[name]) for name in params)
    assert isinstance(rule, GradientRule)


def test_recipes_of_other_factors_are_apart():
    others = [NET, replace(NET, rule=GD(0.7)), replace(NET, rule=Layerwise(GD(0.7), (("v", 0.5),)))]
    assert len({each.key for each in others}) == len({each.batch_key() for each in others}) == 3


@pytest.mark.parametrize("rule", [GD(Steps(0.1, (3,)), weight_decay=0.1), Momentum(0.1), Adam(0.1)], ids=repr)
def test_rules_that_do_more_than_step_are_refused(rule):
    with pytest.raises(InvalidExperiment, match=r"^Layerwise of .*; expected GD or SGD without weight decay$"):
        Layerwise(rule, (("v", 0.5),))


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ((), r"^factors \(\); expected each parameter once, and at least one$"),
        ((("v", 0.5), ("v", 2.0)), r"^factors .*; expected each parameter once, and at least one$"),
        ((("v", 0.0),), r"^factor of v 0.0; expected a finite number > 0$"),
    ],
)
def test_factors_are_checked(factors, message):
    with pytest.raises(InvalidExperiment, match=message):
        Layerwise(SGD(0.1, 4), factors)


def test_parameters_that_are_not_trained_have_no_factor():
    with pytest.raises(InvalidExperiment, match=r"^factor of 'v' on TwoLayer; expected one of W$"):
        replace(NET, model=TwoLayer(8))
    with pytest.raises(InvalidExperiment, match=r"^factor of 'v' on MLP; expected one of W1, b1, W2, b2$"):
        replace(NET, model=MLP(hidden=(4,)))
