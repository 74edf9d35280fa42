"""Interpolation of the training points by linear models, and the minimum-norm interpolant."""

from __future__ import annotations

import torch
from torch import Tensor

from gen_core.errors import Unfinished
from gen_core.models.products import matvec
from gen_core.run import Run

RESIDUAL = 1e-9
"""Relative residual below which a linear model counts as interpolating; rounding leaves 1e-15."""


def minimum_norm(X: Tensor, y: Tensor) -> Tensor:
    """The minimum-norm interpolant w+ = X^T (X X^T)^-1 y, (seeds, d), of X (seeds, n, d) of full row rank.

    Source: Zhang et al. (2017), equation (47).
    """
    driver = "gelsd" if X.device.type == "cpu" else "gels"  # the one that others have, by QR; both need full rank here
    return torch.linalg.lstsq(X, y[..., None], driver=driver).solution[..., 0]


def interpolating_weights(run: Run) -> Tensor:
    """Final weights of a linear model that has fitted its points, (seeds, d).

    Raises:
        Unfinished: if a residual |Xw - y| / |y| is above RESIDUAL, naming the largest.
    """
    residual = (matvec(run.X, run.w) - run.y).norm(dim=-1) / run.y.norm(dim=-1)
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


def iterates_in_the_row_span(
    X: Tensor, y: Tensor, rate: float, steps: tuple[int, ...], *, momentum: float = 0.0, nesterov: bool = False
) -> Tensor:
    """The iterates w_t = X^T alpha_t of full batches from zero on |Xw - y|^2 / 2n, by a recursion in alpha alone.

    Source: Zhang et al. (2017), section 9.6, Lemma 3: alpha_t sums the residuals e_t = (X w_t - y) / n, times -rate.

    Args:
        X: inputs, (seeds, n, d).
        y: targets, (seeds, n).
        rate: step size.
        steps: increasing steps at which to record w.
        momentum: that of `gen_core.Momentum`; 0 for gradient descent.
        nesterov: whether it looks ahead.

    Returns:
        w, (seeds, len(steps), d). Cost: n^2 d multiply-adds for X X^T, and n^2 per step.
    """
    K, n, kept = X @ X.mT, X.shape[1], []
    alpha = velocity = torch.zeros_like(y)
    for t in range(steps[-1] + 1):
        if t in steps:
            kept.append(alpha)
        e = (matvec(K, alpha) - y) / n
        velocity = momentum * velocity + e
        alpha = alpha - rate * (e + momentum * velocity if nesterov else velocity)
    return torch.stack(kept, 1) @ X


def relative_distance(a: Tensor, b: Tensor) -> Tensor:
    """|a - b| / |b| per seed, over the last axis: (seeds, ..., d) -> (seeds, ...)."""
    return (a - b).norm(dim=-1) / b.norm(dim=-1)
