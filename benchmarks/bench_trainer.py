"""The batched trainer beside the loop that a user would write: one module and one `torch.optim.SGD` for each seed.

Both start from the same weights, see the same points in the same order, and must end at the same loss; each time is for
all seeds, drawing data and weights included. One thread, on the CPU.
"""

from collections.abc import Callable

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor, nn

from fixtures.synthetic import Sinusoid
from gen_core import MLP, SGD, Experiment, Linear, Logistic
from gen_core.device import settle
from gen_core.run import draw
from gen_core.seeding import generator
from gen_core.trainer import train

N, BATCH, STEPS, RATE = 4096, 64, 500, 0.1
ROUNDS = 5
MODELS = {"mlp": MLP(hidden=(256,)), "linear": Linear()}


def batched(experiment: Experiment, seeds: range) -> Tensor:
    """Losses over the training set after the last step, (seeds,)."""
    rows = [(experiment, seed) for seed in seeds]
    return torch.cat([trained.arrays["train_loss"] for _, trained in train(rows, torch.device("cpu"))])


def plain(experiment: Experiment, seeds: range) -> Tensor:
    """The same, one seed after the other."""
    return torch.stack([_plain(experiment, seed) for seed in seeds])


def _plain(experiment: Experiment, seed: int) -> Tensor:
    data, net = draw(experiment, seed), _module(experiment, seed)
    optimizer, criterion = torch.optim.SGD(net.parameters(), lr=RATE), nn.SoftMarginLoss()
    order, step = generator((N, BATCH, False), seed, "order"), 0
    while step < STEPS:
        for index in torch.randperm(N, generator=order).split(BATCH)[: STEPS - step]:
            optimizer.zero_grad()
            criterion(net(data.X[index]).squeeze(1), data.y[index]).backward()
            optimizer.step()
            step += 1
    with torch.no_grad():
        return criterion(net(data.X).squeeze(1), data.y)


def _module(experiment: Experiment, seed: int) -> nn.Module:
    model, inputs = experiment.model, experiment.data.inputs
    start = model.init(inputs, generator(model, seed, "init"), torch.float32)
    if isinstance(model, MLP):
        net = nn.Sequential(nn.Linear(*inputs, 256), nn.ReLU(), nn.Linear(256, 1))
        values = [start[name] for name in ("W1", "b1", "W2", "b2")]
    else:
        net = nn.Linear(*inputs, 1, bias=False)
        values = [start["w"][None]]
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), values, strict=True):
            parameter.copy_(value)
    return net


@pytest.mark.parametrize("loop", [batched, plain], ids=lambda loop: loop.__name__)
@pytest.mark.parametrize("seeds", [8, 32])
@pytest.mark.parametrize("model", MODELS)
def test_training(
    benchmark: BenchmarkFixture,
    speeds: dict[tuple[str, int], dict[str, float]],
    model: str,
    seeds: int,
    loop: Callable[[Experiment, range], Tensor],
) -> None:
    settle()
    experiment = Experiment(
        data=Sinusoid(n=N, d=100), model=MODELS[model], rule=SGD(rate=RATE, batch=BATCH), loss=Logistic(), steps=STEPS
    )
    benchmark.group = f"{model}, {seeds} seeds"

    loss = benchmark.pedantic(loop, (experiment, range(seeds)), rounds=ROUNDS, warmup_rounds=1)

    # float32 sums in another order: 500 steps leave a relative difference of about 1e-6
    torch.testing.assert_close(loss[:2], plain(experiment, range(2)), rtol=1e-4, atol=0)
    if benchmark.stats:
        speed = STEPS * seeds / benchmark.stats.stats.min
        speeds.setdefault((model, seeds), {})[loop.__name__] = speed
        benchmark.extra_info["network-steps per second"] = round(speed)
