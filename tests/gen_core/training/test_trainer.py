"""Batches of rows against single rows, and both against a plain loop with torch.nn and torch.optim."""

from dataclasses import dataclass, replace

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
    LiLiang,
    Linear,
    Logistic,
    Momentum,
    Newton,
    Square,
    TwoLayer,
)
from gen_core.training.batch import Batch
from gen_core.training.result import concatenate
from gen_core.training.seeding import SEGMENT, generator
from gen_core.training.trainer import train_rows as train

CPU = torch.device("cpu")
SEEDS = range(8)


@dataclass(frozen=True)
class Clouds:
    """Gaussian inputs; labels are the sign of a sum, or the index of the largest coordinate."""

    n: int = 24
    inputs: tuple[int, ...] = (1, 5, 5)
    classes: int = 2
    scale: float = 1.0
    n_test: int = 9

    def draw(self, generator: torch.Generator) -> Data:
        total = self.n + self.n_test
        X = self.scale * torch.randn(total, *self.inputs, generator=generator, dtype=torch.float64)
        flat = X.flatten(1)
        y = torch.where(flat[:, :3].sum(1) > 0, 1.0, -1.0) if self.classes == 2 else flat[:, : self.classes].argmax(1)
        return Data(X[: self.n], y[: self.n], X[self.n :], y[self.n :])


MODELS = [
    Linear(init_std=0.3, bias=True),
    TwoLayer(8, "tanh", train=("W", "v")),
    LiLiang(12, 3),
    MLP(hidden=(7, 6)),
    MLP(hidden=(7,), outputs=3, activation="tanh"),
    ConvNet(channels=(2, 3), hidden=(4,)),
]
RULES = [
    GD(0.05),
    SGD(0.05, 5),
    SGD(0.05, 5, replacement=True),
    SGD(0.02, 1),
    Momentum(0.02),
    Momentum(0.02, nesterov=True, batch=5),
    AdaGrad(0.05, batch=5),
    Adam(0.01, batch=5),
]


def setting(model, rule, dtype="float64", **more):
    classes = max(2, model.outputs)
    loss = CrossEntropy() if classes > 2 else Logistic()
    recipe = {"data": Clouds(classes=classes), "model": model, "rule": rule, "loss": loss, "steps": 12}
    return Experiment(**recipe | {"checkpoints": Every(5), "watch": ("weights", "train_loss"), "dtype": dtype} | more)


def trained(rows):
    return concatenate([part for _, part in train(rows, CPU)])


def assert_close(a, b, tolerance):
    assert a.stopped_by == b.stopped_by
    assert a.arrays.keys() == b.arrays.keys()
    for name in a.arrays:
        torch.testing.assert_close(a.arrays[name], b.arrays[name], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 2e-5)])
@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_eight_seeds_together_are_eight_trainings(model, rule, dtype, tolerance):
    experiment = setting(model, rule, dtype)
    together = trained([(experiment, seed) for seed in SEEDS])
    alone = concatenate([trained([(experiment, seed)]) for seed in SEEDS])
    assert_close(together, alone, tolerance)
    start, end = (together.arrays[f"watch.weights.{model.trainable[0]}"][:, i] for i in (0, -1))
    assert (start != end).flatten(1).any(1).all()


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 2e-5)])
@pytest.mark.parametrize("bias", [True, False])
def test_newton_of_eight_seeds_is_newton_of_each(bias, dtype, tolerance):
    experiment = setting(Linear(bias=bias), Newton(1e-2), dtype, steps=4)
    together = trained([(experiment, seed) for seed in SEEDS])
    assert_close(together, concatenate([trained([(experiment, seed)]) for seed in SEEDS]), tolerance)


