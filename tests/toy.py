"""A toy paper: linear regression on three coordinates, whose loss is small where labels carry no noise."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import numpy as np
import torch

from gen_core import (
    GD,
    AtScale,
    Data,
    DataDamaged,
    DataMissing,
    Experiment,
    Linear,
    Paper,
    Run,
    Square,
    assumption,
    claim,
    expect,
)

__all__ = [
    "GD",
    "TOY",
    "AtScale",
    "DataDamaged",
    "DataMissing",
    "Paper",
    "Points",
    "assumption",
    "claim",
    "clean",
    "expect",
    "loss",
    "noiseless",
    "noisy",
    "np",
    "os",
    "replace",
    "torch",
]


@dataclass(frozen=True)
class Points:
    n: int = 60
    d: int = 3
    noise: float = 0.0

    @property
    def inputs(self) -> tuple[int, ...]:
        return (self.d,)

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n, self.d, generator=generator, dtype=torch.float64)
        return Data(X, X.sum(1) + self.noise * torch.randn(self.n, generator=generator, dtype=torch.float64))


@assumption
def noiseless(experiment: Experiment, data: Data) -> tuple[bool, str]:
    """Labels carry no noise."""
    return experiment.data.noise == 0, f"noise {experiment.data.noise:g}"


def loss(run: Run) -> torch.Tensor:
    return run.result.arrays["train_loss"]


clean = Experiment(data=Points(), model=Linear(), rule=GD(rate=0.1), loss=Square(), steps=20, dtype="float64")
noisy = replace(clean, data=Points(noise=100.0))
TOY = {
    "cite": Paper("toy", "A. Author", "On toys", 2020).at("Theorem 1"),
    "given": clean,
    "assuming": (noiseless,),
    "without": {noiseless: noisy},
}
