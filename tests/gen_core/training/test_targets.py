"""Targets that are vectors, and losses of a whole batch, against plain loops in torch."""

from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import (
    GD,
    MLP,
    SGD,
    Adam,
    CrossEntropy,
    Data,
    Experiment,
    InvalidExperiment,
    Linear,
    Logistic,
    LogSumExp,
    Newton,
    Run,
    Square,
    Stop,
)
from gen_core.training.steps import choose_stepper
from gen_core.training.trainer import train_rows
from tests.gen_core.training.teacher import LEAST_SQUARES, Teacher


def run(experiment, seeds=range(3)):
    [(_, trained)] = train_rows([(experiment, seed) for seed in seeds], torch.device("cpu"))
    return Run(experiment, tuple(seeds), trained)


@dataclass(frozen=True)
class Vectors:
    """Inputs with target vectors of a random linear map."""

    n: int = 12
    inputs: tuple[int, ...] = (4,)
    n_test: int = 5
    targets: tuple[int, ...] = (3,)
    integers: bool = False

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n + self.n_test, *self.inputs, generator=generator, dtype=torch.float64)
        A = torch.randn(4, *self.targets, generator=generator, dtype=torch.float64)
        y = torch.tensordot(X, A, 1)
        y = (y > 0).long() if self.integers else y
        return Data(X[: self.n], y[: self.n], X[self.n :], y[self.n :])


VECTORS = Experiment(
    data=Vectors(),
    model=MLP(hidden=(6,), activation="tanh", outputs=3),
    rule=GD(0.05),
    loss=Square(),
    steps=30,
    watch=("train_loss", "test_loss", "test_accuracy"),
    dtype="float64",
)


def net(params, seed):
    """A network of torch.nn with one seed's weights."""
    shapes = [p[seed].shape for p in params.values() if p[seed].dim() == 2]
    layers = [torch.nn.Linear(into, out, dtype=torch.float64) for out, into in shapes]
    found = torch.nn.Sequential(layers[0], torch.nn.Tanh(), layers[1])
    with torch.no_grad():
        for own, p in zip(found.parameters(), params.values(), strict=True):
            own.copy_(p[seed])
    return found


@pytest.mark.parametrize("rule", [GD(0.05), Adam(0.01)])
@pytest.mark.parametrize("gradient", [None, 0.0])
def test_least_squares_of_vectors_is_that_of_torch(rule, gradient):
    experiment = replace(VECTORS, rule=rule, stop=Stop(gradient=gradient))
    assert choose_stepper(experiment).name == ("fused" if gradient is None else "autograd")
    finished = run(experiment)
    assert finished.y.shape == (3, 12, 3)
    for seed in range(3):
        found = net(finished.params("start"), seed)
        optimizer = (torch.optim.SGD if isinstance(rule, GD) else torch.optim.Adam)(found.parameters(), lr=rule.rate)
        X, y = finished.X[seed], finished.y[seed]
        for _ in range(30):
            optimizer.zero_grad()
            (0.5 * (found(X) - y).square().sum(1).mean()).backward()
            optimizer.step()
        for own, p in zip(found.parameters(), finished.params().values(), strict=True):
            torch.testing.assert_close(p[seed], own.data, rtol=1e-9, atol=1e-11)
        f, f_test = found(X).detach(), found(finished.X_test[seed]).detach()
        torch.testing.assert_close(finished.train_loss[seed], 0.5 * (f - y).square().sum(1).mean())
        alike = f.argmax(1) == y.argmax(1)
        torch.testing.assert_close(finished.train_accuracy[seed], alike.double().mean())
        held_out = 0.5 * (f_test - finished.y_test[seed]).square().sum(1)
        torch.testing.assert_close(finished.watched("test_loss")[seed, -1], held_out.mean())
        torch.testing.assert_close(finished.losses(finished.X_test, finished.y_test)[seed], held_out)


def test_batches_keep_each_point_with_its_target():
    # on targets without noise, least squares ends at zero only if every batch has its own targets
    data = Vectors(n=6)
    exact = replace(VECTORS, data=data, rule=SGD(0.05, batch=2), steps=3000, model=MLP(hidden=(40,), outputs=3))
    assert bool((run(exact).train_loss < 1e-6).all())


@dataclass(frozen=True)
class Columns:
    """The cross-entropy of three yes-or-no questions about each point, of three outputs."""

    def per_point(self, f, y):
        return torch.nn.functional.binary_cross_entropy_with_logits(f, y.to(f.dtype), reduction="none").sum(-1)