@pytest.mark.parametrize(
    "variants",
    [
        [setting(Linear(), GD(rate)) for rate in (0.01, 0.3, 1)],
        [setting(Linear(init_std=std), Momentum(0.01, batch=5)) for std in (0.0, 0.5, 2)],
        [setting(MLP(hidden=(6,), gain=gain), Adam(0.01, batch=5)) for gain in (0.5, 1.0)],
        [replace(setting(Linear(), AdaGrad(0.1)), data=Clouds(scale=scale)) for scale in (0.5, 1.0, 3.0)],
        [
            setting(MLP(hidden=(5,), scheme="he_normal"), SGD(0.1, 4), data=Clouds(scale=2.0)),
            setting(MLP(hidden=(5,)), SGD(0.2, 4)),
        ],
    ],
    ids=["rates", "init scales", "gains", "data laws", "all at once"],
)
def test_experiments_of_one_form_in_one_batch_are_those_trained_alone(variants):
    assert len({variant.batch_key() for variant in variants}) == 1
    rows = [(variant, seed) for variant in variants for seed in range(3)]
    together = trained(rows)
    assert_close(together, concatenate([trained([row]) for row in rows]), 1e-12)


@pytest.mark.parametrize("rule", [GD(0.1), SGD(0.1, 5), SGD(0.1, 5, replacement=True)], ids=repr)
def test_what_a_seed_sees_does_not_depend_on_who_is_beside_it(rule):
    experiment = setting(MLP(hidden=(4,)), rule)
    beside = [(replace(experiment, data=Clouds(scale=2.0)), 3), (experiment, 5), (experiment, 1)]
    alone, among = Batch([(experiment, 5)], CPU), Batch(beside, CPU)
    assert torch.equal(alone.X[0], among.X[1])
    assert torch.equal(alone.y[0], among.y[1])
    for name in alone.params:
        assert torch.equal(alone.params[name][0], among.params[name][1])
    mine, theirs = alone._batches(), among._batches()
    for _ in range(20):
        for a, b in zip(next(mine), next(theirs), strict=True):
            assert torch.equal(a[0], b[1])


def test_a_row_of_another_rate_sees_the_same_data_start_and_batches():
    experiment = setting(MLP(hidden=(4,)), SGD(0.1, 5))
    rows = Batch([(experiment, 2), (replace(experiment, rule=SGD(0.3, 5)), 2)], CPU)
    assert torch.equal(rows.X[0], rows.X[1])
    assert all(torch.equal(p[0], p[1]) for p in rows.params.values())
    X, _ = next(rows._batches())
    assert torch.equal(X[0], X[1])


