"""What a training records, against plain loops in torch."""

from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import (
    GD,
    MLP,
    AtLoss,
    CrossEntropy,
    Data,
    Every,
    Experiment,
    InvalidExperiment,
    Linear,
    Logistic,
    Run,
    Square,
    Stop,
    Unfinished,
)
from gen_core.training.cost import cost
from gen_core.training.trainer import train_rows
from tests.gen_core.training.teacher import LEAST_SQUARES, Teacher


def run(experiment, seeds=range(3)):
    [(_, trained)] = train_rows([(experiment, seed) for seed in seeds], torch.device("cpu"))
    return Run(experiment, tuple(seeds), trained)


@dataclass(frozen=True)
class Sharpness:
    """Largest eigenvalue of the Hessian of the training loss of a linear model, by autograd."""

    factor: float = 1.0

    def __call__(self, model, params, data):
        found = []
        for w, X, y in zip(params["w"], data.X, data.y, strict=True):

            def loss(w, X=X, y=y):
                return 0.5 * (X @ w - y).square().mean()

            found.append(torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, w))[-1])
        return self.factor * torch.stack(found)


@dataclass(frozen=True)
class Errors:
    """Which held-out points are on the wrong side."""

    def __call__(self, model, params, data):
        return (model.forward(params, data.X_test) > 0) != (data.y_test > 0)


SHORT = replace(LEAST_SQUARES, steps=40, checkpoints=Every(10))


def test_observables_are_recorded_at_every_checkpoint():
    finished = run(replace(SHORT, watch=("weights", Sharpness(), Sharpness(2.0), Errors())))
    largest = torch.linalg.matrix_norm(finished.X, ord=2).square() / finished.X.shape[1]
    torch.testing.assert_close(finished.watched(Sharpness()), largest.unsqueeze(1).expand(-1, 5))
    torch.testing.assert_close(finished.watched(Sharpness(2.0)), 2 * finished.watched(Sharpness()))
    f = torch.einsum("snd,scd->scn", finished.X_test, finished.watched("weights.w"))
    assert torch.equal(finished.watched(Errors()), (f > 0) != (finished.y_test > 0).unsqueeze(1))


def test_an_observable_is_part_of_the_key_and_of_the_batch():
    plain, other = (replace(SHORT, watch=(Sharpness(factor),)) for factor in (1.0, 3.0))
    assert len({SHORT.key, plain.key, other.key}) == len({e.batch_key() for e in (SHORT, plain, other)}) == 3
    assert torch.equal(run(plain).w, run(SHORT).w)


@pytest.mark.parametrize(
    ("labels", "model", "loss"),
    [("signs", MLP(hidden=(4,)), Logistic()), ("classes", MLP(hidden=(4,), outputs=3), CrossEntropy())],
)
def test_outputs_and_held_out_losses_are_those_of_the_watched_weights(labels, model, loss):
    watch = ("weights", "train_outputs", "test_outputs", "test_loss", "test_accuracy", "test_classes")
    experiment = replace(SHORT, data=Teacher(labels=labels), model=model, loss=loss, watch=watch)
    finished = run(experiment)
    y = finished.y_test
    for i, step in enumerate(finished.checkpoints):
        params = finished.params(at=step)
        torch.testing.assert_close(finished.watched("train_outputs")[:, i], model.forward(params, finished.X))
        f = model.forward(params, finished.X_test)
        torch.testing.assert_close(finished.watched("test_outputs")[:, i], f)
        torch.testing.assert_close(finished.outputs(finished.X_test, at=step), f.double())
        if model.outputs == 1:
            by_hand, predicted = torch.nn.functional.softplus(-y * f), (f > 0).double() * 2 - 1
        else:
            by_hand, predicted = torch.nn.functional.cross_entropy(f.mT, y, reduction="none"), f.argmax(-1)
        torch.testing.assert_close(finished.watched("test_loss")[:, i], by_hand.mean(1))
        torch.testing.assert_close(finished.watched("test_accuracy")[:, i], (predicted == y).double().mean(1))
    assert finished.watched("test_classes").shape == (3, 5, 13)


