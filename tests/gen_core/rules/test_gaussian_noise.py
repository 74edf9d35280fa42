"""Rules with noise: moments against closed forms, and a stream for each row."""

import math
from dataclasses import replace

import pytest
import torch

from gen_core import GD, MLP, Adam, Langevin, Logistic, Momentum, Noisy, Run, Steps, Stop
from gen_core.rules.noise import DRAWN, Noise
from gen_core.training.seeding import generator
from gen_core.training.steps import choose_stepper
from gen_core.training.trainer import train_rows as train
from tests.gen_core.training.teacher import LEAST_SQUARES, Teacher

WARM = replace(LEAST_SQUARES, rule=Langevin(0.1, 0.02), steps=30, watch=("weights",))
NET = replace(WARM, data=Teacher(), model=MLP(hidden=(4, 3)), loss=Logistic(), rule=Langevin(0.05, 0.01, batch=5))


def streams(*seeds):
    return lambda: [torch.Generator().manual_seed(seed) for seed in seeds]


def zeros(rows, *shape, dtype=torch.float64):
    return {"w": torch.zeros(rows, *shape, dtype=dtype)}


def run(*rows):
    [(_, trained)] = train(list(rows), torch.device("cpu"))
    return Run(rows[0][0], tuple(seed for _, seed in rows), trained)


@pytest.mark.parametrize("steps", [1, 2, 60])
def test_langevin_on_a_quadratic_has_the_variance_of_its_autoregression(steps):
    # w <- (1 - rate curvature) w + sqrt(2 rate T) xi from 0, for many chains as an axis of the parameter
    chains, curvature, T = 20_000, 2.0, 0.3
    rates = torch.tensor([0.1, 0.4, 0.0, 0.9], dtype=torch.float64)
    params, rule = zeros(4, chains), Langevin(0.1, T)
    state = rule.start(params, streams(1, 2, 3, 4))
    for _ in range(steps):
        rule.update(params, {"w": curvature * params["w"]}, state, rates)
    a = (1 - rates * curvature).square()
    expected = 2 * rates * T * sum(a**t for t in range(steps))
    w = params["w"]
    assert torch.equal(w[2], torch.zeros(chains, dtype=torch.float64))
    moving = [0, 1, 3]
    error = math.sqrt(2 / chains)  # of a variance
    assert ((w.var(1) / expected - 1)[moving].abs() < 5 * error).all()
    assert (w.mean(1)[moving].abs() < 5 * (expected[moving] / chains).sqrt()).all()
    assert (torch.corrcoef(w[moving]) - torch.eye(3)).abs().max() < 5 / math.sqrt(chains)
    if steps == 60:  # by then stationary: 2 rate T / (1 - (1 - rate curvature)^2)
        stationary = T / (curvature * (1 - rates * curvature / 2))
        torch.testing.assert_close(expected[moving], stationary[moving], rtol=1e-4, atol=0)


def test_one_long_chain_has_the_stationary_variance_and_correlation():
    # few parameters, so that many steps are drawn at a time
    curvature, rate, T, steps = 1.0, 0.5, 0.2, 3 * DRAWN
    params, rule, path = zeros(1, 2), Langevin(rate, T), []
    state = rule.start(params, streams(5))
    for _ in range(steps):
        rule.update(params, {"w": curvature * params["w"]}, state, torch.tensor([rate], dtype=torch.float64))
        path.append(params["w"][0].clone())
    w = torch.stack(path)[20:]
    variance = T / (curvature * (1 - rate * curvature / 2))
    # sum of the squared correlations (1/2)^2k over all lags: (1 + 1/4) / (1 - 1/4)
    error = math.sqrt(2 / steps * (1 + 1 / 4) / (1 - 1 / 4))
    assert ((w.var(0) / variance - 1).abs() < 5 * error).all()
    lagged = (w[1:] * w[:-1]).mean(0) / w.var(0)
    assert ((lagged - 0.5).abs() < 5 / math.sqrt(steps)).all()


