"""Spectra of symmetric matrices."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, eigsh
from torch import Tensor

from gen_core.errors import Unfinished

DENSE = 200
"""Largest matrix of which all eigenvalues are computed; above, the Lanczos method takes at most a tenth of the time."""

RESIDUAL = 1e-8
"""Largest accepted |A u - lambda u| / |lambda| of an eigenpair; the solver's own tolerance is smaller."""


def spectral_norm(A: Tensor) -> float:
    """Largest absolute eigenvalue of a symmetric matrix, (n, n), on the CPU.

    Raises:
        Unfinished: if the Lanczos method does not converge, or its eigenpair leaves a residual above RESIDUAL.
    """
    if len(A) <= DENSE:
        return float(torch.linalg.eigvalsh(A).abs().max())
    matrix = A.double().numpy()
    start = np.random.default_rng(0).standard_normal(len(A))  # fixed, so that a norm repeats to the last bit
    try:
        values, vectors = eigsh(
            matrix,
            k=1,
            which="LM",
            v0=start,
            tol=RESIDUAL / 100,  # pyright: ignore[reportArgumentType]  # scipy's stub says int
        )
    except ArpackNoConvergence as error:
        raise Unfinished(f"spectral norm of a {len(A)} x {len(A)} matrix: {error}; expected convergence") from error
    value, u = float(values[0]), vectors[:, 0]
    residual = float(np.linalg.norm(matrix @ u - value * u)) / abs(value)
    if not residual <= RESIDUAL:
        raise Unfinished(
            f"spectral norm of a {len(A)} x {len(A)} matrix: residual {residual:.2g}; expected at most {RESIDUAL:g}"
        )
    return abs(value)