def order(n, size, replacement, seed, steps):
    """The points of each step, as the documentation says: whole batches of permutations, or independent draws."""
    stream = generator((n, size, replacement), seed, "order")
    taken: list[torch.Tensor] = []
    while len(taken) < steps:
        if replacement:
            taken += torch.randint(n, (SEGMENT // size, size), generator=stream)
        else:
            taken += torch.randperm(n, generator=stream)[: n // size * size].view(-1, size)
    return taken[:steps]


OPTIMIZERS = [
    (GD(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
    (SGD(0.1, 5), lambda p: torch.optim.SGD(p, lr=0.1)),
    (SGD(0.1, 5, replacement=True), lambda p: torch.optim.SGD(p, lr=0.1)),
    (Momentum(0.1, 0.8, True, 5), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8, nesterov=True)),
    (Adam(0.01, batch=5), lambda p: torch.optim.Adam(p, lr=0.01)),
    (AdaGrad(0.1, batch=5), lambda p: torch.optim.Adagrad(p, lr=0.1)),
]


@pytest.mark.parametrize(("rule", "optimizer"), OPTIMIZERS, ids=[repr(rule) for rule, _ in OPTIMIZERS])
def test_a_seed_among_eight_is_a_plain_torch_loop(rule, optimizer):
    steps, seed = 15, 6
    experiment = setting(MLP(hidden=(7, 6)), rule, steps=steps)
    mine = trained([(experiment, s) for s in SEEDS])
    data = experiment.data.draw(generator(experiment.data, seed, "data"))
    start = experiment.model.init(experiment.data.inputs, generator(experiment.model, seed, "init"), torch.float64)

    net = torch.nn.Sequential(
        torch.nn.Flatten(),
        torch.nn.Linear(25, 7),
        torch.nn.ReLU(),
        torch.nn.Linear(7, 6),
        torch.nn.ReLU(),
        torch.nn.Linear(6, 1),
        torch.nn.Flatten(0),
    ).double()
    with torch.no_grad():
        for p, name in zip(net.parameters(), ("W1", "b1", "W2", "b2", "W3", "b3"), strict=True):
            p.copy_(start[name])
    theirs = optimizer(net.parameters())
    for points in order(24, rule.batch or 24, rule.replacement, seed, steps):
        points = points if rule.batch else torch.arange(24)
        theirs.zero_grad()
        torch.nn.functional.softplus(-data.y[points] * net(data.X[points])).mean().backward()
        theirs.step()
    for p, name in zip(net.parameters(), ("W1", "b1", "W2", "b2", "W3", "b3"), strict=True):
        torch.testing.assert_close(mine.arrays[f"final.{name}"][seed], p.detach(), rtol=1e-8, atol=1e-8)


def test_each_pass_without_replacement_is_a_permutation_in_whole_batches():
    experiment = setting(Linear(), SGD(0.1, 5), steps=12)
    rows = Batch([(experiment, seed) for seed in (0, 1)], CPU)
    batches = rows._batches()
    for row in (0, 1):
        passes = []
        for _ in range(3):
            found = [next(batches)[0][row] for _ in range(24 // 5)]
            matches = (torch.cat(found)[:, None] == rows.X[row][None]).flatten(2).all(2)
            points = matches.nonzero()[:, 1].tolist()
            assert len(points) == len(set(points)) == 20
            passes.append(points)
        assert passes[0] != passes[1] != passes[2]


def test_one_pass_of_as_many_points_as_steps_take_is_online_descent():
    experiment = setting(Linear(), SGD(0.1, 1), steps=24)
    rows = Batch([(experiment, 0)], CPU)
    seen = torch.cat([X[0] for (X, _), _ in zip(rows._batches(), range(24), strict=False)])
    assert torch.equal(seen.flatten(1).sort(0).values, rows.X[0].flatten(1).sort(0).values)


def test_with_replacement_points_are_uniform_and_independent():
    experiment = setting(Linear(), SGD(0.1, 6, replacement=True))
    rows = Batch([(experiment, 0)], CPU)
    taken = torch.cat([X[0] for (X, _), _ in zip(rows._batches(), range(4000), strict=False)])
    counts = (taken[:, None, 0, 0, 0] == rows.X[0][None, :, 0, 0, 0]).sum(0).double()
    expected = 4000 * 6 / 24
    assert float(((counts - expected) ** 2 / expected).sum()) < 23 + 5 * 46**0.5  # chi square of 23 degrees
    assert counts.sum() == 24000


def test_gradient_descent_on_a_linear_model_is_its_closed_form():
    """w_T = (I - (I - eta H)^T) H^-1 b on the square loss from zero."""
    experiment = setting(Linear(), GD(0.1), loss=Square(), steps=50, data=Clouds(n=24, inputs=(6,)))
    mine = trained([(experiment, seed) for seed in SEEDS]).arrays["final.w"]
    for seed in SEEDS:
        data = experiment.data.draw(generator(experiment.data, seed, "data"))
        H, b = data.X.T @ data.X / 24, data.X.T @ data.y.double() / 24
        decay = torch.linalg.matrix_power(torch.eye(6, dtype=torch.float64) - 0.1 * H, 50)
        w = torch.linalg.solve(H, b)
        torch.testing.assert_close(mine[seed], w - decay @ w, rtol=1e-11, atol=1e-12)
