"""Small least squares of a linear teacher, for the tests of rows."""

from dataclasses import dataclass

import torch

from gen_core import GD, Data, Every, Experiment, Linear, Square

SEEDS = range(6)


@dataclass(frozen=True)
class Teacher:
    """Gaussian inputs with targets of a linear teacher."""

    n: int = 20
    inputs: tuple[int, ...] = (5,)
    n_test: int = 13
    labels: str = "signs"

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n + self.n_test, *self.inputs, generator=generator, dtype=torch.float64)
        w = torch.randn(*self.inputs, generator=generator, dtype=torch.float64)
        y = X @ w
        if self.labels == "signs":
            y = y.sign()
        elif self.labels == "classes":
            y = (y > 0).long() + (y > 1)
        return Data(X[: self.n], y[: self.n], X[self.n :], y[self.n :])


LEAST_SQUARES = Experiment(
    data=Teacher(labels="real"),
    model=Linear(),
    rule=GD(0.1),
    loss=Square(),
    steps=400,
    checkpoints=Every(50),
    watch=("weights", "train_loss", "train_accuracy", "test_classes"),
    dtype="float64",
)
