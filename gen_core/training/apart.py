"""A row of a batch takes the step that it would take beside any other row: looked at again as a training goes on.

What mixes rows, or draws numbers of its own, may do so only after a while, as a rule with a warm-up does. So on some
steps of foreign code two rows take the same step once more, the second one moved and frozen: the first must end alike.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.experiment import Experiment
from gen_core.rules import GD, SGD
from gen_core.training.steps import make_stepper
from gen_core.training.streams import GivenStreams, OwnNumbers

if TYPE_CHECKING:
    from gen_core.training.batch import Batch

Points = tuple[Tensor, Tensor]
"""Points and labels of a step."""

LARGER = 10.0
"""Factor on the weights of the row beside: what is clipped, or scaled by the largest row, shows."""

SAME = 1e-5
"""Largest difference between rows of equal shapes, in steps or values. On a CPU there is none."""

EXPECTED = "expected each row to depend on its own numbers alone"


def foreign(experiment: Experiment) -> str:
    """The types of model, rule, loss and observables that are not gen_core's own, in words; "" if there are none."""
    kinds = _kinds((*experiment.parts, *experiment.watch))
    return " and ".join(sorted({kind.__name__ for kind in kinds if _foreign(kind)}))


def looked_at(experiment: Experiment) -> frozenset[int]:
    """The steps to look at: 4, 8, 16 and so on, and the last; none where all code is gen_core's own."""
    if not experiment.steps or not foreign(experiment):
        return frozenset()
    return frozenset(2**i for i in range(2, experiment.steps.bit_length())) | {experiment.steps}


def step_apart(batch: Batch, step: int, X: Tensor, y: Tensor) -> None:
    """Take a step of a batch, and check it. Cost: three steps of two rows more.

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
    try:
        kept = _rows_of(batch.state, pair, len(batch.rows))
    except TypeError:  # noise that is drawn ahead, say
        kept = None
    experiment = batch.experiment if kept is not None else _of_gradients(batch.experiment)
    params = {name: value.detach()[pair].clone() for name, value in batch.params.items()}
    ends = []
    with OwnNumbers(f"step {step} of {who}"), GivenStreams(batch.streams, f"step {step} of {who}"):
        for factor, frozen in ((1.0, False), (1.0, False), (LARGER, True)):
            ends.append(
                _again(experiment, batch, params, copy.deepcopy(kept), (X[pair], y[pair]), factor, frozen=frozen)
            )
    for name, end in ends[0].items():
        moved, there = (part.abs().nan_to_num(0, 0, 0).max() for part in (end - params[name][0], end))
        size = float(moved + torch.finfo(end.dtype).eps / SAME * there)
        if not _same(end, ends[1][name], size):
            raise InvalidExperiment(
                f"{who} takes another step {step} when it is taken again; expected numbers from the streams alone"
            )
        if not _same(end, ends[2][name], size):
            off = float((end - ends[2][name]).abs().max())
            found = f"{name} of seed {batch.rows[pair[0]][1]} is off by {off:.2g} beside another seed at step {step}"
            raise InvalidExperiment(f"{who} mixes seeds: {found}; {EXPECTED}")


def _again(
    experiment: Experiment,
    batch: Batch,
    params: Mapping[str, Tensor],
    state: Any,
    points: tuple[Tensor, Tensor],
    factor: float,
    *,
    frozen: bool,
) -> dict[str, Tensor]:
    """Where a step leads the first of two rows, with the second one's weights multiplied, and frozen."""
    params = {name: value.clone() for name, value in params.items()}
    trained = {name: params[name].requires_grad_() for name in batch.trained}
    with torch.no_grad():
        for value in trained.values():
            value[1] *= factor
    rate = batch.rate[batch.alive][:1].repeat(2)
    if frozen:
        rate[1] = 0.0
    stepper = make_stepper(experiment, params, trained, rate, lambda: batch.streams[:2])
    if state is not None and hasattr(stepper, "state"):
        stepper.state = state  # type: ignore[attr-defined]
    stepper.step(*points, (lambda norms, taken: None) if experiment.stop.gradient is not None else None)
    return {name: value.detach()[0] for name, value in trained.items()}


def _of_gradients(experiment: Experiment) -> Experiment:
    """The same model and loss with a rule that has no state."""
    batch = experiment.parts.rule.batch
    return replace(experiment, rule=GD(1.0) if batch is None else SGD(1.0, batch))


def _rows_of(state: Any, pair: list[int], rows: int) -> Any:
    """A copy of a rule's state for some of its rows.

    Raises:
        TypeError: if something in it cannot be told apart by rows.
        InvalidExperiment: if it holds a generator that is not torch's.
    """
    if isinstance(state, Tensor):
        return (state[pair] if state.dim() and len(state) == rows else state).detach().clone()
    if isinstance(state, Mapping):
        return {name: _rows_of(value, pair, rows) for name, value in state.items()}
    if isinstance(state, list) and len(state) == rows and all(isinstance(each, torch.Generator) for each in state):
        return [copy.deepcopy(state[row]) for row in pair]
    if isinstance(state, (list, tuple)):
        return type(state)([_rows_of(value, pair, rows) for value in state])
    if isinstance(state, (np.random.Generator, np.random.RandomState, random.Random)):
        raise InvalidExperiment(
            f"a {type(state).__name__} in the state of a rule; expected the generators of its streams"
        )
    if state is None or isinstance(state, (bool, int, float, str, torch.dtype, torch.device)):
        return state
    raise TypeError(f"{type(state).__name__} has no rows")


def _same(one: Tensor, other: Tensor, size: float) -> bool:
    return torch.allclose(one, other, rtol=0.0, atol=SAME * size, equal_nan=True)


def _kinds(part: Any) -> Iterator[type]:
    """The types of a recipe and of those within it."""
    if isinstance(part, tuple):
        for each in part:
            yield from _kinds(each)
    elif is_dataclass(part) and not isinstance(part, type):
        yield type(part)
        yield from _kinds(tuple(getattr(part, f.name) for f in fields(part)))


def _foreign(kind: type) -> bool:
    return kind.__module__.partition(".")[0] != "gen_core"
