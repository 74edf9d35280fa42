"""Plug-in mutual information in bits, from joint tables, and the performance correlation built on it.

Nakkiran et al., "SGD on Neural Networks Learns Functions of Increasing Complexity" (2019), section 2. A table holds
counts or probabilities on its last axes, one axis per variable, and need not be normalised. All leading axes
(checkpoints, seeds, bootstrap samples) are batched, in float64 and on the table's device.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

# The interval (0, 1) halved this often is below the spacing of float64 at 1/2.
HALVINGS = 54

# Integers up to here, and so their sums in any order, are exact in float32.
EXACT = 2**24


def binary_entropy(p: Tensor) -> Tensor:
    """Entropy of a coin in bits, h(p) = -p log2 p - (1-p) log2 (1-p), for p of any shape.

    Raises:
        ValueError: for a probability outside [0, 1] or NaN.
    """
    p = p.double()
    outside = ~((p >= 0) & (p <= 1))
    if outside.any():
        raise ValueError(f"probability {p[outside][0].item()}; expected a number in [0, 1]")
    return _entropy(torch.stack((p, 1 - p), dim=-1), 1)


def joint_table(F: Tensor, L: Tensor, Y: Tensor, weights: Tensor | None = None) -> Tensor:
    """Counts of the eight cells of (F, L, Y) over points.

    Args:
        F: boolean predictions, shape (..., N); L and Y likewise. Their shapes broadcast to one (..., N).
        L: predictions of the simpler classifier.
        Y: labels.
        weights: nonnegative weights of the points, shape (B, N), for example how often each of B bootstrap samples
            drew each point.

    Returns:
        Tables [f, l, y], shape (..., 2, 2, 2), or (B, ..., 2, 2, 2) with weights; float64.

    Raises:
        ValueError: for arrays that are not boolean, have no points, do not broadcast, or weights of a wrong shape,
            negative or not finite.
    """
    for name, array in (("F", F), ("L", L), ("Y", Y)):
        if array.dtype != torch.bool:
            raise ValueError(f"{name} of {array.dtype}; expected torch.bool")
    try:
        shape = torch.broadcast_shapes(F.shape, L.shape, Y.shape)
    except RuntimeError as error:
        shapes = ", ".join(str(tuple(a.shape)) for a in (F, L, Y))
        raise ValueError(f"F, L, Y of shapes {shapes}; expected shapes (..., N) that broadcast") from error
    if not shape or shape[-1] == 0:
        raise ValueError(f"F, L, Y of shape {tuple(shape)}; expected (..., N) with at least one point")
    if weights is None:
        F, L, Y = (each.expand(shape) for each in (F, L, Y))
        sides = itertools.product((~F, F), (~L, L), (~Y, Y))
        return torch.stack([(f & label & y).sum(-1).double() for f, label, y in sides], -1).unflatten(-1, (2, 2, 2))
    if weights.ndim != 2 or weights.shape[1] != shape[-1]:
        raise ValueError(f"weights of shape {tuple(weights.shape)}; expected (B, {shape[-1]})")
    return _weighted(F, L, Y, _nonnegative(weights, "weight"), shape[:-1])


def _weighted(F: Tensor, L: Tensor, Y: Tensor, weights: Tensor, lead: Sequence[int]) -> Tensor:
    """Sums of weights, (B, N), in the eight cells, (B, *lead, 2, 2, 2).

    Of integers, as counts are, sums are exact: they are taken in float32, and those of ~F are what F leaves of the
    others. L and Y alone are often of fewer classifiers than F. Weights are looked at where they lie, then follow F.
    """
    N = weights.shape[1]
    whole = bool((weights == weights.round()).all()) and float(weights.sum(1).max()) <= EXACT
    kind = weights.T.to(F.device, torch.float32 if whole else torch.float64)

    def summed(hit: Tensor) -> Tensor:
        at = hit.expand(*hit.shape[:-1], N)
        return (at.to(kind.dtype) @ kind).double()

    cells = []
    for side in itertools.product((~L, L), (~Y, Y)):
        pair = side[0] & side[1]
        of_f = summed(F & pair)
        cells.append(torch.stack((summed(pair) - of_f if whole else summed(~F & pair), of_f), -1).expand(*lead, -1, 2))
    return torch.stack(cells, -1).movedim(-3, 0).unflatten(-1, (2, 2))


def mutual_information(table: Tensor) -> Tensor:
    """I(A;B) in bits, for tables (..., a, b); returns shape (...).

    Raises:
        ValueError: for too few axes, an entry that is negative or not finite, or a table that sums to 0.
    """
    return _mutual(_probabilities(table, 2))


def conditional_mutual_information(table: Tensor) -> Tensor:
    """I(A;B|C) in bits, for tables (..., a, b, c); returns shape (...). Raises as `mutual_information`."""
    return _conditional(_probabilities(table, 3))


def performance_correlation(table: Tensor) -> Tensor:
    """Performance correlation mu_Y(F;L) = I(F;Y) - I(F;Y|L) in bits (Definition 1).

    It is the part of F's success in predicting Y that L explains. It is at most I(F;Y), I(L;Y) and
    I(F;L), and can be negative.

    Args:
        table: joint tables [f, l, y], shape (..., f, l, y).

    Returns:
        Shape (...). Raises as `mutual_information`.
    """
    p = _probabilities(table, 3)
    return _mutual(p.sum(-2)) - _conditional(p.transpose(-2, -1))


def null_performance_correlation(table: Tensor) -> Tensor:
    """Performance correlation mu_Y(F;L~) in bits of F with the null model L~ (section 3, footnote 7).

    L~ is Y with probability q and else a uniformly random label, drawn independently of F given Y; q is such that
    I(L~;Y) = I(L;Y). No sampling: since I(F;L~|Y) = 0, mu_Y(F;L~) = I(F;L~), and the joint table of F and L~ follows
    from that of F and Y.

    Args:
        table: joint tables [f, l, y], shape (..., f, l, y).

    Returns:
        Shape (...). Raises as `mutual_information`.
    """
    p = _probabilities(table, 3)
    target, labels = _mutual(p.sum(-3)), p.sum((-3, -2))
    k = p.shape[-1]
    first = labels.movedim(-1, 0).contiguous()  # sums over a first axis are ten times as fast as over a short last one
    of_labels = _bits(first)

    def information(q: Tensor) -> Tensor:
        """I(L~;Y): cells where both are one label, and k - 1 equal ones beside each of them."""
        other = first * ((1 - q) / k)
        same = first * (q + (1 - q) / k)
        return of_labels + _bits(same + (other.sum(0) - other)) - _bits(same) - (k - 1) * _bits(other)

    # I(L~;Y) grows with q from 0 to H(Y) >= I(L;Y): each L~ of a smaller q is a noisy copy of one of a larger q.
    low, high = torch.zeros_like(target), torch.ones_like(target)
    for _ in range(HALVINGS):
        q = (low + high) / 2
        short = information(q) < target
        low, high = torch.where(short, q, low), torch.where(short, high, q)
    keep = high[..., None, None] * torch.eye(k, dtype=p.dtype, device=p.device)
    return _mutual(p.sum(-2) @ (keep + (1 - high[..., None, None]) / k))


def _bits(p: Tensor) -> Tensor:
    """Entropy over the first axis, of a sum that need not be 1."""
    return -torch.special.xlogy(p, p).sum(0) / math.log(2)


def _entropy(p: Tensor, axes: int) -> Tensor:
    return -torch.special.xlogy(p, p).flatten(-axes).sum(-1) / math.log(2)


def _mutual(p: Tensor) -> Tensor:
    # Rounding alone takes it below 0.
    return (_entropy(p.sum(-1), 1) + _entropy(p.sum(-2), 1) - _entropy(p, 2)).clamp(min=0)


def _conditional(p: Tensor) -> Tensor:
    pairs = _entropy(p.sum(-2), 2) + _entropy(p.sum(-3), 2)
    return (pairs - _entropy(p, 3) - _entropy(p.sum((-3, -2)), 1)).clamp(min=0)


def _probabilities(table: Tensor, axes: int) -> Tensor:
    if table.ndim < axes or 0 in table.shape[-axes:]:
        raise ValueError(f"table of shape {tuple(table.shape)}; expected {axes} axes of variables at its end")
    counts = _nonnegative(table, "table entry")
    total = counts.flatten(-axes).sum(-1)
    if (total == 0).any():
        at = tuple(torch.nonzero(total == 0)[0].tolist())
        raise ValueError(f"table at index {at} sums to 0; expected a positive sum")
    return counts / total.reshape(*total.shape, *[1] * axes)


def _nonnegative(array: Tensor, name: str) -> Tensor:
    array = array.double()
    wrong = ~(torch.isfinite(array) & (array >= 0))
    if wrong.any():
        at = tuple(torch.nonzero(wrong)[0].tolist())
        raise ValueError(f"{name} {array[at].item()} at index {at}; expected a nonnegative, finite number")
    return array
