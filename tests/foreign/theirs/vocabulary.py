"""What a paper's own code can say, each against torch or a sum written out. These are plain tests, with no claim."""

from dataclasses import dataclass, replace

import pytest
import torch
from mine.data import Points
from torch.optim.lr_scheduler import MultiStepLR

import gen_core
from gen_core import (
    GD,
    MLP,
    SAM,
    SGD,
    AtLoss,
    ConvNet,
    CrossEntropy,
    Data,
    Energy,
    Every,
    Experiment,
    L1Ball,
    LabelledBy,
    Langevin,
    Linear,
    Logistic,
    LogSumExp,
    MinusCopy,
    Noisy,
    Polynomial,
    Potential,
    Projected,
    ResNet,
    Square,
    Steps,
    TwoLayer,
    Unfinished,
)
from gen_core.data import Gaussian
from gen_core.measures import (
    EntryNorm,
    OperatorNorm,
    barrier,
    interpolated,
    layer_norms,
    loss_gradients,
    margin_quantiles,
    margins,
    moved,
    path_norm,
    quantized,
    random_direction,
    rescaled,
)
from gen_core.models import evaluated

close = torch.testing.assert_close
SEEDS = 3


@dataclass(frozen=True)
class Norm:
    """An observable of one's own: the norm of the trained weights."""

    def __call__(self, model, params, data):
        return torch.stack([params[name].flatten(1).square().sum(1) for name in model.trainable]).sum(0).sqrt()


@dataclass(frozen=True)
class Signs(Points):
    """Points with labels of -1 and 1, or of three classes, as pictures or not."""

    inputs: tuple[int, ...] = (3,)
    classes: int = 2
    n_test: int = 5

    def draw(self, generator):
        X = torch.randn(self.n + 5, *self.inputs, generator=generator, dtype=torch.float64)
        score = X.flatten(1).sum(1)
        y = torch.where(score > 0, 1.0, -1.0) if self.classes == 2 else (score > 0).long() + (score > 1).long()
        return Data(X[: self.n], y[: self.n], X[self.n :], y[self.n :])


@dataclass(frozen=True)
class Vectors(Points):
    """Targets of shape (2,)."""

    targets: tuple[int, ...] = (2,)

    def draw(self, generator):
        X = torch.randn(self.n, 3, generator=generator)
        return Data(X, torch.stack([X.sum(1), X[:, 0]], 1))


@dataclass(frozen=True)
class Well(Potential):
    """x^2 / 2 for 500 chains."""

    def init(self, inputs, generator, dtype):
        return {"x": torch.zeros(500, dtype=dtype)}

    def energy(self, params):
        return params["x"].square() / 2


def descent(**parts):
    usual = {"data": Points(noise=0.1), "model": Linear(), "rule": GD(0.1), "loss": Square(), "dtype": "float64"}
    return Experiment(**{"steps": 30, **usual, **parts})


def network(**parts):
    return descent(**{"data": Signs(), "model": MLP((6,)), "loss": Logistic(), **parts})


def trained(experiment):
    return gen_core.train(experiment, seeds=SEEDS)


def by_torch(run, optimizer, scheduler=None):
    """The weights of a linear model that torch descends, (seeds, d)."""
    ends = []
    for X, y in zip(run.X, run.y, strict=True):
        w = torch.zeros(X.shape[1], dtype=torch.float64, requires_grad=True)
        steps = optimizer([w])
        rates = scheduler(steps) if scheduler else None
        for _ in range(run.experiment.steps):
            steps.zero_grad()
            ((X @ w - y) ** 2 / 2).mean().backward()
            steps.step()
            if rates:
                rates.step()
        ends.append(w.detach())
    return torch.stack(ends)


def test_observables_losses_and_levels():
    watch = (Norm(), "weights", "train_outputs", "test_outputs", "test_loss", "test_accuracy", "train_loss")
    run = trained(network(checkpoints=Every(10), watch=watch))
    for i, step in enumerate(run.checkpoints):
        flat = torch.cat([p.flatten(1) for name, p in run.params(at=step).items() if name in run.model.trainable], 1)
        close(run.watched(Norm())[:, i], flat.norm(dim=1))
        close(run.watched("test_outputs")[:, i].double(), run.outputs(run.X_test, at=step))
        f = run.outputs(run.X, at=step)
        close(run.watched("train_loss")[:, i], torch.nn.functional.softplus(-run.y * f).mean(1))
    close(run.params(at="start")["W1"], run.initial("W1"))
    assert run.first_step(run.watched("train_loss") <= run.watched("train_loss")[:, 1:2]).tolist() == [10] * SEEDS
    with pytest.raises(Unfinished, match="expected it in all"):
        run.first_step(run.watched("train_loss") < 0)
    levels = trained(network(steps=400, checkpoints=AtLoss((0.6, 0.4), every=1), watch=("train_loss", "weights")))
    assert (levels.watched("train_loss") <= torch.tensor([0.6, 0.4])).all()
    assert (levels.reached.diff(dim=1) > 0).all()
    hidden = run.model.features(run.params(), run.X)
    close(hidden[0], torch.relu(run.X @ run.params()["W1"].mT + run.params()["b1"][:, None]))
    fixed = trained(network(model=TwoLayer(6)))
    close(fixed.params()["v"], fixed.initial("v"))


