"""Models minus their copy: a start at zero, and the gradient of the model."""

from dataclasses import dataclass

import pytest
import torch

from gen_core import (
    GD,
    MLP,
    SGD,
    ConvNet,
    Data,
    Every,
    Experiment,
    InvalidExperiment,
    LiLiang,
    Linear,
    Logistic,
    MinusCopy,
    ResNet,
    Run,
    SparseLinear,
    Square,
    Stop,
    TwoLayer,
)
from gen_core.measures.kernels import tangent_kernel
from gen_core.models.contract import Model
from gen_core.training.draws import initial_parameters
from gen_core.training.trainer import train_rows as train

IMAGES = (2, 5, 4)
NETS = [
    MLP((6, 5), outputs=3),
    MLP((6,), batch_norm=True),
    ConvNet((3,), hidden=()),
    ResNet(3),
    TwoLayer(6, symmetric=False),
    LiLiang(5, 3),
    Linear(init_std=1.0),
]


@dataclass(frozen=True)
class Clouds:
    inputs: tuple[int, ...] = IMAGES
    n: int = 10
    n_test: int = 0

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n + self.n_test, *self.inputs, generator=generator, dtype=torch.float64)
        y = X.flatten(1).sum(1).sign()
        if not self.n_test:
            return Data(X, y)
        return Data(X[: self.n], y[: self.n], X[self.n :], y[self.n :])


@dataclass(frozen=True)
class Coordinates:
    """Points of SparseLinear."""

    inputs: tuple[int, ...] = (2,)
    n: int = 6

    def draw(self, generator: torch.Generator) -> Data:
        y = 2.0 * torch.randint(2, (self.n,), generator=generator).double() - 1
        k = torch.randint(2, 9, (self.n,), generator=generator).double()
        return Data(torch.stack([y, k], 1), y)


def started(model, seeds=3):
    rows = [model.init(IMAGES, torch.Generator().manual_seed(s), torch.float64) for s in range(seeds)]
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def gradients(model, params, X):
    leaves = [params[name].clone().requires_grad_() for name in model.trainable]
    f = model.forward({**params, **dict(zip(model.trainable, leaves, strict=True))}, X)
    weight = torch.linspace(-1, 2, f[0].numel(), dtype=torch.float64).view(f[0].shape)
    return f, torch.autograd.grad((weight * f).sum(), leaves)


