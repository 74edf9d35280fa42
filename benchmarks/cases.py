"""What the trainers are timed on: the shapes that the papers train most."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator

from gen_core import MLP, SGD, ConvNet, CrossEntropy, Data, Experiment, LiLiang, Linear, Logistic
from gen_core.models.contract import Model

N, RATE = 512, 0.01


@dataclass(frozen=True)
class Points:
    """Points of norm 1 or so, without a pattern: what is learned does not change what a step takes."""

    inputs: tuple[int, ...]
    classes: int = 2
    n: int = N

    def draw(self, generator: Generator) -> Data:
        X = torch.randn(self.n, *self.inputs, generator=generator, dtype=torch.float64) / math.prod(self.inputs) ** 0.5
        y = torch.randint(self.classes, (self.n,), generator=generator)
        return Data(X, y if self.classes > 2 else 2.0 * y.double() - 1)


@dataclass(frozen=True)
class Case:
    """An experiment, its seeds, and the multiply-adds that a step takes for one point of one network.

    `products` counts what the mathematics needs: the forward pass, the gradient of each trained weight, and that of
    each layer's inputs but the first one's.
    """

    experiment: Experiment
    seeds: int
    products: int

    @property
    def network_steps(self) -> int:
        """Steps of a training, over all networks."""
        return self.experiment.steps * self.seeds

    @property
    def operations(self) -> float:
        """Floating-point operations of a training, its steps alone."""
        return 2.0 * self.products * (self.experiment.rule.batch or N) * self.network_steps


def _case(model: Model, inputs: tuple[int, ...], seeds: int, batch: int, products: int, steps: int = 128) -> Case:
    several = model.outputs > 1
    experiment = Experiment(
        data=Points(inputs, max(2, model.outputs)),
        model=model,
        rule=SGD(rate=RATE, batch=batch),
        loss=CrossEntropy() if several else Logistic(),
        steps=steps,
    )
    return Case(experiment, seeds, products)


CONVOLUTIONS = 8 * 14 * 14 * 9, 16 * 7 * 7 * 8 * 9
CASES = {
    "MLP 100-256-1": _case(MLP(hidden=(256,)), (100,), 32, 64, 2 * 100 * 256 + 3 * 256),
    "MLP 784-128-1": _case(MLP(hidden=(128,)), (784,), 16, 64, 2 * 784 * 128 + 3 * 128),
    # as many steps as in section 7 of the paper
    "Li-Liang 1000-1000-10": _case(LiLiang(1000, 10), (1000,), 5, 16, 2 * 1000 * 1000 + 2 * 1000 * 10, steps=400),
    "conv 1-8-16": _case(
        ConvNet(channels=(8, 16), hidden=()), (1, 28, 28), 8, 64, 2 * CONVOLUTIONS[0] + 3 * (CONVOLUTIONS[1] + 784)
    ),
    "linear 100": _case(Linear(), (100,), 32, 64, 2 * 100),
}
