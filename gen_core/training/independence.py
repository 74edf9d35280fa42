"""Seeds are independent only if each row of a batch depends on its own numbers alone: a check of foreign code.

Two rows take two steps together, then each of them beside a third row, which is frozen at another start, ten times as
large. The shapes are the same, and so is all rounding: what differs, one row has taken from another. Alone, products of
matrices are rounded differently, which some rules amplify where gradients vanish; so there only the losses and the
lengths of the steps are compared, roughly: what is divided by the number of rows is off by a factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.training.apart import EXPECTED, LARGER, SAME, agree, largest_entry
from gen_core.training.batch import Batch, Replica
from gen_core.training.foreign import foreign
from gen_core.training.points import Pools
from gen_core.training.steps import make_stepper
from gen_core.training.streams import GivenStreams, OwnNumbers

STEPS = 2

ALIKE = 0.2
"""Largest relative difference between the lengths of a row's steps beside another row and alone."""

CLOSE = 0.01
"""Largest relative difference between a row's losses beside another row and alone, at the same start."""

NOTHING = 1e-4
"""A loss that may be rounding alone."""

OVERFLOWING = 1e20
"""A loss whose gradient may not be finite in float32."""

LOSS = "the training loss"

_checked: set[tuple[str, torch.device]] = set()
"""What has been checked: batch keys, by device."""


class Steps(NamedTuple):
    """Rows before and after some steps: trained parameters, name -> (rows, ...), and values, name -> (rows, 2, ...)."""

    start: dict[str, Tensor]
    end: dict[str, Tensor]
    values: dict[str, Tensor]

    def length(self, row: int) -> float:
        """The length of a row's steps together."""
        squares = [(end[row] - self.start[name][row]).double().square().sum() for name, end in self.end.items()]
        return float(torch.stack(squares).sum().sqrt())


class Trial(Batch):
    """Rows that take a few steps, whose results are not kept."""

    @property
    def who(self) -> str:
        """Who trains, in messages."""
        return f"the training of {foreign(self.experiment)}"

    def take(self, frozen: int | None = None) -> Steps:
        """Take the steps, where one row may be frozen at a larger start; values are the loss and what is watched."""
        if frozen is not None:
            self._enlarge(frozen)
            self.rate[frozen] = 0.0
        start = {name: value.detach().clone() for name, value in self.trained.items()}
        with GivenStreams(self.streams, self.who):
            stepper = make_stepper(self.experiment, self.params, self.trained, self.rate, self._streams)
        on_gradient_norms = None if self.experiment.stop.gradient is None else lambda norms, taken: None
        batches, losses = self._batches(), [self._evaluate()[0]]
        self._watch(0)
        for _ in range(STEPS):
            X, y = next(batches)
            with GivenStreams(self.streams, self.who):
                stepper.step(X, y, on_gradient_norms)
        self.evaluated = None
        losses.append(self._evaluate()[0])
        self._watch(STEPS)
        values = {LOSS: torch.stack(losses, 1), **self.watching.records}
        end = {name: value.detach() for name, value in self.trained.items()}
        return Steps(start, end, {name: pair[:, :2].double() for name, pair in values.items()})

    @torch.no_grad()
    def _enlarge(self, row: int) -> None:
        kept = {name: value[row].clone() for name, value in self.trained.items()}
        for value in self.trained.values():
            value[row] *= LARGER
        if not self._evaluate()[0][row] < OVERFLOWING:
            for name, value in self.trained.items():
                value[row] = kept[name]
        self.evaluated = None


def require_independent(rows: Sequence[Replica], device: torch.device, pools: Pools | None = None) -> None:
    """Check two of the rows of a batch if any type of their model, rule, loss or observables is not gen_core's own.

    Once per batch key, device and process. Cost: five batches of one or two rows, with their draws, `STEPS` steps and
    two evaluations each.

    Raises:
        InvalidExperiment: if a row depends on another one or on their number, or moves at a rate of 0.
    """
    experiment, last = rows[0][0], max(seed for _, seed in rows)
    if experiment.after is not None:
        require_independent([(e.after, seed) for e, seed in rows if e.after is not None], device, pools)
    who = foreign(experiment)
    if not who or (once := (experiment.batch_key(), device)) in _checked:
        return

    def taken(rows: list[Replica], frozen: int | None = None) -> Steps:
        trial = Trial(rows, device, pools)
        with OwnNumbers(trial.who):
            return trial.take(frozen)

    pair, third = [rows[0], rows[-1] if len(rows) > 1 else (experiment, last + 1)], (experiment, last + 2)
    together = taken(pair)
    for place, row in enumerate(pair):
        beside = taken([third if at != place else row for at in (0, 1)], frozen=1 - place)
        _compare(f"{who} mixes seeds", row[1], together, beside, place)
        _compare_frozen(who, beside, 1 - place)
        _compare_alone(f"{who} mixes seeds", row[1], together, taken([row]), place)
    _checked.add(once)


def _compare(what: str, seed: int, one: Steps, other: Steps, row: int) -> None:
    """Compare a row beside one row and beside another one."""
    for name, end in one.end.items():
        size = largest_entry(end[row] - one.start[name][row])
        if end.device.type != "cpu":  # where sums may come in any order
            size += torch.finfo(end.dtype).eps / SAME * largest_entry(end[row])
        _require_same(f"{what}: {name}", seed, end[row], other.end[name][row], size)
    for name, value in one.values.items():
        _require_same(f"{what}: {name}", seed, value[row], other.values[name][row], largest_entry(value[row]))


def _require_same(what: str, seed: int, one: Tensor, other: Tensor, size: float) -> None:
    if not agree(one, other, size):
        off = float((one - other).abs().max())
        raise InvalidExperiment(f"{what} of seed {seed} is off by {off:.2g} beside another seed; {EXPECTED}")


def _compare_frozen(who: str, steps: Steps, row: int) -> None:
    for name, end in steps.end.items():
        if not torch.equal(end[row], steps.start[name][row]):
            raise InvalidExperiment(
                f"{who} changes {name} of a row whose rate is 0; expected steps that scale with the row's `rate`, not "
                "with the recipe's"
            )


def _compare_alone(what: str, seed: int, together: Steps, alone: Steps, row: int) -> None:
    loss, lone = float(together.values[LOSS][row, 0]), float(alone.values[LOSS][0, 0])
    if abs(loss - lone) > CLOSE * max(abs(loss), abs(lone), NOTHING):
        found = f"seed {seed} has loss {loss:g} beside another seed and {lone:g} alone"
        raise InvalidExperiment(f"{what}: {found}; {EXPECTED}")
    moved, lonely = together.length(row), alone.length(0)
    norm = sum(float(value[row].norm()) * torch.finfo(value.dtype).eps for value in together.start.values())
    if abs(moved - lonely) > ALIKE * max(moved, lonely) + 1e3 * norm:
        found = f"seed {seed} moves by {moved:g} beside another seed and by {lonely:g} alone"
        raise InvalidExperiment(f"{what}: {found}; {EXPECTED}")
