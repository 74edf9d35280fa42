"""A rule with noise, as its author would write it: Langevin dynamics, against a loop by hand."""

import math
from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import GD, MLP, Experiment, Linear, Logistic, Run, Square, Stop
from gen_core.rules import GradientRule
from gen_core.training.seeding import generator
from gen_core.training.steps import choose_stepper
from gen_core.training.trainer import train_rows as train
from tests.gen_core.training.teacher import LEAST_SQUARES, Teacher


@dataclass(frozen=True)
class Langevin:
    """w <- w - rate g + sqrt(2 rate T) xi with xi ~ N(0, I)."""

    rate: float
    temperature: float
    batch: int | None = None
    replacement: bool = False

    def start(self, params, streams):
        return {"streams": streams()}

    @torch.no_grad()
    def update(self, params, grads, state, rate):
        for name, p in params.items():
            drawn = [torch.randn(p.shape[1:], generator=g, dtype=torch.float64) for g in state["streams"]]
            size = (2 * rate * self.temperature).sqrt()
            for row, noise in enumerate(drawn):
                p[row] += size[row] * noise.to(p) - rate[row] * grads[name][row]

    def batch_form(self):
        return replace(self, rate=1.0)


NOISY = replace(LEAST_SQUARES, rule=Langevin(0.1, 0.02), steps=30, watch=("weights",))
NET = replace(NOISY, data=Teacher(), model=MLP(hidden=(4, 3)), loss=Logistic(), rule=Langevin(0.05, 0.01, batch=5))


def run(*rows: tuple[Experiment, int]) -> Run:
    [(_, trained)] = train(list(rows), torch.device("cpu"))
    return Run(rows[0][0], tuple(seed for _, seed in rows), trained)


def by_hand(experiment: Experiment, seed: int, shapes: tuple, before: int = 0) -> torch.Tensor:
    """Weights after every step, (steps + 1, d), of a linear model from zero on the square loss."""
    data = experiment.data.draw(generator(experiment.data, seed, "data"))
    stream, rule = generator((shapes, before), seed, "rule"), experiment.rule
    w, path = torch.zeros(5, dtype=torch.float64), []
    for _ in range(experiment.steps + 1):
        path.append(w)
        noise = torch.randn(5, generator=stream, dtype=torch.float64)
        gradient = data.X.T @ (data.X @ w - data.y) / len(data.y)
        w = w - rule.rate * gradient + math.sqrt(2 * rule.rate * rule.temperature) * noise
    return torch.stack(path)


def test_it_is_a_rule():
    assert isinstance(NOISY.rule, GradientRule)
    assert choose_stepper(NOISY).name == choose_stepper(NET).name == "fused"


@pytest.mark.parametrize("stop", [Stop(), Stop(gradient=0.0)], ids=["fused", "autograd"])
def test_a_seed_is_a_loop_by_hand(stop):
    experiment = replace(NOISY, stop=stop)
    found = run(*((experiment, seed) for seed in range(4))).watched("weights.w")
    for seed in range(4):
        expected = by_hand(experiment, seed, (("w", 5),))[list(experiment.grid)]
        torch.testing.assert_close(found[seed], expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("experiment", [NOISY, NET], ids=["linear", "network"])
def test_a_row_is_the_row_alone_whoever_is_beside_it(experiment):
    hotter = replace(experiment, rule=replace(experiment.rule, rate=0.2))
    among = run((hotter, 7), (experiment, 3), (experiment, 1), (hotter, 3))
    for row, (one, seed) in enumerate([(hotter, 7), (experiment, 3), (experiment, 1), (hotter, 3)]):
        alone = run((one, seed))
        for name in experiment.model.trainable:
            torch.testing.assert_close(among.weights(name)[row], alone.weights(name)[0], rtol=1e-12, atol=1e-12)


def test_seeds_differ_and_a_training_repeats():
    once, again = (run((NET, 0), (NET, 1)) for _ in range(2))
    assert torch.equal(once.weights("W1"), again.weights("W1"))
    noise = {seed: torch.randn(5, generator=generator(((("w", 5),), 0), seed, "rule")) for seed in (0, 1)}
    assert not torch.equal(noise[0], noise[1])
    cold = replace(NET, rule=replace(NET.rule, temperature=0.0))
    moved = once.weights("W1") - run((cold, 0), (cold, 1)).weights("W1")
    assert moved[0].abs().min() > 0
    assert not torch.allclose(moved[0], moved[1])


def test_a_cold_one_is_gradient_descent():
    cold, plain = replace(NOISY, rule=Langevin(0.1, 0.0)), replace(NOISY, rule=GD(0.1))
    torch.testing.assert_close(run((cold, 2)).w, run((plain, 2)).w, rtol=1e-13, atol=1e-13)


def test_a_row_that_has_ended_leaves_the_noise_of_the_others_alone():
    ends = replace(NET, stop=Stop(accuracy=0.8, every=1), steps=60)
    together = run(*((ends, seed) for seed in range(6)))
    steps = together.result.arrays["step"].tolist()
    assert min(steps) < max(steps)
    for seed in range(6):
        alone = run((ends, seed))
        assert alone.result.arrays["step"].tolist() == [steps[seed]]
        torch.testing.assert_close(together.weights("W1")[seed], alone.weights("W1")[0], rtol=1e-12, atol=1e-12)


def test_the_noise_of_a_training_after_another_is_its_own():
    first = replace(NOISY, watch=(), steps=30)
    second = run((replace(NOISY, model=Linear(), loss=Square(), after=first), 4))
    w, last = by_hand(NOISY, 4, (("w", 5),))[-1], replace(NOISY, steps=1)
    drift = second.watched("weights.w")[0, 0] - w
    torch.testing.assert_close(drift, torch.zeros_like(w), rtol=0, atol=1e-12)
    data = last.data.draw(generator(last.data, 4, "data"))
    stream = generator(((("w", 5),), 30), 4, "rule")
    for _ in range(30):
        noise = torch.randn(5, generator=stream, dtype=torch.float64)
        w = w - 0.1 * data.X.T @ (data.X @ w - data.y) / 20 + math.sqrt(0.004) * noise
    torch.testing.assert_close(second.w[0], w, rtol=1e-11, atol=1e-12)
