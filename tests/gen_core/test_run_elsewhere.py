"""Runs at other weights, other steps and other inputs, against the formulas of their networks."""

from dataclasses import replace

import pytest
import torch

from gen_core import (
    GD,
    CrossEntropy,
    Every,
    Experiment,
    InvalidExperiment,
    LiLiang,
    LogSumExp,
    Run,
    Stop,
    Unfinished,
)
from gen_core.training.result import TrainingResult
from gen_core.training.trainer import train_rows
from tests.gen_core.training.teacher import LEAST_SQUARES, Teacher

SEEDS = (0, 1, 2, 3)


def run(experiment):
    [(_, trained)] = train_rows([(experiment, seed) for seed in SEEDS], torch.device("cpu"))
    return Run(experiment, SEEDS, trained)


LINEAR = replace(LEAST_SQUARES, steps=30, checkpoints=Every(10))
NET = replace(
    LINEAR, data=Teacher(labels="classes"), model=LiLiang(width=6, classes=3), loss=CrossEntropy(), dtype="float32"
)


def test_parameters_that_are_not_trained_are_there_too():
    finished = run(NET)
    assert set(finished.params()) == {"W", "a"}
    assert set(finished.parameters) == {"W"}
    assert torch.equal(finished.params()["a"], finished.initial("a"))
    W, a, X = (t.double() for t in (finished.params()["W"], finished.params()["a"], finished.X_test))
    by_hand = torch.einsum("scm,snm->snc", a, torch.einsum("smd,snd->snm", W, X).relu())
    torch.testing.assert_close(finished.outputs(finished.X_test), by_hand, rtol=1e-4, atol=1e-5)
    with pytest.raises(InvalidExperiment, match=r"^parameter 'a' is not trained; use run.initial\('a'\) or run.params"):
        finished.weights("a")
    with pytest.raises(InvalidExperiment, match=r"^parameter 'b' is not in this run; it has "):
        finished.initial("b")


def test_parameters_at_the_start_at_checkpoints_and_at_the_end():
    finished = run(LINEAR)
    for i, step in enumerate(finished.checkpoints):
        assert torch.equal(finished.params(at=step)["w"], finished.watched("weights.w")[:, i])
    assert torch.equal(finished.params(at="start")["w"], finished.initial("w"))
    assert torch.equal(finished.params()["w"], finished.w)
    with pytest.raises(InvalidExperiment, match=r"^parameters at 5; expected 'start', or a checkpoint: 0, 10, 20, 30$"):
        finished.params(at=5)
    with pytest.raises(InvalidExperiment, match=r"'weights.w' is not in this run; .*add 'weights' to its watch"):
        run(replace(LINEAR, watch=())).params(at=10)
    after = run(replace(LINEAR, after=LINEAR))
    assert torch.equal(after.params(at="start")["w"], finished.w)


def test_a_run_at_other_weights_is_measured_there():
    finished = run(LINEAR)
    half = finished.at({"w": finished.w / 2})
    f = torch.einsum("snd,sd->sn", finished.X, finished.w / 2)
    squares = 0.5 * (f - finished.y).square()
    torch.testing.assert_close(half.train_loss, squares.mean(1))
    torch.testing.assert_close(half.losses(finished.X, finished.y), squares)
    torch.testing.assert_close(half.train_accuracy, ((f > 0) == (finished.y > 0)).double().mean(1))
    assert torch.equal(half.w, finished.w / 2)
    assert torch.equal(half.initial("w"), finished.initial("w"))
    there = finished.at(finished.params())
    torch.testing.assert_close(there.train_loss, finished.train_loss)
    assert torch.equal(there.train_accuracy, finished.train_accuracy)
    assert torch.equal(half.at({"w": 2 * half.w}).w, finished.w)