@dataclass(frozen=True)
class Meddling:
    target: str

    def __call__(self, model, params, data):
        (params["w"] if self.target == "weights" else data.X_test).mul_(2)
        return data.y[:, 0]


@dataclass(frozen=True)
class Wrong:
    what: str

    def __call__(self, model, params, data):
        w = params["w"]
        return {"total": w.sum(), "list": w.tolist(), "complex": w * 1j, "pairs": w.repeat(2, 1)}[self.what]


@pytest.mark.parametrize(
    ("observable", "message"),
    [
        (Wrong("total"), r"^Wrong gave \(\) of torch.float64 for 2 seeds; expected real numbers of shape \(2, ...\)$"),
        (Wrong("list"), "^Wrong gave list for 2 seeds; expected real numbers of shape"),
        (Wrong("complex"), r"^Wrong gave \(2, 5\) of torch.complex128 for 2 seeds; expected real numbers"),
        (Wrong("pairs"), r"^Wrong gave \(4, 5\) of torch.float64 for 2 seeds; expected real numbers of shape \(2, "),
        (Meddling("weights"), "^Meddling changed the weights or the data in place; expected it to work on a copy"),
        (Meddling("data"), "^Meddling changed the weights or the data in place; expected it to work on a copy"),
    ],
)
def test_an_observable_that_is_no_measure_is_refused(observable, message):
    with pytest.raises(InvalidExperiment, match=message):
        run(replace(SHORT, watch=(observable,)))


@dataclass(frozen=True)
class Centred:
    """The distance of each seed's weights from the mean over all seeds, which makes seeds dependent."""

    def __call__(self, model, params, data):
        return (params["w"] - params["w"].mean(0)).norm(dim=1)


def test_an_observable_that_mixes_seeds_is_refused_even_where_they_start_alike():
    assert not run(SHORT).initial("w").any()
    with pytest.raises(
        InvalidExperiment, match=r"^Centred gives a seed another value beside other seeds than alone; exp"
    ):
        run(replace(SHORT, watch=(Centred(),)))


@pytest.mark.parametrize(
    ("quantity", "hint"), [("test_loss", "'test_loss'"), ("weights.w", "'weights'"), (Sharpness(), "it")]
)
def test_what_is_not_watched_is_told_with_what_to_add(quantity, hint):
    with pytest.raises(InvalidExperiment, match=rf"is not in this run; it has none \(add {hint} to its watch\)$"):
        run(replace(SHORT, watch=())).watched(quantity)


AT_LOSS = replace(
    LEAST_SQUARES, checkpoints=AtLoss((0.3, 0.1, 0.01)), watch=("weights", "train_loss", "test_classes", Sharpness())
)


@pytest.mark.parametrize("every", [1, 7])
def test_levels_of_the_loss_are_reached_by_each_seed_on_its_own(every):
    finished = run(replace(AT_LOSS, checkpoints=AtLoss((0.3, 0.1, 0.01), every)), range(6))
    for i, (X, y) in enumerate(zip(finished.X, finished.y, strict=True)):
        w, waiting = torch.zeros(5, dtype=torch.float64), [0.3, 0.1, 0.01]
        for step in range(401):
            loss = 0.5 * (X @ w - y).square().mean()
            while waiting and step % every == 0 and loss <= waiting[0]:
                level = 3 - len(waiting)
                assert finished.reached[i, level] == step
                torch.testing.assert_close(finished.watched("weights.w")[i, level], w)
                torch.testing.assert_close(finished.params(at=waiting.pop(0))["w"][i], w)
                torch.testing.assert_close(finished.watched("train_loss")[i, level], loss)
            w = w - 0.1 * X.T @ (X @ w - y) / len(y)
        assert not waiting
    assert len(set(finished.reached[:, 1].tolist())) > 1
    assert finished.watched("test_classes").shape == (6, 3, 13)
    low = finished.watched("train_loss") <= 0.1
    assert torch.equal(finished.first_step(low), finished.reached.gather(1, low.int().argmax(1, keepdim=True))[:, 0])
    with pytest.raises(InvalidExperiment, match=r"^checkpoints of AtLoss; expected run.reached"):
        _ = finished.checkpoints


