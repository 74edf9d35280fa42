"""Batch norm, trained and absorbed, against torch.nn and torch.optim; its forward pass is in test_networks."""

from dataclasses import dataclass, replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gen_core import (
    GD,
    MLP,
    SGD,
    ConvNet,
    CrossEntropy,
    Data,
    Every,
    Experiment,
    InvalidExperiment,
    MinusCopy,
    ResNet,
    Run,
    Stop,
)
from gen_core.models.contract import evaluated
from gen_core.training.cost import cost, group_memory
from gen_core.training.draws import initial_parameters
from gen_core.training.seeding import generator
from gen_core.training.trainer import train_rows as train
from tests.gen_core.models.torch_nets import outputs_of, torch_net

IMAGES = (2, 6, 5)
NETS = [
    MLP((7, 5), batch_norm=True, outputs=3),
    MLP((6,), batch_norm=True, bias=False, activation="tanh"),
    ConvNet((3, 4), batch_norm=True, hidden=(6,), outputs=3),
    ConvNet((3, 2), kernel=(4, 1), batch_norm=True, padding="valid", stride=1, hidden=(), bias=False),
    ResNet(3, 2, batch_norm=True, outputs=3),
]


@dataclass(frozen=True)
class Pictures:
    n: int = 12
    inputs: tuple[int, ...] = IMAGES
    n_test: int = 5

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n + self.n_test, *self.inputs, generator=generator, dtype=torch.float64)
        y = torch.randint(3, (self.n + self.n_test,), generator=generator)
        return Data(X[: self.n], y[: self.n], X[self.n :], y[self.n :])


def of_seeds(model, count=3):
    """Parameters of which none is at its start."""
    g = torch.Generator().manual_seed(7)
    rows = [model.init(IMAGES, torch.Generator().manual_seed(s), torch.float64) for s in range(count)]
    params = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
    return {k: v + 0.3 * torch.randn(v.shape, generator=g, dtype=torch.float64) for k, v in params.items()}


def with_statistics(net: nn.Sequential, X: torch.Tensor) -> nn.Sequential:
    """The net as it is evaluated: running statistics are those of all X."""

    def note(module: nn.Module, args: tuple[torch.Tensor]) -> None:
        units = args[0].transpose(0, 1).flatten(1)
        module.momentum = 0.0
        module.running_mean, module.running_var = units.mean(1), units.var(1, correction=0)

    hooks = [
        m.register_forward_pre_hook(note) for m in net.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))
    ]
    assert hooks
    with torch.no_grad():
        net(X)
    for hook in hooks:
        hook.remove()
    return net.eval()


