"""Batch norm of a whole batch of seeds, and its absorption into plain weights.

Source: Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
Shift" (2015), algorithm 1, as in torch.nn.BatchNorm1d and BatchNorm2d.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from gen_core.errors import InvalidExperiment

EPS = 1e-5
"""What is added to the variances, which are those of the points themselves (divided by B, not B - 1)."""

Moments = dict[int, tuple[Tensor, Tensor]]
"""Layer -> variances and means of its units, (out,) each, before they are normalized; of one seed."""


def batch_normalized(z: Tensor, params: Mapping[str, Tensor], i: int, moments: Moments | None = None) -> Tensor:
    """Normalize each unit over the batch and its positions, then multiply by "g<i>" and add "s<i>".

    Args:
        z: (B, S * out) or (B, S * out, height, width); the result has the same layout.
        params: with the gains and shifts of layer i, (S, out).
        i: number of the layer.
        moments: where to note the moments of z, for one seed.

    Raises:
        InvalidExperiment: for a batch of one point.
    """
    if len(z) < 2:
        raise InvalidExperiment("batch norm of a batch of 1 point; expected at least 2")
    if moments is not None:
        moments[i] = torch.var_mean(z, [0, *range(2, z.dim())], correction=0)
    return F.batch_norm(z, None, None, params[f"g{i}"].flatten(), params[f"s{i}"].flatten(), training=True, eps=EPS)


def absorb(params: Mapping[str, Tensor], moments: Moments) -> dict[str, Tensor]:
    """The weights and biases of the same network without batch norm, for one seed, with a leading axis of length 1.

    g (W h - mean) / sqrt(variance + EPS) + s is W' h + b', for every layer that `moments` has.
    """
    plain = {name: value for name, value in params.items() if name[0] not in "gs"}
    for i, (variances, means) in moments.items():
        factor, W = params[f"g{i}"] / (variances + EPS).sqrt(), params[f"W{i}"]
        plain[f"W{i}"] = W * factor.view(*factor.shape, *[1] * (W.dim() - 2))
        plain[f"b{i}"] = params[f"s{i}"] - factor * means
    return plain