def test_elsewhere():
    run = trained(network())
    one, other = run.params(), run.params("start")
    along = [run.at(interpolated(other, one, t)).train_loss.double() for t in (0.0, 0.5, 1.0)]
    close(along[2], run.train_loss.double())
    assert barrier(torch.stack(along, 1), (0.0, 0.5, 1.0)).shape == (SEEDS,)
    streams = run.streams("direction")
    away = random_direction({name: one[name] for name in run.model.trainable}, streams)
    again = random_direction({name: one[name] for name in run.model.trainable}, run.streams("direction"))
    close(away, again)
    assert (run.at(one | moved({name: one[name] for name in away}, away, 10.0)).train_loss != run.train_loss).all()
    scaled = rescaled(one, run.model.layers((3,)), 0, 2.0)
    assert not torch.equal(scaled["W1"], one["W1"])
    assert quantized(one, 2)["W1"].unique().numel() <= 4 * SEEDS
    far = torch.full((SEEDS, 2, 3), 7.0)
    close(run.outputs(far), run.model.forward(one, far.double()))
    each = loss_gradients(run.model, one, run.X, run.y, run.experiment.loss)
    whole = {name: p.clone().requires_grad_() for name, p in one.items()}
    loss = torch.nn.functional.softplus(-run.y * run.model.forward(whole, run.X)).mean(1).sum()
    close(each["W1"].mean(1), torch.autograd.grad(loss, whole["W1"])[0])


def test_rules():
    sgd = torch.optim.SGD
    run = trained(descent(rule=GD(0.1, weight_decay=0.3)))
    close(run.w, by_torch(run, lambda w: sgd(w, 0.1, weight_decay=0.3)))
    run = trained(descent(rule=GD(Steps(0.1, (7, 20), 0.5))))
    close(run.w, by_torch(run, lambda w: sgd(w, 0.1), lambda o: MultiStepLR(o, [7, 20], 0.5)))
    run = trained(descent(rule=Projected(GD(0.1), L1Ball(0.7))))
    assert (run.w.abs().sum(1) <= 0.7 + 1e-12).all()
    run = trained(descent(rule=SAM(GD(0.1), rho=1e-9)))
    close(run.w, by_torch(run, lambda w: sgd(w, 0.1)), rtol=1e-6, atol=1e-6)
    run, still = trained(descent(rule=Noisy(GD(0.1), std=0.1))), trained(descent())
    assert (run.w != still.w).all()
    assert len({tuple(row) for row in (run.w - still.w).tolist()}) == SEEDS


def test_recipes_without_data_whole_losses_targets_and_divergence():
    chains = Experiment(model=Well(), rule=Langevin(0.1, temperature=2.0), loss=Energy(), steps=300, dtype="float64")
    x = trained(chains).weights("x")
    close(x.var(1).mean().item(), 2.0 / (1 - 0.05), rtol=0.15, atol=0.0)  # of the Euler scheme at a rate of .1

    run = trained(descent(data=Signs(), loss=LogSumExp()))
    w = torch.zeros(SEEDS, 3, dtype=torch.float64)
    for _ in range(30):
        share = torch.softmax(-run.y * torch.einsum("snd,sd->sn", run.X, w), 1)
        w = w + 0.1 * torch.einsum("sn,snd->sd", share * run.y, run.X)
    close(run.w, w)

    two = trained(descent(data=Vectors(), model=MLP((), outputs=2, bias=False), rule=GD(0.3), steps=400)).params()
    close(two["W1"], torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]], dtype=torch.float64).expand(SEEDS, 2, 3))

    wild = trained(descent(rule=GD(1e8), steps=60, may_diverge=True))
    assert wild.diverged.all()
    teacher = network(steps=40)
    taught = trained(network(data=LabelledBy(Signs(n=7), teacher)))
    close(taught.y, torch.where(trained(teacher).outputs(taught.X) > 0, 1.0, -1.0).double())
    copy = trained(network(model=MinusCopy(MLP((6,)))))
    assert copy.at(copy.params("start")).outputs(copy.X).abs().max() == 0


@pytest.mark.parametrize(
    "model",
    [
        MLP((6,), activation=Polynomial(4, (-3.0, 3.0)), outputs=3),
        MLP((6, 4), batch_norm=True, outputs=3),
        ConvNet((3, 4), kernel=(3, 2), stride=(1, 2), padding="valid", hidden=(), outputs=3),
        ResNet(channels=3, blocks=2, outputs=3, batch_norm=True),
    ],
    ids=lambda model: type(model).__name__,
)
def test_networks_norms_and_margins(model):
    pictures = Signs(inputs=(1, 6, 6), classes=3)
    run = trained(network(data=pictures, model=model, rule=SGD(0.1, batch=8), loss=CrossEntropy()))
    f = run.outputs(run.X_test)
    assert f.shape == (SEEDS, 5, 3)
    of_the_right = f.gather(2, run.y_test[..., None])[..., 0]
    others = f.scatter(2, run.y_test[..., None], -torch.inf).amax(2)
    close(margins(f, run.y_test), of_the_right - others)
    close(margin_quantiles(margins(f, run.y_test), 0.5), (of_the_right - others).quantile(0.5, 1))
    seen, params = evaluated(model, run.params(), run.X)
    layers = seen.layers((1, 6, 6))
    entries = torch.cat([params[name].flatten(1) for name in layers[0].names], 1)
    close(layer_norms(params, layers, EntryNorm(torch.inf))[:, 0], entries.abs().amax(1).double())
    operators = layer_norms(params, layers, OperatorNorm((1, 6, 6)))
    close(operators[:, -1], torch.linalg.matrix_norm(params[f"W{len(layers)}"].double(), 2))


def test_the_path_norm_of_two_layers():
    run = trained(network(model=MLP((6,), bias=False)))
    params = run.params()
    paths = torch.einsum("shd,soh->s", params["W1"].abs(), params["W2"].abs())
    close(path_norm(run.model, params, (3,)), paths)


def test_data_sets_of_the_library():
    assert trained(descent(data=Gaussian(n=10, d=4), steps=5)).X.shape == (SEEDS, 10, 4)
    assert replace(descent(), start=1) != descent()
