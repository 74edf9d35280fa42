"""Concentration of points in high dimension: their norms, their inner products and their Gram matrix.

Source: Hu et al., "The Surprising Simplicity of the Early-Time Learning Dynamics of Neural Networks" (2020), Claim 3.1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gen_core.measures.spectra import spectral_norm
from gen_core.measuring import measure
from gen_core.run import Run

ROWS = 2**27
"""Size of one block of inner products, in bytes."""


@measure
def largest_norm_deviation(run: Run) -> Tensor:
    """Largest ||x_i|^2 / d - 1| over the training points, over sqrt(log n / d), (seeds,)."""
    n, d = run.X.shape[1:]
    return (run.X.square().sum(-1) / d - 1).abs().amax(1).double() / math.sqrt(math.log(n) / d)


@measure
def largest_inner_product(run: Run) -> Tensor:
    """Largest |<x_i, x_j>| / d over pairs of training points, over sqrt(log n / d), (seeds,).

    Cost: n^2 d multiply-adds. Memory: a block of ROWS bytes.
    """
    n, d = run.X.shape[1:]
    found = []
    for X in run.X:
        largest, at = 0.0, 0
        for rows in X.split(max(1, ROWS // (n * X.element_size()))):
            products = rows @ X.mT
            products[:, at : at + len(rows)].fill_diagonal_(0)
            largest, at = max(largest, float(products.abs().max())), at + len(rows)
        found.append(largest)
    return torch.tensor(found, dtype=torch.float64) / d / math.sqrt(math.log(n) / d)


@measure
def gram_norm(run: Run) -> Tensor:
    """|X X^T| / n in the spectral norm, (seeds,), by the smaller of X X^T and X^T X.

    Raises:
        Unfinished: as `spectral_norm`.
    """
    n, d = run.X.shape[1:]
    norms = [spectral_norm(X @ X.mT if n < d else X.mT @ X) / n for X in run.X]
    return torch.tensor(norms, dtype=torch.float64)
