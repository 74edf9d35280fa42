"""Points of a linear teacher, whose slope is found in one of several places."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from gen_core import GD, Assumption, Data, Experiment, Linear, Paper, Square
from mine.teacher import SLOPE, bend


@dataclass(frozen=True)
class Points:
    """Gaussian points with targets slope * sum of x, and noise."""

    noise: float = 0.0
    n: int = 40
    inputs: tuple[int, ...] = (3,)

    def slope(self) -> float:
        """The teacher's slope."""
        return SLOPE

    def draw(self, generator: torch.Generator) -> Data:
        """Points of one seed."""
        X, e = torch.randn(self.n, 3, generator=generator), torch.randn(self.n, generator=generator)
        return Data(X, self.slope() * X.sum(1) + self.noise * e)


@dataclass(frozen=True)
class Bent(Points):
    """Its slope goes through a function of another module."""

    def slope(self) -> float:
        """The teacher's slope."""
        return bend(1.0)


@dataclass(frozen=True)
class Read(Points):
    """Its slope is read from a file."""

    def slope(self) -> float:
        """The teacher's slope."""
        return float((Path(__file__).parent / "slope.txt").read_text())


PAPER = Paper("mine", "A. Author", "On slopes", 2026)
noiseless = Assumption("noiseless", "no noise", lambda experiment, data: (experiment.data.noise == 0, "noise"))


def descent(points: Points) -> Experiment:
    """Least squares, to its end."""
    return Experiment(data=points, model=Linear(), rule=GD(0.3), loss=Square(), steps=200)


def about(points: Points) -> dict:
    """What a claim of these points needs besides its measure."""
    noisy = descent(replace(points, noise=50.0))
    return {"cite": PAPER.at("1"), "given": descent(points), "assuming": [noiseless], "without": {noiseless: noisy}}
