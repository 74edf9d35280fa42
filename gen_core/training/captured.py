"""Steps as a CUDA graph: all kernels of a step, started by one call.

A step of small networks takes a GPU less time than Python takes to start its kernels one by one. Hand-written steps
read nothing from the device and leave all that they change in its place, so that a graph of one step is good for all
later ones: each copies its points to where the graph reads them, and finds rates, parameters and velocities in place.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gen_core.experiment import Experiment
from gen_core.rules import is_plain, momentum_of
from gen_core.training.foreign import foreign_among
from gen_core.training.fused import Fused

EAGER = 3
"""Steps that are taken kernel by kernel first, in which CUDA's libraries prepare what they may not within a graph."""

WORTH = 100
"""Fewest steps of a training that takes them by a graph, which has memory of its own for a step's activations."""


def is_captured(experiment: Experiment) -> bool:
    """Whether hand-written steps of a recipe are taken by a graph on a GPU.

    A graph repeats its first step's kernels and never its Python: the rule must keep nothing on the host, as Adam keeps
    the number of its steps, and no part may be somebody else's code, of which nobody knows what it keeps.
    """
    model, rule, loss = experiment.parts
    same = is_plain(rule) or momentum_of(rule) is not None
    return same and experiment.steps >= WORTH and not foreign_among((model, rule, loss))


class Captured(Fused):
    """`Fused` steps on a CUDA device, from step `EAGER` + 1 on by a graph; they end where those do, to the bit."""

    steps = 0
    graph: torch.cuda.CUDAGraph | None = None
    """None before it is made, and where none can be."""
    points: tuple[Tensor, Tensor]
    """Where the graph reads points and labels."""

    def step(self, X: Tensor, y: Tensor, on_gradient_norms: object = None) -> None:
        """Take a step, of as many points as any other."""
        self.steps += 1
        if self.steps == EAGER + 1:
            self.graph = self._captured(X, y)
        if self.graph is None:
            super().step(X, y)
            return
        for place, given in zip(self.points, (X, y), strict=True):
            if place is not given:
                place.copy_(given)
        self.graph.replay()

    def _captured(self, X: Tensor, y: Tensor) -> torch.cuda.CUDAGraph | None:
        """A graph of a step, which is not taken. The tensors of all points are the same ones in each step."""
        self.points = (X, y) if self.rule.batch is None else (torch.empty_like(X), torch.empty_like(y))
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                super().step(*self.points)
        except RuntimeError:  # for want of memory, or by a library's kernel: steps go on as they began
            return None
        return graph
