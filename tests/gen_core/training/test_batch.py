"""How trainings end, and what is watched on the way."""

from dataclasses import replace

import pytest
import torch

from gen_core import (
    GD,
    SGD,
    Adam,
    CrossEntropy,
    Every,
    Geometric,
    LiLiang,
    Logistic,
    Momentum,
    Newton,
    Run,
    Stop,
)
from gen_core.losses import classes
from gen_core.training.seeding import generator
from gen_core.training.trainer import train_rows as train
from tests.gen_core.training.teacher import LEAST_SQUARES, SEEDS, Teacher


def run(experiment, seeds=SEEDS):
    rows = [(experiment, seed) for seed in seeds]
    [(_, trained)] = train(rows, torch.device("cpu"))
    return Run(experiment, tuple(seeds), trained)


def loss_of(finished, w):
    return 0.5 * ((finished.X @ w[..., None]).squeeze(-1) - finished.y).square().mean(-1)


def path(experiment, seed):
    """Weights after every step, (steps + 1, d), of gradient descent on least squares by hand."""
    data = experiment.data.draw(generator(experiment.data, seed, "data"))
    w, steps = torch.zeros(5, dtype=torch.float64), []
    for _ in range(experiment.steps + 1):
        steps.append(w)
        w = w - experiment.rule.rate * data.X.T @ (data.X @ w - data.y) / len(data.y)
    steps = torch.stack(steps)
    loss = 0.5 * (steps @ data.X.T - data.y).square().mean(1)
    gradient = ((steps @ data.X.T - data.y) @ data.X / len(data.y)).norm(dim=1)
    return steps, loss, gradient


@pytest.mark.parametrize("every", [1, 7, None])
def test_a_loss_ends_each_seed_at_the_first_look_that_sees_it(every):
    experiment = replace(LEAST_SQUARES, stop=Stop(loss=1e-4, every=every))
    finished = run(experiment)
    looks = range(0, 401, every or 50)
    steps = finished.result.arrays["step"].tolist()
    for seed in SEEDS:
        weights, loss, _ = path(experiment, seed)
        expected = next(at for at in looks if loss[at] <= 1e-4)
        assert steps[seed] == expected
        torch.testing.assert_close(finished.w[seed], weights[expected], rtol=1e-10, atol=1e-12)
        for i, at in enumerate(experiment.grid):
            there = weights[min(at, expected)]
            torch.testing.assert_close(finished.watched("weights.w")[seed, i], there, rtol=1e-10, atol=1e-12)
    assert set(finished.result.stopped_by) == {"loss"}
    assert len(set(steps)) > 1
    assert finished.endings == f"6 by loss at step {min(steps)} to {max(steps)}"


def test_a_gradient_ends_each_seed_where_it_is_small_and_not_before():
    experiment = replace(LEAST_SQUARES, stop=Stop(gradient=1e-3))
    finished = run(experiment)
    for seed in SEEDS:
        weights, _, gradient = path(experiment, seed)
        first = int((gradient <= 1e-3).nonzero()[0])
        assert int(finished.result.arrays["step"][seed]) == first
        torch.testing.assert_close(finished.w[seed], weights[first], rtol=1e-9, atol=1e-12)
    assert set(finished.result.stopped_by) == {"gradient"}


def test_newton_ends_by_its_gradient():
    experiment = replace(LEAST_SQUARES, data=Teacher(), rule=Newton(0.1), loss=Logistic(), stop=Stop(gradient=1e-9))
    finished = run(replace(experiment, steps=50))
    assert set(finished.result.stopped_by) == {"gradient"}
    assert finished.result.arrays["step"].max() < 12


def test_an_accuracy_ends_a_training():
    experiment = replace(LEAST_SQUARES, data=Teacher(), loss=Logistic(), rule=GD(2.0), watch=("train_accuracy",))
    experiment = replace(experiment, stop=Stop(accuracy=1.0, every=1), steps=5000)
    finished = run(experiment)
    assert set(finished.result.stopped_by) == {"accuracy"}
    right = ((finished.X @ finished.w[..., None]).squeeze(-1) > 0) == (finished.y > 0)
    assert right.all()
    assert (finished.result.arrays["train_accuracy"] == 1).all()
    assert (finished.watched("train_accuracy")[:, -1] == 1).all()


