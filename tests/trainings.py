"""Small trainings by every model, rule, loss and stop of the library, by name."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from gen_core import (
    GD,
    MLP,
    SAM,
    SGD,
    AdaGrad,
    Adam,
    AtLoss,
    ConvNet,
    Cosine,
    CrossEntropy,
    Data,
    Energy,
    Every,
    Experiment,
    InverseTime,
    L1Ball,
    L2Ball,
    LabelledBy,
    Langevin,
    Layerwise,
    LiLiang,
    Linear,
    Logistic,
    LogSumExp,
    MinusCopy,
    Momentum,
    Newton,
    Noisy,
    Nothing,
    Polynomial,
    Potential,
    Projected,
    ResNet,
    SparseLinear,
    Square,
    Steps,
    Stop,
    TwoLayer,
)
from gen_core.models.activations import ACTIVATIONS
from gen_core.types import Pool, Pooled, data_of


@dataclass(frozen=True)
class Points:
    """Gaussian points with the signs of their sums, some of them flipped, or as many classes."""

    inputs: tuple[int, ...] = (12,)
    classes: int = 2
    n: int = 48
    n_test: int = 20

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n + self.n_test, *self.inputs, generator=generator, dtype=torch.float64)
        score = X.flatten(1).sum(1) + torch.randn(len(X), generator=generator, dtype=torch.float64)
        y = 2.0 * (score > 0).double() - 1 if self.classes == 2 else (score > 0).long() + (score > 2).long()
        return Data(X[: self.n], y[: self.n], X[self.n :], y[self.n :])


@dataclass(frozen=True)
class Coordinates:
    """Pairs of a label and a number of features, as `SparseLinear` takes them."""

    inputs: tuple[int, ...] = (2,)
    n: int = 48

    def draw(self, generator: torch.Generator) -> Data:
        y = 2.0 * torch.randint(2, (self.n,), generator=generator).double() - 1
        return Data(torch.stack([y, torch.randint(2, 9, (self.n,), generator=generator).double()], 1), y)


NUMBERS = torch.randn(60, 12, generator=torch.Generator().manual_seed(3))
POOL = Pool(NUMBERS.clone)


@dataclass(frozen=True)
class OfAPool:
    """Points of a pool that all seeds share, and held-out points of the same one."""

    inputs: tuple[int, ...] = (12,)
    n: int = 48
    n_test: int = 20
    pools: tuple[int, int] = (60, 60)

    def draw(self, generator: torch.Generator) -> Data:
        index, held_out = torch.randperm(60, generator=generator)[: self.n], torch.arange(self.n_test)
        y, y_test = (NUMBERS[at].sum(1).sign() for at in (index, held_out))
        return data_of(X=Pooled(POOL, index), y=y, X_test=Pooled(POOL, held_out), y_test=y_test)


@dataclass(frozen=True)
class Wells(Potential):
    """x^4 / 4 - x^2 / 2 of 50 chains."""

    def init(self, inputs, generator, dtype):
        return {"x": torch.randn(50, generator=generator, dtype=dtype)}

    def energy(self, params):
        return params["x"] ** 4 / 4 - params["x"] ** 2 / 2


LINE, PICTURES, CLASSES = Points(), Points((2, 8, 8)), Points((2, 8, 8), classes=3)
NET = Experiment(data=LINE, model=MLP((16, 8)), rule=SGD(0.1, 16), loss=Logistic(), steps=12, dtype="float64")
COPIED = MinusCopy(MLP((8,)))
MODELS = {
    **{f"mlp {phi}": replace(NET, model=MLP((16, 8), activation=phi)) for phi in sorted(ACTIVATIONS)},
    "polynomial": replace(NET, model=MLP((16,), activation=Polynomial(4, (-3.0, 3.0)))),
    "batch norm": replace(NET, model=MLP((16, 8), batch_norm=True)),
    "classes": replace(NET, data=CLASSES, model=MLP((16,), outputs=3), loss=CrossEntropy()),
    "conv": replace(NET, data=PICTURES, model=ConvNet((4, 6))),
    "conv valid": replace(NET, data=PICTURES, model=ConvNet((4, 6), kernel=(3, 2), stride=(1, 2), padding="valid")),
    "resnet": replace(
        NET, data=CLASSES, model=ResNet(channels=4, blocks=2, outputs=3, batch_norm=True), loss=CrossEntropy()
    ),
    "linear": replace(NET, model=Linear(bias=True)),
    "two layers": replace(NET, model=TwoLayer(16, train=("W", "v"))),
    "li-liang": replace(NET, data=CLASSES, model=LiLiang(16, 3), loss=CrossEntropy()),
    "sparse": replace(NET, data=Coordinates(), model=SparseLinear(48, bound=1.0, start="uniform")),
    "minus its copy": replace(NET, model=COPIED),
    "potential": replace(NET, data=Nothing(), model=Wells(), rule=Langevin(0.01, 1.0), loss=Energy()),
    "labels of another": replace(NET, data=LabelledBy(LINE, replace(NET, steps=5))),
}
RULES = {
    "gd": GD(0.1),
    "decay": GD(0.1, weight_decay=0.1),
    "replacement": SGD(0.1, 16, replacement=True),
    "momentum": Momentum(0.1, batch=16),
    "adagrad": AdaGrad(0.1),
    "adam": Adam(0.01),
    "adam-w": Adam(0.01, weight_decay=0.1, decoupled=True),
    "newton": Newton(),
    "steps": SGD(Steps(0.1, (3, 7)), 16),
    "cosine": SGD(Cosine(0.1, 12), 16),
    "inverse time": SGD(InverseTime(0.1, 0.1), 16),
    "langevin": Langevin(0.1, 0.01),
    "noisy": Noisy(SGD(0.1, 16), 0.1),
    "l1 ball": Projected(GD(0.1), L1Ball(1.0)),
    "l2 ball": Projected(GD(0.1), L2Ball(1.0)),
    "layerwise": Layerwise(SGD(0.1, 16), (("W1", 0.25),)),
    "sam": SAM(SGD(0.1, 16), 0.05),
}
LOSSES = {"square": Square(), "logistic": Logistic(), "log-sum-exp": LogSumExp()}
STOPS = {
    "loss": Stop(loss=0.6, every=2),
    "accuracy": Stop(accuracy=0.8, every=2),
    "gradient": Stop(gradient=0.3),
}
OTHERS = {
    "watched": replace(NET, checkpoints=Every(3), watch=("weights", "train_loss", "test_classes", "test_outputs")),
    "at loss": replace(NET, checkpoints=AtLoss((0.7, 0.65), every=1), watch=("weights",)),
    "after another": replace(NET, after=replace(NET, steps=5)),
    "of a pool": replace(
        NET, data=OfAPool(), rule=SGD(0.1, 16), checkpoints=Every(3), watch=("train_loss", "test_loss", "test_outputs")
    ),
    "diverged": replace(NET, rule=GD(1e9), loss=Square(), steps=40, may_diverge=True),
}
CASES = {
    **MODELS,
    **{f"rule {name}": replace(NET, rule=rule) for name, rule in RULES.items() if name != "newton"},
    "rule newton": replace(NET, model=Linear(), rule=RULES["newton"], steps=3),
    **{f"loss {name}": replace(NET, loss=loss) for name, loss in LOSSES.items()},
    **{f"stop {name}": replace(NET, rule=GD(0.1), stop=stop, steps=40) for name, stop in STOPS.items()},
    **OTHERS,
}
