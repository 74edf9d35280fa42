"""Coupling: the distance of a trained hidden layer W from its initialization, and the spectrum of its update.

Source: Li and Liang (2018), section 7. Weights are (seeds, m, d), one row per hidden unit.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.measures.interpolation import relative_distance
from gen_core.measuring import measure
from gen_core.models.products import affine
from gen_core.run import Run
from gen_core.training.parts import measuring, measuring_device, parts_of


def changed_patterns(W: Tensor, start: Tensor, X: Tensor) -> Tensor:
    """Share of (hidden unit, point) pairs whose ReLU is active under exactly one of W and `start`.

    A unit is active where its preactivation is positive, as in section 7.

    Args:
        W: weights, (seeds, ..., m, d), for example along checkpoints.
        start: weights to compare with, (seeds, m, d).
        X: points, (seeds, n, d).

    Returns:
        (seeds, ...). Memory: some points at a time, for one matrix; see `gen_core.training.parts.parts_of`.
    """
    seeds, n = X.shape[:2]
    with measuring(n * W[0].numel()):
        slices = parts_of(seeds, n, _bytes_of_patterns(start))
        return _changed(W, start, ((rows, X[rows, at].to(measuring_device())) for rows, at in slices), n)


def _bytes_of_patterns(start: Tensor) -> int:
    """Of one point: its preactivations and both patterns."""
    m, d = start.shape[1:]
    return start.element_size() * (m + 2 * d) + 3 * m


def _changed(W: Tensor, start: Tensor, parts: Iterable[tuple[slice, Tensor]], n: int) -> Tensor:
    """As `changed_patterns`, with some of the n points of some seeds at a time."""
    changed = torch.zeros(W.shape[:-2], dtype=torch.int64)
    for rows, X in parts:
        for counts, w, w_0, x in zip(changed[rows], W[rows], start[rows], X, strict=True):
            on = _on(w_0.to(x.device), x)
            found = [(_on(v.to(x.device), x) ^ on).count_nonzero() for v in w.reshape(-1, *w_0.shape)]
            counts += torch.stack(found).cpu().view(counts.shape)
    return changed / (n * start.shape[1])


def _on(w: Tensor, x: Tensor) -> Tensor:
    """Which units are active at which points, (n, m), for weights (m, d) and points (n, d)."""
    with torch.no_grad():
        return affine(x[None], w[None], None)[0] > 0


def distance_from(W: Tensor, start: Tensor) -> Tensor:
    """|W - start|_F / |start|_F, (seeds, ...), of W (seeds, ..., m, d) and start (seeds, m, d)."""
    flat = start.flatten(1).view(len(start), *[1] * (W.dim() - 3), -1)
    return relative_distance(W.flatten(-2), flat)


@measure
def pattern_change(run: Run) -> Tensor:
    """Share of the activation patterns on the training points that training has changed, (seeds,)."""
    start, n = run.initial("W"), run.experiment.data.n
    with measuring(n * start[0].numel()):
        parts = run.points_in_parts(size=_bytes_of_patterns(start))
        return _changed(run.weights("W"), start, ((part.seeds, part.X) for part in parts), n)


@measure
def distance_moved(run: Run) -> Tensor:
    """|W_T - W_0|_F / |W_0|_F, (seeds,)."""
    return distance_from(run.weights("W"), run.initial("W"))


@measure
def update_spectrum(run: Run) -> Tensor:
    """Singular values of the accumulated update W_T - W_0 in descending order, (seeds, min(m, d))."""
    return torch.linalg.svdvals(run.weights("W") - run.initial("W"))


@measure
def weight_spectrum(run: Run) -> Tensor:
    """Singular values of W_T in descending order, (seeds, min(m, d))."""
    return torch.linalg.svdvals(run.weights("W"))


def spectral_gap(s: Tensor, rank: int) -> Tensor:
    """s_rank / s_(rank+1) of singular values in descending order, (..., k): (...), infinite where s_(rank+1) is zero.

    Raises:
        InvalidExperiment: if there is no singular value after the first `rank`.
    """
    _require_rest(s, rank)
    return s[..., rank - 1] / s[..., rank]


def leading_energy(s: Tensor, rank: int) -> Tensor:
    """Share of |W|_F^2 in the `rank` largest of the singular values of W, (..., k) in descending order: (...).

    Raises:
        InvalidExperiment: if there is no singular value after the first `rank`.
    """
    _require_rest(s, rank)
    energy = s.square()
    return energy[..., :rank].sum(-1) / energy.sum(-1)


def _require_rest(s: Tensor, rank: int) -> None:
    most = s.shape[-1] - 1
    if not 0 < rank <= most:
        raise InvalidExperiment(f"rank {rank} of {most + 1} singular values; expected 1 to {most}, below full rank")
