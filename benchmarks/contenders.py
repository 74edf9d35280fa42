"""Ways to train the same networks: this project's, and what one would write instead.

Each takes a case and gives a function that trains its networks from their starts, on the same points in the same order,
and returns the losses over the training sets, (seeds,). What is drawn and compiled before is not timed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

from benchmarks.cases import RATE, Case, N
from gen_core import ConvNet, LiLiang, Linear
from gen_core.training.batch import Batch
from gen_core.training.draws import initial_parameters, sample_data
from gen_core.training.seeding import generator

Train = Callable[[], Tensor]


def ours(case: Case) -> Train:
    rows = Batch([(case.experiment, seed) for seed in range(case.seeds)], torch.device("cpu"))
    return lambda: rows.train(lambda _: None).arrays["train_loss"]


def loop(case: Case) -> Train:
    """One `nn.Module` and one `torch.optim.SGD` a seed, one seed after the other."""
    networks, loss = [network(case, seed) for seed in range(case.seeds)], criterion(case)
    data, orders = [points(case, seed) for seed in range(case.seeds)], [order(case, seed) for seed in range(case.seeds)]

    def one(net: nn.Module, X: Tensor, y: Tensor, batches: Tensor) -> Tensor:
        optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=RATE)
        for index in batches:
            optimizer.zero_grad()
            loss(net(X[index]), y[index]).backward()
            optimizer.step()
        with torch.no_grad():
            return loss(net(X), y)

    return lambda: torch.stack([one(n, *d, o) for n, d, o in zip(networks, data, orders, strict=True)])


def mapped(case: Case) -> Train:
    """All seeds at once by `vmap(grad(functional_call))`."""
    networks, loss = [network(case, seed) for seed in range(case.seeds)], criterion(case)
    params, _ = stack_module_state(networks)  # pyright: ignore[reportArgumentType]
    params = {name: p.detach() for name, p in params.items()}
    names = [name for name, p in networks[0].named_parameters() if p.requires_grad]
    X, y = (torch.stack(parts) for parts in zip(*(points(case, seed) for seed in range(case.seeds)), strict=True))
    batches = torch.stack([order(case, seed) for seed in range(case.seeds)])
    seeds = torch.arange(case.seeds).unsqueeze(1)

    def of(trained: dict[str, Tensor], fixed: dict[str, Tensor], X: Tensor, y: Tensor) -> Tensor:
        return loss(functional_call(networks[0], {**fixed, **trained}, (X,)), y)

    gradients = vmap(grad(of))

    def train() -> Tensor:
        trained = {name: params[name].clone() for name in names}
        fixed = {name: p for name, p in params.items() if name not in names}
        for step in range(case.experiment.steps):
            index = batches[:, step]
            for name, g in gradients(trained, fixed, X[seeds, index], y[seeds, index]).items():
                trained[name] -= RATE * g
        return vmap(of)(trained, fixed, X, y)

    return train


def jax(case: Case) -> Train:
    """All seeds at once by JAX, vmap in jit; all steps in one compiled loop but for convolutions, slower in a loop."""
    from benchmarks.in_jax import training

    starts = [initial_parameters(case.experiment, seed) for seed in range(case.seeds)]
    drawn = [points(case, seed) for seed in range(case.seeds)]
    train = training(
        case,
        {name: torch.stack([s[name] for s in starts]).numpy() for name in starts[0]},
        torch.stack([X for X, _ in drawn]).numpy(),
        torch.stack([y for _, y in drawn]).numpy(),
        torch.stack([order(case, seed) for seed in range(case.seeds)], 1).numpy(),
    )
    return lambda: torch.from_numpy(train())


CONTENDERS: Mapping[str, Callable[[Case], Train]] = {"ours": ours, "loop": loop, "vmap": mapped, "jax": jax}
MISSING = {} if find_spec("jax") else {"jax": "JAX is not installed: pip install 'gen-core[jax]'"}


def points(case: Case, seed: int) -> tuple[Tensor, Tensor]:
    """Points and labels of a seed, as the trainer draws them."""
    data = sample_data(case.experiment, seed)
    return data.X.float(), data.y.float() if data.y.is_floating_point() else data.y


def order(case: Case, seed: int) -> Tensor:
    """Indices of the points of each step, (steps, batch), as the trainer draws them."""
    batch, steps = case.experiment.rule.batch or N, case.experiment.steps
    order, passes = generator((N, batch, False), seed, "order"), -(-steps // (N // batch))
    return torch.cat([torch.randperm(N, generator=order).view(-1, batch) for _ in range(passes)])[:steps]


def network(case: Case, seed: int) -> nn.Module:
    """A seed's network as a module of torch, at its start."""
    model, values = case.experiment.model, initial_parameters(case.experiment, seed)
    (inputs, *_), one = case.experiment.data.inputs, model.outputs == 1
    if isinstance(model, Linear):
        net = nn.Sequential(nn.Linear(inputs, 1, bias=False))
        values = {"w": values["w"][None]}
    elif isinstance(model, LiLiang):
        net = nn.Sequential(
            nn.Linear(inputs, model.width, bias=False), nn.ReLU(), nn.Linear(model.width, 10, bias=False)
        )
        net[2].requires_grad_(False)
    elif isinstance(model, ConvNet):
        convolution = {"kernel_size": 3, "stride": 2, "padding": 1}
        images = nn.Conv2d(1, 8, **convolution), nn.ReLU(), nn.Conv2d(8, 16, **convolution), nn.ReLU()
        net = nn.Sequential(*images, nn.Flatten(), nn.Linear(784, 1))
    else:
        hidden = values["b1"].numel()
        net = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, 1))
    if one:
        net.append(nn.Flatten(0))
    named = ("w", "W", "a") if isinstance(model, (Linear, LiLiang)) else [f"{p}{k}" for k in (1, 2, 3) for p in "Wb"]
    with torch.no_grad():
        ordered = [values[name] for name in named if name in values]
        for parameter, value in zip(net.parameters(), ordered, strict=True):
            parameter.copy_(value)
    return net


def criterion(case: Case) -> Callable[[Tensor, Tensor], Tensor]:
    """The mean loss of a batch; vmap has no rule for `nn.SoftMarginLoss`."""
    if case.experiment.model.outputs > 1:
        return nn.CrossEntropyLoss()
    return lambda f, y: nn.functional.softplus(-y * f).mean()