def test_a_level_that_is_never_reached_is_named_with_its_seeds():
    steps = int(run(AT_LOSS, range(6)).reached[:, 0].median())
    short = run(replace(AT_LOSS, steps=steps, checkpoints=AtLoss((0.3, 1e-9))), range(6))
    missed = [seed for seed, step in zip(short.seeds, short.reached[:, 0], strict=True) if step < 0]
    assert 0 < len(missed) < 6
    some = ", ".join(map(str, missed[:4]))
    with pytest.raises(
        Unfinished, match=rf"^training loss 0.3 is reached in {6 - len(missed)} of 6 seeds, not in seed {some}"
    ):
        short.watched("train_loss")
    with pytest.raises(
        Unfinished, match=r"^the condition is met in 0 of 6 seeds, not in seed 0, 1, 2, 3 \.\.\.; expected"
    ):
        short.first_step(torch.tensor([False, True]).expand(6, 2))


def test_weights_at_a_level_need_no_other_level():
    short = run(replace(AT_LOSS, checkpoints=AtLoss((0.3, 1e-99))), range(3))
    whole = run(replace(AT_LOSS, checkpoints=AtLoss((0.3,))), range(3))
    assert torch.equal(short.params(at=0.3)["w"], whole.params(at=0.3)["w"])
    with pytest.raises(Unfinished, match=r"^training loss 1e-99 is reached in 0 of 3 seeds"):
        short.params(at=1e-99)


def test_levels_are_recorded_where_trainings_end_early():
    finished = run(replace(AT_LOSS, stop=Stop(loss=0.05, every=1), checkpoints=AtLoss((0.3, 0.06))), range(4))
    assert set(finished.result.stopped_by) == {"loss"}
    assert bool((finished.watched("train_loss") <= torch.tensor([0.3, 0.06])).all())
    assert bool((finished.reached[:, 1] <= finished.steps_taken).all())


@pytest.mark.parametrize(
    ("levels", "every", "message"),
    [
        ((), 1, r"levels \(\); expected a tuple of positive numbers"),
        ((0.1, 0.2), 1, r"levels \(0.1, 0.2\); expected numbers that fall"),
        ((0.0,), 1, "level 0.0; expected a finite number > 0"),
        ((0.1,), 0, "checkpoint every 0; expected a positive integer"),
    ],
)
def test_levels_that_cannot_be_reached_in_turn_are_refused(levels, every, message):
    with pytest.raises(InvalidExperiment, match=message):
        AtLoss(levels, every)


def test_recorded_outputs_and_evaluations_count_in_the_cost():
    plain = replace(LEAST_SQUARES, watch=(), checkpoints=Every(10))
    outputs = replace(plain, watch=("test_outputs",))
    held_out = 13 * (5 + 1)  # inputs and labels
    assert cost(outputs).memory - cost(plain).memory == 8 * (41 * 13 + held_out)
    assert cost(replace(plain, checkpoints=AtLoss((0.1,)))).operations > cost(plain).operations
    assert cost(replace(plain, watch=(Sharpness(),))).operations > cost(outputs).operations


@dataclass(frozen=True)
class Labelled:
    """Points with held-out inputs alone, which a linear model takes."""

    n: int = 8
    inputs: tuple[int, ...] = (2,)

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n, 2, generator=generator)
        return Data(X, X[:, 0])


def test_an_observable_without_held_out_points_has_none():
    @dataclass(frozen=True)
    class Held:
        def __call__(self, model, params, data):
            return torch.full((len(data.X),), float(data.X_test is None))

    finished = run(Experiment(data=Labelled(), model=Linear(), rule=GD(0.1), loss=Square(), steps=2, watch=(Held(),)))
    assert bool((finished.watched(Held()) == 1).all())
