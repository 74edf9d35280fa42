"""Code that draws for itself, or mixes seeds.

Measured: the weights, where there are any.
"""

import random
from dataclasses import dataclass, replace

import numpy as np
import torch
from mine.data import Points, about

from gen_core import GD, Data, Experiment, Linear, Run, claim, expect


@dataclass(frozen=True)
class GlobalPoints(Points):
    def draw(self, generator: torch.Generator) -> Data:
        data = super().draw(generator)
        return replace(data, X=data.X + 0.01 * torch.randn(data.X.shape))


@dataclass(frozen=True)
class GlobalStart(Linear):
    def init(self, inputs, generator, dtype):
        return {"w": super().init(inputs, generator, dtype)["w"] + np.random.rand()}  # noqa: NPY002


@dataclass(frozen=True)
class GlobalStep(GD):
    def update(self, params, grads, state, rate):
        super().update(params, {name: g + 0.01 * random.random() for name, g in grads.items()}, state, rate)


@dataclass(frozen=True)
class MixedModel(Linear):
    def forward(self, params, X):
        return super().forward(params, X) / (1 + params["w"].norm())


@dataclass(frozen=True)
class MixedRule(GD):
    def update(self, params, grads, state, rate):
        norm = torch.stack([g.norm() for g in grads.values()]).norm()
        super().update(params, {name: g / (1 + norm) for name, g in grads.items()}, state, rate)


@dataclass(frozen=True)
class MixedLoss:
    def per_point(self, f, y):
        each = (f - y) ** 2
        return each / (1 + each.mean())


def beside(**parts: object) -> dict:
    """A claim whose recipe has these parts."""
    usual = about(Points())
    given: Experiment = replace(usual["given"], **parts)
    without = {name: replace(given, data=control.data) for name, control in usual["without"].items()}
    return {**usual, "given": given, "without": without}


def judge(run: Run) -> None:
    expect(run.w.abs().amax(1), "largest weight").at_most(100.0)


@claim(**beside(data=GlobalPoints()))
def test_global_points(run: Run) -> None:
    judge(run)


@claim(**beside(model=GlobalStart()))
def test_global_start(run: Run) -> None:
    judge(run)


@claim(**beside(rule=GlobalStep(0.1)))
def test_global_step(run: Run) -> None:
    judge(run)


@claim(**beside(model=MixedModel()))
def test_mixed_model(run: Run) -> None:
    judge(run)


@claim(**beside(rule=MixedRule(0.1)))
def test_mixed_rule(run: Run) -> None:
    judge(run)


@claim(**beside(loss=MixedLoss()))
def test_mixed_loss(run: Run) -> None:
    judge(run)