@pytest.mark.parametrize("model", NETS, ids=repr)
def test_it_starts_at_zero_with_the_gradient_of_the_model(model):
    pair = MinusCopy(model)
    params, own = started(pair), started(model)
    X = torch.randn(3, 4, *IMAGES, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert isinstance(pair, Model)
    assert set(params) == set(own) | {f"{name}_copy" for name in own}
    f, slopes = gradients(pair, params, X)
    assert f.abs().max() == 0
    assert f.shape == model.forward(own, X).shape
    for mine, theirs in zip(slopes, gradients(model, own, X)[1], strict=True):
        assert torch.equal(mine, theirs)
    moved = {name: p + 0.1 if name in own else p for name, p in params.items()}
    expected = model.forward({name: moved[name] for name in own}, X) - model.forward(own, X)
    assert expected.abs().max() > 0.01
    assert torch.equal(pair.forward(moved, X), expected)


def test_its_tangent_kernel_is_that_of_the_model():
    model = TwoLayer(6, symmetric=False)
    params = MinusCopy(model).init(IMAGES, torch.Generator().manual_seed(1), torch.float64)
    X = torch.randn(4, *IMAGES, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    kernel = tangent_kernel(model, {name: params[name] for name in ("W", "v")}, X)
    torch.testing.assert_close(tangent_kernel(MinusCopy(model), params, X), kernel, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("model", [MLP((6,), activation="tanh"), ConvNet((3,), hidden=()), TwoLayer(6)], ids=repr)
@pytest.mark.parametrize("loss", [Square(), Logistic()], ids=repr)
def test_a_training_moves_theta_alone_as_gradient_descent_by_hand(model, loss):
    experiment = Experiment(
        data=Clouds(), model=MinusCopy(model), rule=GD(0.2), loss=loss, steps=5, dtype="float64",
        checkpoints=Every(5), watch=("train_loss",),
    )  # fmt: skip
    seeds = (0, 1)
    [(_, result)] = train([(experiment, seed) for seed in seeds], torch.device("cpu"))
    run = Run(experiment, seeds, result)
    for s, seed in enumerate(seeds):
        start = initial_parameters(experiment, seed)
        w = {name: start[name].clone().requires_grad_(name in model.trainable) for name in start if "_" not in name}
        first = {name: p.detach().clone()[None] for name, p in w.items()}
        X, y = run.X[s : s + 1], run.y[s : s + 1]
        for step in range(6):
            f = model.forward({k: v[None] for k, v in w.items()}, X) - model.forward(first, X)
            mean = (0.5 * (f - y).square() if loss == Square() else torch.nn.functional.softplus(-y * f)).mean()
            if step == 5:
                break
            steps = torch.autograd.grad(mean, [w[name] for name in model.trainable])
            with torch.no_grad():
                for name, g in zip(model.trainable, steps, strict=True):
                    w[name] -= 0.2 * g
        for name in model.trainable:
            torch.testing.assert_close(run.weights(name)[s], w[name].detach(), rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(run.train_loss[s], mean.detach(), rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(run.outputs(run.X)[s], f[0].detach(), rtol=1e-10, atol=1e-12)


class Enlarged(MinusCopy):
    def forward(self, params, X):
        return 1.1 * super().forward(params, X)


@pytest.mark.parametrize("model", [MinusCopy(MLP((6,))), Enlarged(MLP((6,)))], ids=lambda m: type(m).__name__)
def test_outputs_that_are_watched_are_its_own_in_each_row_that_stays(model):
    experiment = Experiment(
        data=Clouds(n_test=5), model=model, rule=GD(0.02), loss=Square(), steps=60, dtype="float64",
        checkpoints=Every(20), watch=("train_outputs", "test_outputs", "weights"), stop=Stop(loss=0.03),
    )  # fmt: skip
    seeds = tuple(range(6))
    [(_, result)] = train([(experiment, seed) for seed in seeds], torch.device("cpu"))
    run = Run(experiment, seeds, result)
    assert set(result.stopped_by) == {"steps", "loss"}, "expected some rows to leave before the others"
    params = {name: run.initial(name) for name in initial_parameters(experiment, 0)}
    for at in range(run.watched("test_outputs").shape[1]):
        now = {**params, **{name: run.watched(f"weights.{name}")[:, at] for name in model.trainable}}
        for name, X in (("train_outputs", run.X), ("test_outputs", run.X_test)):
            expected = model.forward(now, X)
            torch.testing.assert_close(run.watched(name)[:, at], expected, rtol=1e-10, atol=1e-12)


def test_what_is_placed_on_the_data_is_copied_as_placed():
    model = SparseLinear(6, bound=1.0, start="uniform", peek="aligned")
    experiment = Experiment(
        data=Coordinates(), model=MinusCopy(model), rule=SGD(0.1, 1), loss=Square(), steps=9, dtype="float64"
    )
    placed = initial_parameters(experiment, 0)
    assert torch.equal(placed["w"], placed["w_copy"])
    assert placed["w"].abs().max() > 0
    [(_, result)] = train([(experiment, seed) for seed in (0, 1)], torch.device("cpu"))
    run = Run(experiment, (0, 1), result)
    start = {name: run.initial(name) for name in placed}
    assert experiment.model.forward(start, run.X).abs().max() == 0
    assert run.outputs(run.X).abs().max() > 0
    assert MinusCopy(Linear()).place is None


def test_forms_and_messages():
    forms = MinusCopy(MLP(gain=2.0)), MinusCopy(MLP(scheme="he_normal"))
    assert forms[0].batch_form() == forms[1].batch_form() == MinusCopy(MLP())
    for wrong in (MinusCopy(Linear()), Linear, 3):
        with pytest.raises(
            InvalidExperiment, match=r"^model .* minus its copy; expected a model that is no MinusCopy$"
        ):
            MinusCopy(wrong)
    with pytest.raises(InvalidExperiment, match=r"^batch norm of MinusCopy with batch 1; expected at least 2$"):
        Experiment(data=Clouds(), model=MinusCopy(MLP(batch_norm=True)), rule=SGD(0.1, 1), loss=Logistic(), steps=1)
