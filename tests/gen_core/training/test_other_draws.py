"""Arms of one recipe with another start or another order are trained independently of each other."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gen_core import GD, MLP, SGD, Experiment, InvalidExperiment, Langevin, Linear, Square
from gen_core.data.gaussian import Gaussian
from gen_core.training.trainer import train_rows

FIRST = Experiment(data=Gaussian(n=16, d=4), model=MLP(hidden=(8,)), rule=SGD(0.1, 4), loss=Square(), steps=12)


def finals(*arms: Experiment) -> list[dict[str, torch.Tensor]]:
    """Final weights of each arm, for two seeds, trained as one batch."""
    [(_, trained)] = train_rows([(arm, seed) for arm in arms for seed in (0, 1)], torch.device("cpu"))
    last = {name: value for name, value in trained.arrays.items() if name.startswith("final.")}
    return [{name: value[2 * i : 2 * i + 2] for name, value in last.items()} for i in range(len(arms))]


def test_the_first_draw_is_that_of_a_recipe_without_numbers():
    assert (FIRST.start, FIRST.order) == (0, 0)
    one, same = finals(FIRST, replace(FIRST))
    assert all(torch.equal(one[name], same[name]) for name in one)


@pytest.mark.parametrize("other", [{"start": 1}, {"order": 1}])
def test_another_number_is_another_draw(other):
    one, two, three = finals(FIRST, replace(FIRST, **other), replace(FIRST, **dict.fromkeys(other, 2)))
    for a, b in ((one, two), (one, three), (two, three)):
        assert not any(torch.equal(a[name], b[name]) for name in a)


def test_arms_of_two_orders_share_their_start_and_their_data():
    from gen_core.training.draws import initial_parameters, sample_data

    other = replace(FIRST, order=1)
    assert torch.equal(initial_parameters(FIRST, 3)["W1"], initial_parameters(other, 3)["W1"])
    assert torch.equal(sample_data(FIRST, 3).X, sample_data(other, 3).X)
    assert not torch.equal(initial_parameters(FIRST, 3)["W1"], initial_parameters(replace(FIRST, start=1), 3)["W1"])


def test_the_noise_of_a_rule_has_another_draw_too():
    noisy = replace(FIRST, model=Linear(), rule=Langevin(0.1, 1.0))
    one, two = finals(noisy, replace(noisy, order=1))
    assert not torch.equal(one["final.w"], two["final.w"])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"start": -1}, "start -1; expected an integer >= 0"),
        ({"order": 1.0}, "order 1.0; expected an integer >= 0"),
        ({"start": 1, "after": FIRST}, "start 1 after another training; expected it on the first one"),
    ],
)
def test_a_number_that_cannot_be_is_refused(changed, said):
    with pytest.raises(InvalidExperiment, match=said):
        replace(FIRST, **changed)


def test_an_order_without_a_training_is_refused():
    with pytest.raises(InvalidExperiment, match="order 1 with steps 0"):
        Experiment(data=Gaussian(n=4, d=2), model=Linear(), order=1)


def test_gradient_descent_without_noise_has_no_order():
    quiet = replace(FIRST, rule=GD(0.1))
    one, two = finals(quiet, replace(quiet, order=1))
    assert all(torch.equal(one[name], two[name]) for name in one)
