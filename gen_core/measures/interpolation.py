"""Interpolation of the training points by linear models, and the minimum-norm interpolant."""

from __future__ import annotations

import torch
from torch import Tensor

from gen_core.errors import Unfinished
from gen_core.run import Run

RESIDUAL = 1e-9
"""Relative residual below which a linear model counts as interpolating; rounding leaves 1e-15."""


def minimum_norm(X: Tensor, y: Tensor) -> Tensor:
    """The minimum-norm interpolant w+ = X^T (X X^T)^-1 y, (seeds, d), of X (seeds, n, d) of full row rank.

    Source: Zhang et al. (2017), equation (47).
    """
    return torch.linalg.lstsq(X, y[..., None], driver="gelsd").solution[..., 0]


def interpolating_weights(run: Run) -> Tensor:
    """Final weights of a linear model that has fitted its points, (seeds, d).

    Raises:
        Unfinished: if a residual |Xw - y| / |y| is above RESIDUAL, naming the largest.
    """
    residual = (torch.einsum("snd,sd->sn", run.X, run.w) - run.y).norm(dim=-1) / run.y.norm(dim=-1)
    if residual.max() > RESIDUAL:
        raise Unfinished(
            f"not converged: |Xw - y| / |y| is {float(residual.max()):.2g} after {run.experiment.steps} steps; "
            f"expected at most {RESIDUAL:g} (more steps)"
        )
    return run.w


def off_row_span(X: Tensor, w: Tensor) -> Tensor:
    """The component of w orthogonal to the row span of X: X is (seeds, n, d), w and the result are (seeds, ..., d)."""
    basis = torch.linalg.qr(X.mT).Q
    flat = w.flatten(1, -2) if w.dim() > 2 else w[:, None]
    return (flat - (flat @ basis) @ basis.mT).view_as(w)


def relative_distance(a: Tensor, b: Tensor) -> Tensor:
    """|a - b| / |b| per seed, over the last axis: (seeds, ..., d) -> (seeds, ...)."""
    return (a - b).norm(dim=-1) / b.norm(dim=-1)
