"""Concentration of points in high dimension: their norms, their inner products and their Gram matrix.

Source: Hu et al., "The Surprising Simplicity of the Early-Time Learning Dynamics of Neural Networks" (2020), Claim 3.1.
"""

from __future__ import annotations

import math

from torch import Tensor

from gen_core.measures.of_draws import of_each_draw
from gen_core.measures.spectra import spectral_norm
from gen_core.run import Run

ROWS = 2**27
"""Size of one block of inner products, in bytes."""


def largest_norm_deviation(run: Run) -> Tensor:
    """Largest ||x_i|^2 / d - 1| over the training points, over sqrt(log n / d), (seeds,)."""
    return of_each_draw(_largest_norm_deviation, run)


def largest_inner_product(run: Run) -> Tensor:
    """Largest |<x_i, x_j>| / d over pairs of training points, over sqrt(log n / d), (seeds,).

    Cost: n^2 d multiply-adds, once per process. Memory: two blocks of ROWS bytes.
    """
    return of_each_draw(_largest_inner_product, run)


def gram_norm(run: Run) -> Tensor:
    """|X X^T| / n in the spectral norm, (seeds,), by the smaller of X X^T and X^T X.

    Raises:
        Unfinished: as `spectral_norm`.
    """
    return of_each_draw(_gram_norm, run)


def _order(X: Tensor) -> float:
    """sqrt(log n / d)."""
    n, d = X.shape
    return math.sqrt(math.log(n) / d)


def _largest_norm_deviation(run: Run) -> float:
    X = run.X[0]
    return float((X.square().sum(-1) / X.shape[1] - 1).abs().max()) / _order(X)


def _largest_inner_product(run: Run) -> float:
    X, largest, at = run.X[0], 0.0, 0
    for rows in X.split(max(1, ROWS // (len(X) * X.element_size()))):
        products = rows @ X.mT
        products[:, at : at + len(rows)].fill_diagonal_(0)
        largest, at = max(largest, float(products.abs_().max())), at + len(rows)
    return largest / X.shape[1] / _order(X)


def _gram_norm(run: Run) -> float:
    X = run.X[0]
    n, d = X.shape
    return spectral_norm(X @ X.mT if n < d else X.mT @ X) / n
