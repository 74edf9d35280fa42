"""Steps as CUDA graphs: all kernels of a step, or of many, started by one call.

A step of small networks takes a GPU less time than Python takes to start its kernels one by one. Hand-written steps
read nothing from the device and leave all that they change in its place, so that a graph of one step is good for all
later ones: each copies its points to where the graph reads them, and finds rates, parameters and states in place. Where
nothing is looked at for some steps, one graph takes them all: it is given the places of their points and gathers them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol, cast

import torch
from torch import Tensor

from gen_core.experiment import Experiment
from gen_core.rules import keeps_on_device
from gen_core.training.foreign import foreign_among
from gen_core.training.fused import Fused
from gen_core.training.seeding import TOGETHER

EAGER = 3
"""Steps that are taken kernel by kernel first, in which CUDA's libraries prepare what they may not within a graph."""

WORTH = 100
"""Fewest steps of a training that takes them by a graph, which has memory of its own for a step's activations."""


class Order(Protocol):
    """The points of a training's steps; see `gen_core.training.order.Batches`."""

    by_graph: bool
    all: tuple[Tensor, Tensor]

    def together(self, size: int) -> Tensor:
        """Places of the points of the next `TOGETHER` steps."""
        ...

    def at(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Points and labels at places."""
        ...


def is_captured(experiment: Experiment) -> bool:
    """Whether hand-written steps of a recipe are taken by graphs on a GPU.

    A graph repeats its kernels and never its Python: the rule must keep nothing on the host, as noise keeps generators,
    and no part may be somebody else's code, of which nobody knows what it keeps.
    """
    model, rule, loss = experiment.parts
    return keeps_on_device(rule) and experiment.steps >= WORTH and not foreign_among((model, rule, loss))


class Captured(Fused):
    """`Fused` steps on a CUDA device, from step `EAGER` + 1 on by graphs; they end where those do, to the bit."""

    steps = 0
    one: torch.cuda.CUDAGraph | None = None
    """Of a step; None before it is made, and where none can be."""
    many: torch.cuda.CUDAGraph | None = None
    """Of `TOGETHER` steps, likewise."""
    points: tuple[Tensor, Tensor]
    """Where the graph of a step reads points and labels."""
    places: Tensor | None = None
    """Where the graph of many reads the places of their points, (TOGETHER, rows, batch)."""

    def step(self, X: Tensor, y: Tensor, on_gradient_norms: object = None) -> None:
        """Take a step, of as many points as any other."""
        self.steps += 1
        if self.steps == EAGER + 1:
            # The tensors of all points are the same ones in each step.
            self.points = (X, y) if self.rule.batch is None else (torch.empty_like(X), torch.empty_like(y))
            self.one = captured(lambda: super(Captured, self).step(*self.points))
        if self.one is None:
            super().step(X, y)
            return
        for place, given in zip(self.points, (X, y), strict=True):
            if place is not given:
                place.copy_(given)
        self.one.replay()

    def take(self, order: Order, step: int, seen: Collection[int]) -> bool:
        """Take the next `TOGETHER` steps, if a graph can.

        Args:
            order: the points of all steps.
            step: the number of the step after which they come: a multiple of `TOGETHER`, or none are taken.
            seen: steps after which something is to be done.

        Returns:
            Whether they were taken: none is where something is to be done between them.
        """
        between = range(step + 1, step + TOGETHER)
        if not order.by_graph or step % TOGETHER or self.one is None or any(at in seen for at in between):
            return False
        batch = self.rule.batch
        if self.places is None:
            self.places = torch.zeros(TOGETHER, len(self.rate), batch or 0, dtype=torch.int64, device=self.rate.device)
            self.many = captured(lambda: self._take(order))
        if self.many is None:
            return False
        if batch is not None:
            self.places.copy_(order.together(batch).transpose(0, 1))
        self.many.replay()
        return True

    def _take(self, order: Order) -> None:
        for places in cast(Tensor, self.places).unbind():
            X, y = order.all if self.rule.batch is None else order.at(places)
            super().step(X, y)


def captured(take: Callable[[], None]) -> torch.cuda.CUDAGraph | None:
    """A graph of steps, which are not taken; None for want of memory, or of a kernel that can be captured."""
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            take()
    except RuntimeError:
        return None
    return graph
