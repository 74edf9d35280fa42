"""Foreign code that mixes seeds, or draws for itself, is refused before it trains; the library's own never is."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from gen_core import (
    GD,
    MLP,
    SGD,
    AdaGrad,
    Adam,
    ConvNet,
    CrossEntropy,
    Data,
    Every,
    Experiment,
    InvalidExperiment,
    LiLiang,
    Linear,
    Logistic,
    Momentum,
    Newton,
    SparseLinear,
    Square,
    Stop,
    TwoLayer,
)
from gen_core.training import foreign, independence
from gen_core.training.trainer import train_rows

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Points:
    n: int = 24
    inputs: tuple[int, ...] = (5,)
    classes: int = 2
    n_test: int = 3

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n, *self.inputs, generator=generator, dtype=torch.float64)
        score = X.flatten(1).sum(1)
        y = score.sign() if self.classes == 2 else (score > 0).long() + (score > 2).long()
        return Data(X, y, X[:3], y[:3])


@pytest.fixture(autouse=True)
def nothing_checked(monkeypatch):
    monkeypatch.setattr(independence, "_checked", set())


def experiment(model=None, rule=None, loss=None, data=None, **other) -> Experiment:
    return Experiment(
        data=data or Points(), model=model or MLP((4,)), rule=rule or GD(0.1), loss=loss or Logistic(), steps=3, **other
    )


def trained(one: Experiment, seeds: int = 3) -> None:
    list(train_rows([(one, seed) for seed in range(seeds)], CPU))


@dataclass(frozen=True)
class Clipped(GD):
    """Divides by the norm of all rows' gradients where it is large."""

    most: float = 1.0

    def update(self, params, grads, state, rate):
        norm = sum(g.square().sum() for g in grads.values()).sqrt()
        super().update(params, {k: g / max(1.0, float(norm / self.most)) for k, g in grads.items()}, state, rate)


@dataclass(frozen=True)
class Shared(GD):
    """Accumulates one number for all rows."""

    def start(self, params, streams):
        return {"sum": torch.zeros(())}

    def update(self, params, grads, state, rate):
        state["sum"] += sum(g.square().sum() for g in grads.values())
        super().update(params, {k: g / (1 + state["sum"]) for k, g in grads.items()}, state, rate)


@dataclass(frozen=True)
class OneStream(GD):
    """Gives all rows the noise of the first."""

    def start(self, params, streams):
        return {"stream": streams()[0]}

    def update(self, params, grads, state, rate):
        noise = {k: torch.randn(g[0].shape, generator=state["stream"]) for k, g in grads.items()}
        super().update(params, {k: g + noise[k] for k, g in grads.items()}, state, rate)


@dataclass(frozen=True)
class OwnRate(GD):
    """Steps by its recipe's rate."""

    def update(self, params, grads, state, rate):
        with torch.no_grad():
            for name, p in params.items():
                p -= self.rate * grads[name]


@dataclass(frozen=True)
class Decay(GD):
    """Decays at rate 0 too."""

    def update(self, params, grads, state, rate):
        super().update(params, grads, state, rate)
        with torch.no_grad():
            for p in params.values():
                p *= 0.99


@dataclass(frozen=True)
class Averaged(MLP):
    """Subtracts the mean output of all networks."""

    def forward(self, params, X):
        f = super().forward(params, X)
        return f - f.mean(0, keepdim=True)


@dataclass(frozen=True)
class Weighted(Logistic):
    """Weighs points by the mean loss of the batch."""

    def per_point(self, f, y):
        loss = super().per_point(f, y)
        return loss / loss.mean()


@dataclass(frozen=True)
class Split(Logistic):
    """Divides by the number of rows."""

    def per_point(self, f, y):
        return super().per_point(f, y) / len(f)


MIXING = {
    "norm": (experiment(rule=Clipped(0.1)), "Clipped mixes seeds: "),
    "inactive norm": (experiment(rule=Clipped(0.1, most=3.0)), "Clipped mixes seeds: "),
    "state": (experiment(rule=Shared(0.1)), "Shared mixes seeds: "),
    "stream": (experiment(rule=OneStream(0.1)), "OneStream mixes seeds: "),
    "rate": (experiment(rule=OwnRate(0.1)), "OwnRate changes W1 of a row whose rate is 0; expected steps that scale"),
    "decay": (experiment(rule=Decay(0.1)), "Decay changes W1 of a row whose rate is 0; expected steps that scale"),
    "forward": (experiment(Averaged((4,))), "Averaged mixes seeds: "),
    "loss": (experiment(loss=Weighted()), "Weighted mixes seeds: "),
    "number": (experiment(loss=Split()), "Split mixes seeds: seed 0 has loss"),
    "both": (experiment(Averaged((4,)), loss=Weighted()), "Averaged and Weighted mixes seeds: "),
}