@pytest.mark.parametrize("model", NETS, ids=repr)
def test_the_absorbed_network_is_torchs_in_eval_mode(model):
    params = {name: p.requires_grad_() for name, p in of_seeds(model).items()}
    g = torch.Generator().manual_seed(1)
    X = 1 + 2 * torch.randn(3, 11, *IMAGES, generator=g, dtype=torch.float64)
    elsewhere = torch.randn(3, 1, *IMAGES, generator=g, dtype=torch.float64)
    plain, weights = model.absorbed(params, X)
    assert plain == replace(model, batch_norm=False, bias=True)
    assert tuple(sorted(weights)) == tuple(sorted(plain.trainable))
    assert plain.absorbed is None
    assert evaluated(plain, weights, lambda: 1 / 0) == (plain, weights)
    for name, p in plain.init(IMAGES, g, torch.float64).items():
        assert weights[name].shape == (3, *p.shape)
        assert weights[name].is_contiguous()
    for s in range(3):
        net = with_statistics(torch_net(model, {k: v[s] for k, v in params.items()}, IMAGES), X[s])
        row = {k: v[s : s + 1] for k, v in weights.items()}
        for points in (X, elsewhere):
            found = plain.forward(row, points[s : s + 1])[0]
            torch.testing.assert_close(found, outputs_of(net, model, points[s]), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("model", NETS, ids=repr)
def test_outputs_on_the_training_points_stay_as_they_were(model):
    params = of_seeds(model)
    X = torch.randn(3, 11, *IMAGES, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    plain, weights = evaluated(model, params, X)
    torch.testing.assert_close(plain.forward(weights, X), model.forward(params, X), rtol=1e-12, atol=1e-12)


def test_a_model_minus_its_copy_absorbs_both():
    model = MinusCopy(NETS[2])
    own = of_seeds(NETS[2])
    params = own | {f"{name}_copy": p.flip(0) for name, p in own.items()}
    g = torch.Generator().manual_seed(1)
    X, elsewhere = (torch.randn(3, n, *IMAGES, generator=g, dtype=torch.float64) for n in (11, 4))
    plain, weights = evaluated(model, params, X)
    torch.testing.assert_close(plain.forward(weights, X), model.forward(params, X), rtol=1e-12, atol=1e-12)
    parts = [evaluated(NETS[2], p, X) for p in (own, {name: p.flip(0) for name, p in own.items()})]
    f, f0 = (net.forward(p, elsewhere) for net, p in parts)
    torch.testing.assert_close(plain.forward(weights, elsewhere), f - f0, rtol=1e-12, atol=1e-12)


def trained_by_torch(experiment, seed):
    """The net after the training, by torch.optim, and what it was trained on."""
    data = experiment.data.draw(generator(experiment.data, seed, "data"))
    net = torch_net(experiment.model, initial_parameters(experiment, seed), IMAGES)
    optimizer = torch.optim.SGD(net.parameters(), experiment.rule.rate)
    n, size = experiment.data.n, experiment.rule.batch or experiment.data.n
    order = generator((n, size, False), seed, "order")
    batches = []
    for _ in range(experiment.steps):
        if not batches:
            batches = list((torch.randperm(n, generator=order) if size < n else torch.arange(n)).view(-1, size))
        at = batches.pop(0)
        optimizer.zero_grad()
        F.cross_entropy(net(data.X[at]), data.y[at]).backward()
        optimizer.step()
    return net, data


@pytest.mark.parametrize("model", [model for model in NETS if model.outputs == 3], ids=repr)
@pytest.mark.parametrize("rule", [GD(0.3), SGD(0.3, 4)], ids=repr)
def test_a_training_is_torchs_and_is_evaluated_in_eval_mode(model, rule, monkeypatch):
    monkeypatch.setattr("gen_core.training.watching.EVALUATED", 5)  # points, whose own statistics do not count
    experiment = Experiment(
        data=Pictures(), model=model, rule=rule, loss=CrossEntropy(), steps=7, dtype="float64",
        checkpoints=Every(7), watch=("train_loss", "test_classes"),
    )  # fmt: skip
    seeds = (0, 1, 2)
    [(_, result)] = train([(experiment, seed) for seed in seeds], torch.device("cpu"))
    run = Run(experiment, seeds, result)
    f = run.outputs(run.X_test)
    for s, seed in enumerate(seeds):
        net, data = trained_by_torch(experiment, seed)
        for name, p in zip(model.trainable, net.parameters(), strict=True):
            torch.testing.assert_close(run.weights(name)[s], p.detach(), rtol=1e-9, atol=1e-10)
        with torch.no_grad():
            still = with_statistics(net, data.X)
            expected = still(data.X_test)
            loss = F.cross_entropy(still(data.X), data.y)
        torch.testing.assert_close(f[s], expected, rtol=1e-9, atol=1e-10)
        torch.testing.assert_close(run.train_loss[s], loss, rtol=1e-9, atol=1e-10)
        torch.testing.assert_close(run.watched("train_loss")[s, -1], loss, rtol=1e-9, atol=1e-10)
        assert torch.equal(run.watched("test_classes")[s, -1].long(), expected.argmax(1))


def test_a_batch_of_one_point_has_no_statistics():
    X = torch.randn(3, 1, *IMAGES, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for model in NETS:
        with pytest.raises(InvalidExperiment, match=r"^batch norm of a batch of 1 point; expected at least 2$"):
            model.forward(of_seeds(model), X)


def test_evaluations_cost_a_pass_of_all_training_points_more():
    base = Experiment(
        data=Pictures(n=5000), model=NETS[2], rule=SGD(0.1, 10), loss=CrossEntropy(), steps=100, stop=Stop(loss=0.1),
        checkpoints=Every(50),
    )  # fmt: skip
    plain = replace(base, model=replace(NETS[2], batch_norm=False))
    size, other = base.model.size(IMAGES), plain.model.size(IMAGES)
    assert (size.multiply_adds, size.parameters) == (other.multiply_adds, other.parameters + 3 + 4 + 6)
    evaluated_at = {*base.grid, *base.stop.evaluations(base.grid)}
    more = len(evaluated_at) * 5000 * size.multiply_adds
    assert cost(base).operations - cost(plain).operations == more
    assert group_memory([(base, 1)], "cpu") > group_memory([(plain, 1)], "cpu")  # a pass of all points of one seed