def test_what_ends_a_training_first_is_named():
    both = replace(LEAST_SQUARES, stop=Stop(loss=1e-8, gradient=1e-1))
    assert set(run(both).result.stopped_by) == {"gradient"}
    both = replace(LEAST_SQUARES, stop=Stop(loss=1e-1, gradient=1e-6, every=1))
    assert set(run(both).result.stopped_by) == {"loss"}


def test_the_last_step_ends_what_nothing_else_does():
    finished = run(replace(LEAST_SQUARES, stop=Stop(loss=0.0, gradient=0.0)))
    assert finished.endings == "6 by steps at step 400"
    assert finished.result.arrays["step"].tolist() == [400] * 6


def test_a_start_that_is_good_enough_takes_no_step():
    finished = run(replace(LEAST_SQUARES, stop=Stop(loss=1e9)))
    assert finished.endings == "6 by loss at step 0"
    assert not finished.w.any()
    assert finished.watched("weights.w").shape == (6, 9, 5)


@pytest.mark.parametrize("rule", [GD(0.1), Momentum(0.05), Adam(0.05), SGD(0.05, 4)], ids=repr)
def test_rows_that_have_ended_stay_exactly_put_while_others_go_on(rule):
    experiment = replace(LEAST_SQUARES, rule=rule, stop=Stop(loss=0.02, every=3), checkpoints=Every(1), steps=200)
    finished = run(experiment)
    ended, weights = finished.result.arrays["step"].tolist(), finished.watched("weights.w")
    assert len(set(ended)) > 1
    for seed in SEEDS:
        still = weights[seed, ended[seed] :]
        assert torch.equal(still, finished.w[seed].expand_as(still))
        assert (weights[seed, 1 : ended[seed] + 1] != weights[seed, : ended[seed]]).any(1).all()


def test_watched_arrays_keep_the_whole_checkpoint_axis_and_the_end_between_checkpoints():
    """All rows end between the checkpoints 0 and 50: what follows is the end and not the start."""
    experiment = replace(LEAST_SQUARES, stop=Stop(loss=2e-1, every=2))
    finished = run(experiment)
    assert int(finished.result.arrays["step"].max()) < 50
    for name, shape in {"weights.w": (5,), "train_loss": (), "train_accuracy": (), "test_classes": (13,)}.items():
        assert finished.watched(name).shape == (6, len(experiment.grid), *shape)
    for i in range(1, 9):
        assert torch.equal(finished.watched("weights.w")[:, i], finished.w)
        assert torch.equal(finished.watched("train_loss")[:, i], finished.result.arrays["train_loss"])


def test_watched_quantities_are_those_of_the_watched_weights():
    finished = run(LEAST_SQUARES)
    for i in range(9):
        w = finished.watched("weights.w")[:, i]
        torch.testing.assert_close(finished.watched("train_loss")[:, i], loss_of(finished, w), rtol=1e-12, atol=1e-15)
        predicted = (finished.X_test @ w[..., None]).squeeze(-1) > 0
        assert torch.equal(finished.watched("test_classes")[:, i], predicted)
        right = ((finished.X @ w[..., None]).squeeze(-1) > 0) == (finished.y > 0)
        assert torch.equal(finished.watched("train_accuracy")[:, i], right.double().mean(1))


def test_classes_of_several_outputs_are_watched_as_integers():
    experiment = replace(
        LEAST_SQUARES,
        data=Teacher(labels="classes"),
        model=LiLiang(9, 3),
        loss=CrossEntropy(),
        watch=("test_classes",),
    )
    finished = run(experiment)
    params = {"W": finished.weights("W"), "a": finished.initial("a")}
    expected = classes(experiment.model.forward(params, finished.X_test))
    assert torch.equal(finished.watched("test_classes")[:, -1].long(), expected)
    assert len(expected.unique()) > 1


@pytest.mark.parametrize("checkpoints", [Every(7), Geometric(1.5), Geometric(1.01)], ids=repr)
def test_checkpoints_are_the_states_after_their_steps(checkpoints):
    experiment = replace(LEAST_SQUARES, checkpoints=checkpoints, steps=40, watch=("weights",))
    finished = run(experiment, [3])
    weights, _, _ = path(experiment, 3)
    expected = weights[list(finished.checkpoints)]
    torch.testing.assert_close(finished.watched("weights.w")[0], expected, rtol=1e-11, atol=1e-13)
