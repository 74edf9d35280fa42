"""Rows that have ended leave their batch with their results, so that the steps of the others cost less."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from gen_core.training.result import TrainingResult, concatenate

SHARE = 0.6
"""Share of its rows that live at most when the others leave a batch. A move costs about an evaluation of all rows."""


class Living:
    """How many rows of a batch live, as far as the host knows.

    On a CPU it knows at once. Elsewhere it would wait for all steps that have been asked for: it hears of a count when
    the next one is asked for. Until then steps go on that change nothing, as the rates of ended rows are 0.

    Attributes:
        late: whether the host hears of it late.
        rows: how many, by the last count that it has heard of.
    """

    def __init__(self, rows: int, device: torch.device) -> None:
        self.all = self.rows = rows
        self.late = device.type != "cpu"
        self.asked: deque[tuple[Tensor, torch.cuda.Event | None]] = deque()

    def count(self, alive: Tensor) -> None:
        """Count the rows that live, bool (rows,)."""
        ended = (~alive).sum().to("cpu", non_blocking=True)
        event = torch.cuda.Event() if alive.is_cuda else None
        if event is not None:
            event.record(torch.cuda.current_stream(alive.device))
        self.asked.append((ended, event))
        if len(self.asked) > self.late:
            ended, event = self.asked.popleft()
            if event is not None:
                event.synchronize()
            self.rows = self.all - int(ended)


class Departed:
    """The results of rows that have left a batch.

    Args:
        rows: the number of rows at first.
    """

    def __init__(self, rows: int) -> None:
        self.places = list(range(rows))
        self.parts: list[tuple[list[int], TrainingResult]] = []

    def add(self, gone: list[int], result: TrainingResult) -> None:
        """Keep the result of some of the rows that are there, which leave."""
        self.parts.append(([self.places[row] for row in gone], result))
        self.places = [place for row, place in enumerate(self.places) if row not in gone]

    def joined(self, last: TrainingResult) -> TrainingResult:
        """The results of all rows in their order, given that of the rows that are there at the end."""
        if not self.parts:
            return last
        self.parts.append((self.places, last))
        whole, places = concatenate([part for _, part in self.parts]), [p for at, _ in self.parts for p in at]
        return whole.rows(sorted(range(len(places)), key=places.__getitem__))


def rows_of(
    state: Any, chosen: list[int], rows: int, stream: Callable[[torch.Generator], torch.Generator] = lambda own: own
) -> Any:
    """A copy of a rule's state for some of its rows.

    Args:
        state: what a rule remembers; an object of its own has a method `rows_of` with the arguments `chosen` and
            `stream`.
        chosen: the rows.
        rows: how many there are.
        stream: what takes the place of a generator.

    Raises:
        TypeError: if something in it cannot be told apart by rows.
    """
    if isinstance(state, Tensor):
        return (state[chosen] if state.dim() and len(state) == rows else state).detach().clone()
    if isinstance(state, Mapping):
        return {name: rows_of(value, chosen, rows, stream) for name, value in state.items()}
    if isinstance(state, torch.Generator):
        return stream(state)
    if isinstance(state, list) and len(state) == rows and all(isinstance(each, torch.Generator) for each in state):
        state = [state[row] for row in chosen]
    if isinstance(state, (list, tuple)):
        return type(state)([rows_of(value, chosen, rows, stream) for value in state])
    if state is None or isinstance(state, (bool, int, float, str, torch.dtype, torch.device)):
        return state
    if callable(own := getattr(state, "rows_of", None)):
        return own(chosen, stream)
    raise TypeError(f"{type(state).__name__} has no rows")
