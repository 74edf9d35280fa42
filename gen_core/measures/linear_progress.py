"""Progress of a training on V_lin, the span of the inputs, and off it; and the end of the linear phase.

Source: Hu et al., "The Surprising Simplicity of the Early-Time Learning Dynamics of Neural Networks" (2020), sections
1, 3.4 and 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gen_core.measures.kernels import tangent_kernel
from gen_core.measures.linear_dynamics import features_of
from gen_core.measures.linear_features import linear_optimum, on_span
from gen_core.measuring import measure
from gen_core.models.products import matvec
from gen_core.run import Run

MOST = 0.9
"""Share of the loss on V_lin after which the linear phase counts as done."""

COMPARED = 100
"""Held-out points on which tangent kernels are compared."""


@dataclass(frozen=True)
class Progress:
    """Shares of the test loss at the start that are gone, on V_lin and off it, (seeds, checkpoints) each."""

    on: Tensor
    off: Tensor

    def off_when_on(self) -> Tensor:
        """The share off V_lin at the first checkpoint at which that on V_lin is at least `MOST`, (seeds,)."""
        return self.off.gather(1, self.first()[:, None])[:, 0]

    def first(self) -> Tensor:
        """Place of the first checkpoint at which the share on V_lin is at least `MOST`, (seeds,); else the last one."""
        done = self.on >= MOST
        done[:, -1] = True
        return done.int().argmax(1)


@measure
def linear_progress(run: Run) -> Progress:
    """Progress of the test loss on V_lin, the span of the held-out inputs, and on its orthogonal complement.

    Source: Hu et al. (2020), section 4.2 and Figure 3 (a). The run must watch "test_outputs".
    """
    residuals = run.watched("test_outputs").double() - run.y_test[:, None]
    on = on_span(run.X_test.double(), residuals)
    losses = [part.square().sum(-1) for part in (on, residuals - on)]
    return Progress(*(1 - loss / loss[:, :1] for loss in losses))


@measure
def loss_over_linear_optimum(run: Run) -> Tensor:
    """Test loss at the end over that of the linear model at its optimum, (seeds,).

    Source: Hu et al. (2020), Figure 1 (a). Errors: as `early_outputs`.
    """
    best = linear_optimum(features_of(run, run.X), run.y)
    optimum = matvec(features_of(run, run.X_test), best)
    losses = [(f - run.y_test).square().mean(-1) for f in (run.test_outputs(), optimum)]
    return losses[0] / losses[1]


@measure
def tangent_kernel_change(run: Run, *, when_linear: bool = False) -> Tensor:
    """|Theta(t) - Theta(0)| / |Theta(0)| in the Frobenius norm, of the kernel on some held-out points, (seeds,).

    Source: Hu et al. (2020), section 1: the network may leave the kernel regime later in training.

    Args:
        run: the training, which watches "weights" and, for `when_linear`, "test_outputs".
        when_linear: whether t is the checkpoint of `Progress.first`; else it is the end.
    """
    last = torch.full((len(run.seeds),), len(run.checkpoints) - 1)
    places, start = linear_progress(run).first() if when_linear else last, run.params("start")
    watched = {name: run.watched(f"weights.{name}") for name in run.model.trainable}
    changes = []
    for row, place in enumerate(places.tolist()):
        X = run.X_test[row, :COMPARED]
        first = {name: value[row] for name, value in start.items()}
        later = first | {name: value[row, place] for name, value in watched.items()}
        before, after = (tangent_kernel(run.model, params, X) for params in (first, later))
        changes.append(float((after - before).norm() / before.norm()))
    return torch.tensor(changes, dtype=torch.float64)
