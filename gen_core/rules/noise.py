"""Rules with Gaussian noise, drawn for each row from its own stream."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gen_core.checks import check_number
from gen_core.rules.contract import State, Streams
from gen_core.rules.descent import Descent, check_batch, move
from gen_core.rules.wrapping import Wrapping

DRAWN = 2**12
"""Numbers that a row draws at a time, for several steps where it has few parameters; changing it changes the noise."""


@dataclass(frozen=True)
class Langevin(Descent):
    """Langevin dynamics, w <- w - rate g + sqrt(2 rate temperature) xi with xi ~ N(0, I). Welling and Teh (2011).

    As the rate falls, w tends to the density exp(-loss / temperature), where g is the gradient of the mean loss. Cost:
    one normal number per parameter and step, drawn on a CPU.
    """

    temperature: float
    batch: int | None = None
    replacement: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("temperature", self.temperature, 0.0)
        check_batch(self.batch, self.replacement)

    def start(self, params: Mapping[str, Tensor], streams: Streams) -> State:
        """The rows' noise; see `Rule.start`."""
        return {"noise": Noise(params, streams())}

    @torch.no_grad()
    def update(self, params: Mapping[str, Tensor], grads: Mapping[str, Tensor], state: State, rate: Tensor) -> None:
        """Make one step in place; see `GradientRule.update`."""
        super().update(params, grads, state, rate)
        size = (2 * self.temperature * rate).sqrt()
        for name, xi in state["noise"].draw().items():
            move(params[name], xi, -size)


@dataclass(frozen=True)
class Noisy(Wrapping):
    """Gaussian noise of mean 0 on the gradient of any rule that steps by one, before its momentum, decay or scaling.

    Cost: as that of `Langevin`.

    Attributes:
        rule: the inner rule.
        std: standard deviation of the noise on each entry.
    """

    std: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("std", self.std, 0.0)

    def start(self, params: Mapping[str, Tensor], streams: Streams) -> State:
        """The rows' noise and the inner rule's state; see `Rule.start`."""
        own = streams()
        # An inner rule with noise goes on with the same generators: new ones would begin with the same numbers.
        return {"noise": Noise(params, own), "inner": self.rule.start(params, lambda: own)}

    @torch.no_grad()
    def update(self, params: Mapping[str, Tensor], grads: Mapping[str, Tensor], state: State, rate: Tensor) -> None:
        """Make one step in place; see `GradientRule.update`."""
        noisy = {name: grads[name].add(xi, alpha=self.std) for name, xi in state["noise"].draw().items()}
        self.rule.update(params, noisy, state["inner"], rate)


class Noise:
    """Standard normal numbers, one for each entry of the parameters and step.

    A row's numbers depend on its generator and on the number of its parameters alone. They are drawn on the CPU in
    float64, then cast and moved.

    Args:
        params: the parameters, each (S, ...).
        streams: one generator per row.
    """

    def __init__(self, params: Mapping[str, Tensor], streams: list[torch.Generator]) -> None:
        self.shapes, self.streams = {name: p.shape[1:] for name, p in params.items()}, streams
        self.numbers = [shape.numel() for shape in self.shapes.values()]
        self.like = next(iter(params.values())).new_empty(0)
        self.steps = max(1, DRAWN // sum(self.numbers))
        self.waiting: list[Tensor] = []

    def draw(self) -> dict[str, Tensor]:
        """The numbers of one step, name -> (S, ...)."""
        if not self.waiting:
            self.waiting = list(reversed(self._chunk().unbind()))
        parts = self.waiting.pop().split(self.numbers, 1)
        return {
            name: part.view(len(part), *shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }

    def rows_of(self, chosen: list[int], stream: Callable[[torch.Generator], torch.Generator]) -> Noise:
        """The noise of some of the rows from here on, with `stream` of each of their generators."""
        part = copy.copy(self)
        part.streams = [stream(self.streams[row]) for row in chosen]
        part.waiting = [numbers[chosen] for numbers in self.waiting]
        return part

    def _chunk(self) -> Tensor:
        """The numbers of some steps, (steps, S, all parameters)."""
        shape = self.steps, sum(self.numbers)
        chunk = torch.empty(shape[0], len(self.streams), shape[1], dtype=self.like.dtype)
        for row, stream in enumerate(self.streams):
            chunk[:, row] = torch.randn(shape, generator=stream, dtype=torch.float64)
        return chunk.to(self.like.device)
