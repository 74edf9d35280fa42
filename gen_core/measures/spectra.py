"""Spectra of symmetric matrices and of linear maps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
from torch import Tensor

from gen_core.errors import Unfinished

DENSE = 200
"""Largest matrix of which all eigenvalues are computed; above, the Lanczos method takes at most a tenth of the time."""

RESIDUAL = 1e-8
"""Largest accepted |A u - lambda u| / |lambda| of an eigenpair; the solver's own tolerance is smaller."""


def spectral_norm(A: Tensor) -> float:
    """Largest absolute eigenvalue of a symmetric matrix, (n, n); above DENSE rows it is taken to the CPU.

    Raises:
        Unfinished: if the Lanczos method does not converge, or its eigenpair leaves a residual above RESIDUAL.
    """
    if len(A) <= DENSE:
        return float(torch.linalg.eigvalsh(A).abs().max())
    return abs(_leading(A.double().cpu().numpy(), f"spectral norm of a {len(A)} x {len(A)} matrix"))


def map_norm(forward: Callable[[Tensor], Tensor], adjoint: Callable[[Tensor], Tensor], size: int) -> float:
    """Largest singular value of a linear map that is given by what it does, in float64.

    Args:
        forward: the map, from a batch of vectors, (B, size), float64.
        adjoint: its adjoint, back to (B, size).
        size: dimension of the vectors that it is applied to. Cost: some tens of applications of both, where it is above
            DENSE.

    Raises:
        Unfinished: as `spectral_norm`.
    """
    if size <= DENSE:
        gram = adjoint(forward(torch.eye(size, dtype=torch.float64)))
        return max(0.0, float(torch.linalg.eigvalsh(gram).max())) ** 0.5

    def twice(x: np.ndarray) -> np.ndarray:
        return adjoint(forward(torch.from_numpy(x).view(1, size))).view(-1).numpy()

    gram = LinearOperator((size, size), matvec=twice, dtype=np.float64)  # pyright: ignore[reportCallIssue]
    return max(0.0, _leading(gram, f"largest singular value of a map on {size} numbers")) ** 0.5


def _leading(A: np.ndarray | LinearOperator, what: str) -> float:
    """The eigenvalue of a symmetric matrix that is largest in absolute value, by the Lanczos method."""
    start = np.random.default_rng(0).standard_normal(A.shape[0])  # fixed, so that a norm repeats to the last bit
    try:
        values, vectors = eigsh(
            A,
            k=1,
            which="LM",
            v0=start,
            tol=RESIDUAL / 100,  # pyright: ignore[reportArgumentType]  # scipy's stub says int
        )
    except ArpackNoConvergence as error:
        raise Unfinished(f"{what}: {error}; expected convergence") from error
    value, u = float(values[0]), vectors[:, 0]
    residual = float(np.linalg.norm(A @ u - value * u)) / abs(value)
    if not residual <= RESIDUAL:
        raise Unfinished(f"{what}: residual {residual:.2g}; expected at most {RESIDUAL:g}")
    return value
