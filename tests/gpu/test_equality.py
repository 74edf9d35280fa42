"""On a GPU a training ends where it ends on the CPU, for every model, rule, loss, stop and dtype; twice, to the bit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
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
from gen_core.lab import Lab, Store
from gen_core.models.activations import ACTIVATIONS
from gen_core.training.result import TrainingResult
from gen_core.training.trainer import train_rows

SEEDS = (0, 1, 2)
CPU = torch.device("cpu")
WITHIN = {"float64": 1e-8, "float32": 2e-3}
"""Of the way that a parameter has moved: rounding, grown over some steps."""


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


@dataclass(frozen=True)
class Wells(Potential):
    """x^4 / 4 - x^2 / 2 of 50 chains."""

    def init(self, inputs, generator, dtype):
        return {"x": torch.randn(50, generator=generator, dtype=dtype)}

    def energy(self, params):
        return params["x"] ** 4 / 4 - params["x"] ** 2 / 2


@dataclass(frozen=True)
class Faulty(MLP):
    """A model with a fault of its author's."""

    def forward(self, params, X):
        raise ValueError("a fault of mine")


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


def trained(experiment: Experiment, device: torch.device) -> TrainingResult:
    [(_, result)] = train_rows([(experiment, seed) for seed in SEEDS], device)
    return result


@pytest.mark.parametrize("dtype", WITHIN)
@pytest.mark.parametrize("name", CASES)
def test_a_training_ends_where_it_ends_on_the_cpu(name, dtype):
    if name == "sparse" and dtype == "float32":
        pytest.skip("SparseLinear is float64 alone")
    experiment = CASES[name]
    first = {"after": replace(experiment.after, dtype=dtype)} if experiment.after else {}
    experiment = replace(experiment, dtype=dtype, **first)
    on_cpu, on_gpu = trained(experiment, CPU), trained(experiment, torch.device("cuda"))
    assert on_gpu.stopped_by == on_cpu.stopped_by
    assert set(on_gpu.arrays) == set(on_cpu.arrays)
    for array, expected in on_cpu.arrays.items():
        found = on_gpu.arrays[array]
        assert (found.device, found.dtype, found.shape) == (CPU, expected.dtype, expected.shape), array
        if array.startswith("drawn") or (not expected.is_floating_point() and "classes" not in array):
            assert torch.equal(found, expected), array
        elif expected.is_floating_point():
            size = expected.nan_to_num(0.0, 0.0, 0.0).abs().max().clamp(min=1e-3)
            torch.testing.assert_close(found / size, expected / size, rtol=0, atol=WITHIN[dtype], equal_nan=True)


@pytest.mark.parametrize("name", CASES)
def test_and_twice_it_is_the_same_to_the_bit(name):
    first, second = (trained(replace(CASES[name]), torch.device("cuda")) for _ in range(2))
    for array, expected in first.arrays.items():
        torch.testing.assert_close(second.arrays[array], expected, rtol=0, atol=0, equal_nan=True)


def test_what_does_not_fit_is_halved_and_ends_the_same(monkeypatch):
    budget = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(0.02)
    try:
        n = int(0.02 * budget / 8 / (2 * 64 * 64) / 3)  # of two rows, one fits
        big = replace(NET, data=Points((2, 64, 64), n=n, n_test=0), model=MLP((4,)), rule=GD(0.1), steps=2)
        batches = [len(rows) for rows, _ in train_rows([(big, seed) for seed in range(4)], torch.device("cuda"))]
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert sum(batches) == 4
    assert len(batches) > 1


def test_a_failed_training_lets_go_of_what_it_held(tmp_path):
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    lab = Lab(Store(tmp_path), torch.device("cuda"))
    for n in (40_000, 50_000):
        with pytest.raises(ValueError, match="of mine"):
            lab.run(replace(NET, data=Points(n=n, n_test=0), model=Faulty((8,))), 2)
    assert len(lab.failures) == 2
    assert torch.cuda.memory_allocated() == before
