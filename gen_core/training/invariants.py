"""What is true of every training, whatever is trained: checked on each batch, at next to no cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from gen_core.errors import BrokenTraining
from gen_core.experiment import Experiment
from gen_core.training.draws import initial_parameters, sample_data
from gen_core.training.points import Points, row_of
from gen_core.training.replicas import COINCIDENCE, Twins, mark, sampled, surprise
from gen_core.types import Data

Replica = tuple[Experiment, int]

ROUNDING = 1e-5
"""Relative difference between two evaluations of one loss at the same weights; in float32 it is 1e-7."""


def data_marks(data: Data) -> dict[str, int]:
    """Field -> mark of a seed's data."""
    return {name: mark(value) for name, value in vars(data).items() if value is not None}


def training_marks(experiment: Experiment, seed: int) -> tuple[int, int]:
    """Marks of a seed's training points and labels, drawn or from the cache."""
    data = vars(sample_data(experiment, seed))
    return mark(data["X"]), mark(data["y"])


def draws_apart(rows: Sequence[Replica], X: Points, y: Tensor, starts: Mapping[str, Tensor]) -> None:
    """Check that rows of different seeds have different data and starts, unless all seeds' draws are the same.

    Raises:
        BrokenTraining: naming two seeds.
    """
    twins = Twins()
    for i, (e, seed) in enumerate(rows):
        data = (row_of(X, i), y[i])
        start = tuple(value[i] for value in starts.values())
        other = twins.other(("data", e.data), seed, data)
        if other is not None and training_marks(e, seed) != training_marks(e, other):
            raise BrokenTraining(f"seeds {other} and {seed} train on the same data; expected each to train on its own")
        other = twins.other(("start", e.model, e.start), seed, start)
        if other is not None:
            own, others = (initial_parameters(e, s).values() for s in (seed, other))
            if not all(map(torch.equal, own, others)):
                raise BrokenTraining(f"seeds {other} and {seed} start at the same weights; expected each at its own")


class Epochs:
    """Checks the order of the points: each row has its own, and without replacement every point comes at most once."""

    def __init__(self, seeds: Sequence[int], replacement: bool) -> None:
        self.seeds, self.replacement, self.checked = seeds, replacement, 0
        self.before: list[Tensor] = []

    def check(self, drawn: list[Tensor]) -> None:
        """Check the order of an epoch: of the first two, since the others are drawn like these.

        Raises:
            BrokenTraining: naming seeds.
        """
        if self.checked == 2:
            return
        twins = Twins()
        for seed, order in zip(self.seeds, drawn, strict=True):
            other = twins.other("order", seed, (order,))
            if other is not None:
                raise BrokenTraining(f"seeds {other} and {seed} have one order of their points; expected one for each")
            if not self.replacement and len(order.unique()) < order.numel():
                raise BrokenTraining(f"seed {seed} has a point twice in one epoch; expected a draw without replacement")
        for seed, order, before in zip(self.seeds, drawn, self.before, strict=False):
            if surprise([order]) > COINCIDENCE and torch.equal(order, before):
                raise BrokenTraining(f"seed {seed} has one order of its points in two epochs; expected a new one")
        self.before, self.checked = drawn, self.checked + 1

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with some of the rows."""
        self.seeds, self.before = [self.seeds[row] for row in rows], [self.before[row] for row in rows if self.before]


class Witness:
    """Keeps some of the weights, to check that they are where they must be at the end.

    Args:
        experiment: one of the rows'.
        trained: the trained parameters, (rows, ...), which change in place.
    """

    def __init__(self, experiment: Experiment, trained: Mapping[str, Tensor]) -> None:
        self.experiment, self.trained = experiment, trained
        self.watched = self.ended = self._weights()

    def watch(self) -> None:
        """Keep the weights of a checkpoint."""
        self.watched = self._weights()

    def end(self, rows: Tensor) -> None:
        """Keep the weights of rows that have ended, bool (rows,)."""
        self.ended = torch.where(rows.unsqueeze(1), self._weights(), self.ended)

    def keep(self, rows: Tensor) -> None:
        """Go on with some of the rows, whose parameters have been taken out already."""
        self.watched, self.ended = self.watched[rows], self.ended[rows]

    def _weights(self) -> Tensor:
        return torch.cat([sampled(value, rows=1) for value in self.trained.values()], 1)

    def check(
        self,
        judged: Mapping[int, int],
        stopped_by: Sequence[str],
        ended_at: Sequence[int],
        watched: Tensor | None,
        loss: Tensor,
        accuracy: Tensor,
    ) -> None:
        """Check the end of some rows, but for those that have diverged.

        Args:
            judged: row -> seed.
            stopped_by: what ended each row, of all.
            ended_at: the step of each row's end.
            watched: each row's last recorded loss, (rows,), if it is recorded at checkpoints.
            loss: loss at the final weights, (rows,), evaluated now.
            accuracy: accuracy at the final weights, (rows,), evaluated now.

        Raises:
            BrokenTraining: naming a seed and what is wrong.
        """
        now, ended, last = (value.cpu() for value in (self._weights(), self.ended, self.watched))
        for row, seed in judged.items():
            reason = stopped_by[row]
            if reason == "diverged":
                continue
            if reason != "steps" and not torch.equal(now[row], ended[row]):
                raise BrokenTraining(
                    f"seed {seed} has ended at step {ended_at[row]} by its {reason}, and moved since; "
                    "expected the same weights"
                )
            if not torch.equal(now[row], last[row]):
                raise BrokenTraining(
                    f"seed {seed} has moved since its last checkpoint; expected it after the last step"
                )
            at_end, seen = float(loss[row]), float(loss[row] if watched is None else watched[row])
            if abs(seen - at_end) > ROUNDING * abs(seen):
                raise BrokenTraining(
                    f"seed {seed} has loss {at_end:g} at its last weights; expected {seen:g}, as watched"
                )
            self._check_stop(seed, reason, at_end, float(accuracy[row]))

    def _check_stop(self, seed: int, reason: str, loss: float, accuracy: float) -> None:
        stop, e = self.experiment.stop, self.experiment
        low = stop.loss is not None and loss <= stop.loss * (1 - ROUNDING)
        high = stop.loss is not None and loss > stop.loss * (1 + ROUNDING)
        right = stop.accuracy is not None and accuracy >= stop.accuracy
        at = f"loss {loss:g} and accuracy {accuracy:g}"
        if (reason == "loss" and high) or (reason == "accuracy" and not right):
            raise BrokenTraining(f"seed {seed} has ended by its {reason} at {at}; expected it to go on to {stop}")
        if reason == "steps" and (low or right) and e.steps in stop.evaluations(e.grid):
            raise BrokenTraining(f"seed {seed} has taken all steps, to {at}; expected it to end before, by {stop}")
