from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import GD, MLP, Data, Every, Experiment, InvalidExperiment, Linear, Mutation, Run, Runs, Square
from gen_core.training.result import TrainingResult, concatenate
from gen_core.training.seeding import generator
from gen_core.training.trainer import train_rows as train


@dataclass(frozen=True)
class Points:
    n: int = 6
    inputs: tuple[int, ...] = (3,)
    n_test: int = 2

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n + self.n_test, *self.inputs, generator=generator)
        y = X.sum(1)
        return Data(X[: self.n], y[: self.n], X[self.n :], y[self.n :])


LINEAR = Experiment(
    data=Points(),
    model=Linear(init_std=1.0),
    rule=GD(0.1),
    loss=Square(),
    steps=7,
    checkpoints=Every(3),
    dtype="float64",
)


def run(experiment, seeds=(0, 1, 2)):
    [(_, trained)] = train([(experiment, seed) for seed in seeds], torch.device("cpu"))
    return Run(experiment, seeds, trained)


def test_data_and_starts_are_those_of_the_training():
    finished = run(LINEAR)
    assert (finished.X.shape, finished.y.shape) == ((3, 6, 3), (3, 6))
    assert (finished.X_test.shape, finished.y_test.shape) == ((3, 2, 3), (3, 2))
    assert finished.X.dtype == finished.y.dtype == finished.X_test.dtype == torch.float64
    for i, seed in enumerate(finished.seeds):
        data = LINEAR.data.draw(generator(LINEAR.data, seed, "data"))
        assert torch.equal(finished.X[i], data.X.double())
    assert finished.checkpoints == (0, 3, 6, 7)
    watched = run(replace(LINEAR, watch=("weights",)))
    assert torch.equal(watched.watched("weights.w")[:, 0], watched.initial("w"))
    assert torch.equal(watched.watched("weights.w")[:, -1], watched.w)
    assert watched.endings == "3 by steps at step 7"
    assert repr(finished) == f"<Run of {LINEAR.label()}, seeds 0 to 2>"
    f = torch.einsum("snd,sd->sn", finished.X, finished.w)
    torch.testing.assert_close(finished.train_loss, LINEAR.loss.per_point(f, finished.y).mean(1))
    torch.testing.assert_close(finished.train_accuracy, ((f > 0) == (finished.y > 0)).double().mean(1))


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda run: run.at(None), "run at None; expected name -> tensor, of w"),
        (lambda run: run.at({"w": run.w.numpy()}), "parameter 'w' of type ndarray; expected a tensor (torch.from_num"),
        (lambda run: run.at({3: run.w}), "parameter 3 of shape (3, 3); expected w (3, 3)"),
        (lambda run: run.outputs(run.X.numpy()), "inputs of type ndarray; expected a tensor"),
        (lambda run: run.outputs(torch.tensor(1.0)), "inputs of shape (); expected (3, n, 3)"),
        (lambda run: run.losses(run.X, None), "labels of type NoneType; expected a tensor"),
        (lambda run: run.first_step(True), "condition of type bool; expected a tensor"),
        (lambda run: Runs({"a": run}).measure(lambda run: 1.0), "measure of a of type float; expected a tensor"),
    ],
)
def test_what_a_run_is_given_is_checked(ask, message):
    with pytest.raises(InvalidExperiment) as caught:
        ask(run(LINEAR))
    assert str(caught.value).startswith(message)


def test_runs_have_a_number():
    assert len(Runs({"a": run(LINEAR), "b": run(LINEAR)})) == 2


def test_parts_of_seeds_are_put_together_again():
    whole = run(LINEAR).result
    parts = [whole.rows(slice(0, 1)), whole.rows(slice(1, 3))]
    again = concatenate(parts)
    assert again.stopped_by == whole.stopped_by
    assert all(torch.equal(again.arrays[name], array) for name, array in whole.arrays.items())
    assert isinstance(parts[1], TrainingResult)
    assert len(parts[1].arrays["final.w"]) == len(parts[1].stopped_by) == 2


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda r: r.weights("W1"), "trained parameter 'W1' is not in this run; it has w"),
        (
            lambda r: r.watched("weights.w"),
            "watched quantity 'weights.w' is not in this run; it has none (add 'weights' to its watch)",
        ),
        (
            lambda r: r.watched("test_classes"),
            "watched quantity 'test_classes' is not in this run; it has none (add 'test_classes' to its watch)",
        ),
    ],
)
def test_what_is_not_in_a_run_is_named_with_what_is(ask, message):
    with pytest.raises(InvalidExperiment) as caught:
        ask(run(LINEAR))
    assert str(caught.value) == message


@dataclass(frozen=True)
class NoneHeldOut:
    n: int = 6
    inputs: tuple[int, ...] = (3,)

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n, 3, generator=generator)
        return Data(X, X.sum(1))


def test_points_that_are_not_held_out_are_asked_for_in_vain():
    with pytest.raises(InvalidExperiment, match="NoneHeldOut holds no X_test; give it n_test held-out points"):
        _ = run(replace(LINEAR, data=NoneHeldOut())).X_test


def test_runs_of_arms_and_of_a_sweep():
    one, two = run(LINEAR), run(replace(LINEAR, model=MLP(hidden=(2,)), dtype="float32"))
    runs = Runs({"one": one, "two": two}, x=(1.0, 2.0))
    assert runs["two"] is two
    assert list(runs) == [one, two]
    assert runs.seeds == (0, 1, 2)
    assert runs.measure(lambda r: r.result.arrays["train_loss"].double()).shape == (2, 3)
    with pytest.raises(InvalidExperiment, match="arm 'three' is not in this setting; it has one, two"):
        runs["three"]


def test_a_run_knows_its_mutation():
    sign, order = Mutation("sign", "The sign is turned."), Mutation("order", "The order is turned.")
    plain = run(LINEAR, seeds=(0,))
    turned = replace(plain, mutation="sign")
    assert not plain.mutated_by(sign)
    assert [turned.mutated_by(mutation) for mutation in (sign, order)] == [True, False]
    assert [Runs({"a": one, "b": one}).mutated_by(sign) for one in (plain, turned)] == [False, True]