@dataclass(frozen=True)
class Total:
    """The square of the difference of the output and the sum of a target matrix."""

    def per_point(self, f, y):
        return (f - y.flatten(2).sum(-1)).square()


def test_targets_of_other_shapes_go_to_a_loss_of_ones_own():
    answers = run(replace(VECTORS, data=Vectors(integers=True), loss=Columns()))
    assert answers.y.dtype == torch.int64
    assert bool((answers.watched("train_loss")[:, -1] < answers.watched("train_loss")[:, 0]).all())
    matrices = replace(VECTORS, data=Vectors(targets=(2, 2)), model=MLP(hidden=(6,)), loss=Total(), watch=())
    finished = run(matrices)
    assert finished.y.shape == (3, 12, 2, 2)
    f = finished.outputs(finished.X)
    torch.testing.assert_close(finished.train_loss, (f - finished.y.sum((2, 3))).square().mean(1))
    assert bool(finished.train_accuracy.isnan().all())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": Vectors(targets=(2,))}, r"outputs \(3, 12, 3\) for labels \(3, 12, 2\); expected equal shapes"),
        ({"loss": CrossEntropy()}, r"outputs \(3, 12, 3\) for classes \(3, 12, 3\); expected one more axis"),
        ({"loss": Logistic(), "model": MLP(hidden=(2,))}, r"outputs \(3, 12\) for labels \(3, 12, 3\); expected equal"),
    ],
)
def test_targets_that_do_not_fit_the_outputs_are_refused(change, message):
    with pytest.raises(InvalidExperiment, match=message):
        run(replace(VECTORS, **change))


def test_targets_are_part_of_the_recipe():
    with pytest.raises(
        InvalidExperiment, match=r"^data.targets \[3\]; expected a tuple of positive integers|Vectors.t"
    ):
        replace(VECTORS, data=Vectors(targets=[3]))  # type: ignore[arg-type]
    assert replace(VECTORS, data=Vectors(targets=(2,))).batch_key() != VECTORS.batch_key()

    @dataclass(frozen=True)
    class Lying(Vectors):
        def draw(self, generator):
            drawn = super().draw(generator)
            return replace(drawn, y=drawn.y[:, :2])

    with pytest.raises(InvalidExperiment, match=r"^Lying drew y of shape \(12, 2\); expected \(12, 3\), as its recipe"):
        run(replace(VECTORS, data=Lying()))


SEPARABLE = replace(LEAST_SQUARES, data=Teacher(), loss=LogSumExp(), rule=GD(0.1), steps=60)


def test_descent_on_the_log_of_the_exponential_loss_has_its_normalized_steps():
    finished = run(SEPARABLE)
    for seed in range(3):
        w, X, y = torch.zeros(5, dtype=torch.float64), finished.X[seed], finished.y[seed]
        for _ in range(60):
            exponential = torch.exp(-y * (X @ w))
            w = w + 0.1 * (exponential * y) @ X / exponential.sum()
        torch.testing.assert_close(finished.w[seed], w)
        torch.testing.assert_close(finished.train_loss[seed], torch.exp(-y * (X @ w)).mean().log())
    assert torch.equal(finished.watched("train_loss")[:, -1], finished.train_loss)


def test_a_loss_of_the_whole_batch_is_one_of_each_batch_and_not_of_the_parts_of_an_evaluation():
    batches = replace(SEPARABLE, rule=SGD(0.1, batch=4), steps=50)
    finished = run(batches)
    assert bool((finished.train_loss < finished.watched("train_loss")[:, 0]).all())
    many = replace(SEPARABLE, data=Teacher(n=1500), steps=1)
    large = run(many)
    f = torch.einsum("snd,sd->sn", large.X, large.w)
    torch.testing.assert_close(large.train_loss, torch.exp(-large.y * f).mean(1).log())


def test_a_loss_of_the_whole_batch_takes_no_hand_written_gradient():
    assert choose_stepper(SEPARABLE) == ("autograd", "LogSumExp is a loss of the whole batch")
    assert SEPARABLE.batch_key() != replace(SEPARABLE, loss=Logistic()).batch_key()
    with pytest.raises(InvalidExperiment, match=r"^loss LogSumExp\(\) with Newton; expected one of points$"):
        replace(SEPARABLE, rule=Newton(), model=Linear())