def test_some_parameters_are_replaced_and_those_that_are_not_trained_may_be():
    finished = run(NET)
    turned = finished.at({"a": -finished.params()["a"]})
    torch.testing.assert_close(turned.outputs(finished.X), -finished.outputs(finished.X))
    assert torch.equal(turned.weights("W"), finished.weights("W"))
    start = Experiment(data=NET.data, model=NET.model)
    moved = Run(start, SEEDS, TrainingResult({}, ())).at({"W": finished.weights("W")})
    torch.testing.assert_close(moved.outputs(finished.X), finished.outputs(finished.X))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"v": torch.zeros(4, 5)}, r"^parameter 'v' of shape \(4, 5\); expected w \(4, 5\)$"),
        ({"w": torch.zeros(5)}, r"^parameter 'w' of shape \(5,\); expected w \(4, 5\)$"),
        ({"w": torch.zeros(1, 5)}, r"^parameter 'w' of shape \(1, 5\); expected w \(4, 5\)$"),
    ],
)
def test_other_weights_have_the_shapes_of_the_models(params, message):
    with pytest.raises(InvalidExperiment, match=message):
        run(LINEAR).at(params)


@pytest.mark.parametrize(
    "ask",
    [
        lambda r: r.watched("train_loss"),
        lambda r: r.steps_taken,
        lambda r: r.diverged,
        lambda r: r.params(at=10),
        lambda r: r.first_step(torch.ones(4, 4, dtype=torch.bool)),
    ],
)
def test_what_belongs_to_the_training_is_not_at_other_weights(ask):
    moved = run(LINEAR).at({})
    with pytest.raises(InvalidExperiment, match=r"of a run at other weights; expected the run itself$"):
        ask(moved)
    assert moved.endings == "at other weights than its end"


def test_inputs_of_another_shape_are_refused():
    finished = run(LINEAR)
    assert finished.outputs(finished.X[:, :2]).shape == (4, 2)
    with pytest.raises(InvalidExperiment, match=r"^inputs of shape \(4, 20, 3\); expected \(4, n, 5\)$"):
        finished.outputs(finished.X[..., :3])
    with pytest.raises(InvalidExperiment, match=r"^inputs of shape \(1, 20, 5\); expected \(4, n, 5\)$"):
        finished.outputs(finished.X[:1])


def test_streams_are_common_to_arms_and_differ_between_seeds_and_names():
    one, two = run(LINEAR), run(replace(LINEAR, rule=GD(0.05)))
    draws = [[torch.randn(3, generator=g) for g in r.streams("direction")] for r in (one, one, two)]
    assert all(torch.equal(a, b) for other in draws[1:] for a, b in zip(draws[0], other, strict=True))
    others = [torch.randn(3, generator=g) for g in one.streams("noise")]
    assert len({tuple(d.tolist()) for d in [*draws[0], *others]}) == 8


def test_the_first_step_at_which_a_condition_holds():
    finished = run(replace(LINEAR, steps=100, checkpoints=Every(1), stop=Stop(loss=0.05)))
    loss = finished.watched("train_loss")
    steps = finished.first_step(loss <= 0.2)
    for seed in range(4):
        assert loss[seed, steps[seed]] <= 0.2
        assert bool((loss[seed, : steps[seed]] > 0.2).all())
    coarse = run(replace(LINEAR, steps=100, checkpoints=Every(50), stop=Stop(loss=0.05, every=1)))
    end = coarse.watched("train_loss") <= 0.05
    assert torch.equal(coarse.first_step(end), coarse.steps_taken)
    with pytest.raises(
        Unfinished, match=r"^the condition is met in 0 of 4 seeds, not in seed 0, 1, 2, 3; expected it in"
    ):
        finished.first_step(loss < 0)
    with pytest.raises(InvalidExperiment, match=r"^condition of torch.float64 \(4, 101\); expected bool \(4, 101\)$"):
        finished.first_step(loss)


def test_a_loss_of_the_whole_batch_is_none_of_single_points():
    finished = run(replace(LINEAR, data=Teacher(), loss=LogSumExp()))
    with pytest.raises(InvalidExperiment, match=r"^LogSumExp has no loss of a single point; expected a measure of all"):
        finished.losses(finished.X, finished.y)
    torch.testing.assert_close(finished.at({}).train_loss, finished.train_loss)