@pytest.mark.parametrize("seeds", [1, 2, 5])
@pytest.mark.parametrize(("one", "words"), MIXING.values(), ids=MIXING)
def test_code_that_mixes_seeds_is_named_before_it_trains(one, words, seeds, monkeypatch):
    monkeypatch.setattr(independence.Batch, "train", lambda *a: pytest.fail("trained"))
    with pytest.raises(InvalidExperiment) as caught:
        trained(one, seeds)
    assert str(caught.value).startswith(words)
    assert "; expected " in str(caught.value)


@dataclass(frozen=True)
class Jitter(GD):
    """Draws noise from a generator that is not the row's."""

    by: str = "torch"

    def update(self, params, grads, state, rate):
        super().update(params, grads, state, rate)
        if self.by == "torch":
            torch.randn(1)
        elif self.by == "numpy":
            np.random.rand(1)  # noqa: NPY002
        elif self.by == "Python":
            random.random()


@pytest.mark.parametrize("by", ["torch", "numpy", "Python"])
def test_a_rule_that_draws_from_a_generator_of_the_process_is_named(by):
    trained(experiment(rule=Jitter(0.1, "none")))
    with pytest.raises(
        InvalidExperiment, match=f"^the training of Jitter draws from {by}'s global generator; expected"
    ):
        trained(experiment(rule=Jitter(0.1, by)))


@dataclass(frozen=True)
class Sparse:
    """Pairs of a coordinate and a place, as `SparseLinear` takes them."""

    n: int = 24
    inputs: tuple[int, ...] = (2,)
    n_test: int = 3

    def draw(self, generator: torch.Generator) -> Data:
        y = 2.0 * torch.randint(2, (self.n,), generator=generator) - 1
        X = torch.stack([y, torch.arange(self.n) + 2], 1)
        return Data(X, y, X[:3], y[:3])


BINARY, THREE, IMAGES = Points(), Points(classes=3), Points(inputs=(1, 6, 6))
MODELS = {
    "MLP": (MLP((16, 16)), BINARY),
    "MLP of tanh": (MLP((16,), activation="tanh", bias=False), BINARY),
    "MLP of classes": (MLP((16,), outputs=3), THREE),
    "ConvNet": (ConvNet((4,), hidden=(8,)), IMAGES),
    "Linear": (Linear(init_std=1.0, bias=True), BINARY),
    "Linear from 0": (Linear(), BINARY),
    "TwoLayer": (TwoLayer(width=16, train=("W", "v")), BINARY),
    "TwoLayer of relu": (TwoLayer(width=16, activation="relu", symmetric=False), BINARY),
    "LiLiang": (LiLiang(width=32, classes=3), THREE),
    "SparseLinear": (SparseLinear(n=24), Sparse()),
}
RULES = (GD(0.1), SGD(0.1, 5, True), Momentum(0.1, batch=5), AdaGrad(0.1), Adam(0.01), Adam(0.01, batch=5))


@pytest.mark.parametrize(("model", "data"), MODELS.values(), ids=MODELS)
def test_no_model_rule_or_loss_of_the_library_mixes_seeds(model, data, monkeypatch):
    monkeypatch.setattr(foreign, "_foreign", lambda kind: True)
    monkeypatch.setattr(independence.Batch, "train", lambda self, report: self)
    watch = ("weights", "train_loss", "train_accuracy", "test_classes")
    dtype, checked = "float64" if isinstance(data, Sparse) else "float32", 0
    for rule in (*RULES, Newton(l2=0.1)) if isinstance(model, Linear) else RULES:
        for loss in (CrossEntropy(),) if data is THREE else (Logistic(), Square()):
            for stop in (Stop(), Stop(gradient=1e-9)) if rule.batch is None else (Stop(),):
                one = experiment(model, rule, loss, data, stop=stop, watch=watch, checkpoints=Every(1), dtype=dtype)
                trained(one)
                checked += 1
    assert len(independence._checked) == checked >= 6


def test_library_code_costs_nothing_and_foreign_code_is_checked_once(monkeypatch):
    made = []
    plain = independence.Trial.__init__
    monkeypatch.setattr(
        independence.Trial, "__init__", lambda self, *a, **kw: (made.append(1), plain(self, *a, **kw))[1]
    )
    trained(experiment())
    assert not made
    for rate in (0.1, 0.2):
        trained(experiment(rule=Jitter(rate, "none")))
    assert len(made) == 5
    trained(experiment(rule=Jitter(0.1, "none"), data=Points(n=30)))
    assert len(made) == 10


def test_the_training_before_is_checked_too():
    first = experiment(Averaged((4,)))
    with pytest.raises(InvalidExperiment, match="Averaged mixes seeds"):
        trained(replace(first, after=first))