def test_a_seed_is_a_loop_by_hand():
    found = run((WARM, 7), (replace(WARM, rule=Langevin(0.2, 0.02)), 3))
    for row, (rate, seed) in enumerate([(0.1, 7), (0.2, 3)]):
        stream = generator(((("w", 5),), 0), seed, "rule")
        drawn = torch.randn(DRAWN // 5, 5, generator=stream, dtype=torch.float64)
        w, X, y = torch.zeros(5, dtype=torch.float64), found.X[row], found.y[row]
        for xi in drawn[:30]:
            w = w - rate * X.T @ (X @ w - y) / len(y) + math.sqrt(2 * rate * 0.02) * xi
        torch.testing.assert_close(found.w[row], w, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("shape", [(), (3,), (7, 2), (DRAWN + 1,)], ids=str)
def test_a_rows_numbers_are_the_rows_alone(shape):
    beside = {"a": torch.zeros(3, *shape), "b": torch.zeros(3, 2, 5)}
    alone = {name: p[:1] for name, p in beside.items()}
    many, one = Noise(beside, streams(1, 2, 3)()), Noise(alone, streams(2)())
    seen = []
    for _ in range(3 * many.steps // 2 + 2):
        together, own = many.draw(), one.draw()
        for name, p in beside.items():
            assert together[name].shape == p.shape
            assert torch.equal(together[name][1], own[name][0])
        seen.append(torch.cat([own["a"].flatten(), own["b"].flatten()]))
    assert len(torch.cat(seen).unique()) > 0.999 * torch.cat(seen).numel()


def test_numbers_in_float32_are_those_of_float64():
    (single, double) = (Noise(zeros(2, 5, dtype=d), streams(1, 2)()) for d in (torch.float32, torch.float64))
    for _ in range(3):
        assert torch.equal(single.draw()["w"], double.draw()["w"].float())


@pytest.mark.parametrize("rule", [Langevin(0.1, 0.02), Noisy(Momentum(0.1), 0.5)], ids=repr)
def test_a_row_that_ends_stays_and_leaves_the_others_alone(rule):
    rates = torch.tensor([0.1, 0.1, 0.1], dtype=torch.float64)
    together, alone = zeros(3, 6), zeros(1, 6)
    grown, own = rule.start(together, streams(1, 2, 3)), rule.start(alone, streams(3))
    for step in range(20):
        if step == 5:
            rates[0], left = 0.0, together["w"][0].clone()
        rule.update(together, {"w": together["w"] - 1}, grown, rates)
        rule.update(alone, {"w": alone["w"] - 1}, own, rates[2:])
    assert torch.equal(together["w"][0], left)
    assert torch.equal(together["w"][2], alone["w"][0])


@pytest.mark.parametrize("rule", [Langevin(0.05, 0.01, batch=5), Noisy(Langevin(0.05, 0.01), 0.1)], ids=repr)
def test_a_training_that_ends_early_is_the_row_alone(rule):
    ends = replace(NET, rule=rule, stop=Stop(accuracy=0.8, every=1), steps=60)
    together = run(*((ends, seed) for seed in range(6)))
    steps = together.steps_taken.tolist()
    assert min(steps) < max(steps)
    for seed in range(6):
        alone = run((ends, seed))
        assert alone.steps_taken.tolist() == [steps[seed]]
        torch.testing.assert_close(together.weights("W1")[seed], alone.weights("W1")[0], rtol=1e-12, atol=1e-12)


def test_noise_on_the_gradient_has_its_moments():
    p, std, rate = 50_000, 0.7, torch.tensor([1.0, 0.5], dtype=torch.float64)
    params, rule, steps = zeros(2, p), Noisy(GD(1.0), std), []
    state = rule.start(params, streams(1, 2))
    for _ in range(2):
        before = params["w"].clone()
        rule.update(params, {"w": torch.full((2, p), 3.0, dtype=torch.float64)}, state, rate)
        steps.append((before - params["w"]) / rate[:, None] - 3.0)
    noise = torch.cat(steps)
    assert (noise.mean(1).abs() < 5 * std / math.sqrt(p)).all()
    assert ((noise.var(1) / std**2 - 1).abs() < 5 * math.sqrt(2 / p)).all()
    assert ((noise.pow(4).mean(1) / std**4 - 3).abs() < 5 * math.sqrt(96 / p)).all()
    assert (torch.corrcoef(noise) - torch.eye(4)).abs().max() < 5 / math.sqrt(p)


def test_noise_goes_through_the_inner_rule():
    params, plain, adam = zeros(2, 4), zeros(2, 4), Adam(0.1, weight_decay=0.2)
    rule, rates = Noisy(adam, 0.3), torch.tensor([0.1, 0.2], dtype=torch.float64)
    noise, inner, state = Noise(plain, streams(1, 2)()), adam.start(plain, None), rule.start(params, streams(1, 2))
    grads = {"w": torch.ones(2, 4, dtype=torch.float64)}
    for _ in range(5):
        rule.update(params, grads, state, rates)
        adam.update(plain, {"w": grads["w"] + 0.3 * noise.draw()["w"]}, inner, rates)
    torch.testing.assert_close(params, plain, rtol=1e-14, atol=0)
    assert torch.equal(grads["w"], torch.ones(2, 4, dtype=torch.float64))


@pytest.mark.parametrize("inner", [Langevin(1.0, 0.5), Noisy(GD(1.0), 1.0)], ids=repr)
def test_nested_noises_are_independent(inner):
    p, rate = 50_000, torch.ones(1, dtype=torch.float64)
    params, rule = zeros(1, p), Noisy(inner, 1.0)
    rule.update(params, zeros(1, p), rule.start(params, streams(1)), rate)
    assert abs(float(params["w"].var()) / 2 - 1) < 5 * math.sqrt(2 / p)


def test_the_noise_of_a_schedule_follows_it():
    # after step 3 the rate is 0: nothing moves, neither by noise nor by decay
    for rule in (Langevin(Steps(0.1, (3,), 0.0), 0.1, weight_decay=0.5), Noisy(GD(Steps(0.1, (3,), 0.0)), 0.1)):
        path = run((replace(WARM, rule=rule, checkpoints=replace(WARM.checkpoints, steps=1)), 0)).watched("weights.w")
        assert not torch.equal(path[0, 3], path[0, 2])
        assert all(torch.equal(path[0, step], path[0, 3]) for step in range(4, 31))


def test_langevin_samples_what_it_must_in_a_training():
    # Least squares with Gaussian noise: near the minimum, w has the covariance T H^-1 as the rate falls.
    experiment = replace(WARM, rule=Langevin(0.02, 0.05), steps=400, watch=())
    found = run(*((experiment, seed) for seed in range(400)))
    X, y = found.X, found.y
    H = X.mT @ X / X.shape[1]
    least = torch.linalg.solve(H, (X.mT @ y[..., None]) / X.shape[1])[..., 0]
    values, vectors = torch.linalg.eigh(H)
    along = (vectors.mT @ (found.w - least)[..., None])[..., 0]
    a = 1 - 0.02 * values
    left = a**400 * (vectors.mT @ -least[..., None])[..., 0]
    variance = 2 * 0.02 * 0.05 * (1 - a**800) / (1 - a**2)
    standard = ((along - left) / variance.sqrt()).flatten()
    assert abs(float(standard.mean())) < 5 / math.sqrt(len(standard))
    assert abs(float(standard.var()) - 1) < 5 * math.sqrt(2 / len(standard))


def test_fused_steps():
    assert choose_stepper(WARM).name == choose_stepper(NET).name == "fused"
    assert choose_stepper(replace(NET, rule=Noisy(GD(0.1), 0.1))).name == "fused"
