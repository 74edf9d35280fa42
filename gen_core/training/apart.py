"""A row of a batch takes the step that it would take beside any other row: looked at again as a training goes on.

What mixes rows, or draws numbers of its own, may do so only after a while, as a rule with a warm-up does. So on some
steps of foreign code two rows take the same step once more, the second one moved and frozen: the first must end alike.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.experiment import Experiment
from gen_core.rules import State, Streams
from gen_core.training.foreign import foreign
from gen_core.training.leaving import rows_of
from gen_core.training.steps import make_stepper
from gen_core.training.streams import GivenStreams, OwnNumbers

LARGER = 10.0
"""Factor on the weights of the row beside: what is clipped, or scaled by the largest row, shows."""

SAME = 1e-5
"""Largest difference between rows of equal shapes, in steps or values. On a CPU there is none."""

TRIALS = ((1.0, False), (1.0, False), (LARGER, True))
"""Twice as it is, and once beside a row that is moved and frozen: factor on its weights, and whether it is frozen."""

EXPECTED = "expected each row to depend on its own numbers alone"


class Training(Protocol):
    """What a batch that trains shows: see `gen_core.training.batch.Batch`."""

    experiment: Experiment
    rows: list[tuple[Experiment, int]]
    params: dict[str, Tensor]
    trained: dict[str, Tensor]
    rate: Tensor
    alive: Tensor
    streams: list[torch.Generator]

    @property
    def state(self) -> State:
        """The rule's state."""
        ...


def looked_at(experiment: Experiment) -> frozenset[int]:
    """The steps to look at: 4, 8, 16 and so on, and the last; none where all code is gen_core's own."""
    if not experiment.steps or not foreign(experiment):
        return frozenset()
    return frozenset(2**i for i in range(2, experiment.steps.bit_length())) | {experiment.steps}


def largest_entry(value: Tensor) -> float:
    """The largest absolute value, of the entries that are finite."""
    return float(value.abs().nan_to_num(0, 0, 0).max()) if value.numel() else 0.0


def agree(one: Tensor, other: Tensor, size: float) -> bool:
    """Whether two results of equal shapes differ by rounding alone, where steps or values are of this size."""
    return torch.allclose(one, other, rtol=0.0, atol=SAME * size, equal_nan=True)


def step_apart(batch: Training, step: int, X: Tensor, y: Tensor) -> None:
    """Check the step that a batch is about to take. Cost: three steps of two rows.

    Args:
        batch: a batch that trains.
        step: the step.
        X: its points, (rows, batch, *inputs).
        y: their labels.

    Raises:
        InvalidExperiment: if a row's step depends on another row, or comes out otherwise when it is taken again.
    """
    who, rows = foreign(batch.experiment), batch.alive.nonzero().flatten().tolist()[:1]
    if not rows:
        return
    pair = [rows[0], next((row for row in range(len(batch.rows)) if row != rows[0]), rows[0])]
    given = list(batch.streams)

    def copied(stream: torch.Generator) -> torch.Generator:
        return _copied(stream, given)

    _refuse_other_numbers(batch.state)
    try:
        states = [rows_of(batch.state, pair, len(batch.rows), copied) for _ in TRIALS]
    except TypeError:  # an object of its author's
        states = None
    two = _Two(
        batch.experiment if states else _of_gradients(batch.experiment),
        {name: value.detach()[pair].clone() for name, value in batch.params.items()},
        tuple(batch.trained),
        batch.rate[rows].repeat(2),
        [copied(batch.streams[row]) for row in pair if batch.streams],
        (X[pair], y[pair]),
    )
    with OwnNumbers(f"step {step} of {who}"), GivenStreams(given, f"step {step} of {who}"):
        once, again, beside = (two.step(states and states[i], *trial) for i, trial in enumerate(TRIALS))
    for name, end in once.items():
        rounding = torch.finfo(end.dtype).eps / SAME * largest_entry(end)
        size = largest_entry(end - two.params[name][0]) + rounding
        if not agree(end, again[name], size):
            raise InvalidExperiment(
                f"{who} takes another step {step} when it is taken again; expected numbers from the streams alone"
            )
        if not agree(end, beside[name], size):
            off = float((end - beside[name]).abs().max())
            found = f"{name} of seed {batch.rows[pair[0]][1]} is off by {off:.2g} beside another seed at step {step}"
            raise InvalidExperiment(f"{who} mixes seeds: {found}; {EXPECTED}")


class _Two(NamedTuple):
    """Two rows before a step: parameters, which are trained, rates, copies of the streams, and the step's points."""

    experiment: Experiment
    params: Mapping[str, Tensor]
    trained: tuple[str, ...]
    rate: Tensor
    streams: list[torch.Generator]
    points: tuple[Tensor, Tensor]

    def step(self, state: Any, factor: float, frozen: bool) -> dict[str, Tensor]:
        """Where the step leads the first row, with the second one's weights multiplied, and frozen."""
        params, rate = {name: value.clone() for name, value in self.params.items()}, self.rate.clone()
        trained = {name: params[name] for name in self.trained}
        for value in trained.values():
            value[1] *= factor
            value.requires_grad_()
        rate[1] *= not frozen
        stepper = make_stepper(self.experiment, params, trained, rate, lambda: self.streams)
        if state is not None and hasattr(stepper, "state"):
            stepper.state = state  # type: ignore[attr-defined]
        norms = None if self.experiment.stop.gradient is None else lambda norms, taken: None
        stepper.step(*self.points, norms)
        return {name: value.detach()[0] for name, value in trained.items()}


def _of_gradients(experiment: Experiment) -> Experiment:
    """The same model and loss with a rule that has no state."""
    return replace(experiment, rule=_Plain(1.0, experiment.parts.rule.batch))


@dataclass(frozen=True)
class _Plain:
    """Gradient descent. It is none of the library's rules, whose code would be in the key of every training, then."""

    rate: float
    batch: int | None
    replacement: bool = False

    def start(self, params: Mapping[str, Tensor], streams: Streams) -> State:
        """No state."""
        return {}

    @torch.no_grad()
    def update(self, params: Mapping[str, Tensor], grads: Mapping[str, Tensor], state: State, rate: Tensor) -> None:
        """Make one step in place."""
        for name, p in params.items():
            p -= rate.view(-1, *[1] * (p.dim() - 1)) * grads[name]

    def batch_form(self) -> _Plain:
        """The same rule."""
        return self


def _copied(stream: torch.Generator, given: list[torch.Generator]) -> torch.Generator:
    """A copy of a generator, which is added to those that were given if it is of one of them."""
    copied = torch.Generator(stream.device)
    copied.set_state(stream.get_state())
    given += [copied] if any(stream is each for each in given) else []
    return copied


def _refuse_other_numbers(state: Any) -> None:
    """Refuse generators that are not torch's.

    Raises:
        InvalidExperiment: if there is one in a rule's state.
    """
    if isinstance(state, (np.random.Generator, np.random.RandomState, random.Random)):
        raise InvalidExperiment(
            f"a {type(state).__name__} in the state of a rule; expected the generators of its streams"
        )
    for each in state.values() if isinstance(state, Mapping) else state if isinstance(state, (list, tuple)) else ():
        _refuse_other_numbers(each)
