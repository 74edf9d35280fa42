"""Margins of classifiers, and their quantiles over points.

Source: Bartlett, Foster and Telgarsky, "Spectrally-normalized margin bounds for neural networks" (2017).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gen_core.errors import InvalidExperiment, Unfinished


def margins(f: Tensor, y: Tensor, divisors: Tensor | None = None) -> Tensor:
    """Margin of each point, float64 (seeds, n): y f of two classes, f_y - max_{j != y} f_j of more.

    A point is classified correctly where its margin is positive. A tie of several classes is a margin of 0.

    Args:
        f: outputs, (seeds, n) or (seeds, n, C), for example `run.outputs(run.X)`.
        y: labels, -1 and +1 or int64 classes from 0 to C - 1, (seeds, n).
        divisors: positive numbers by which the margins are divided, (seeds,), such as a product of `layer_norms` or a
            `path_norm`.

    Raises:
        InvalidExperiment: if shapes or labels do not match, or a divisor is not positive.
    """
    f = f.double()
    if f.dim() == 3 and f.shape[:-1] == y.shape and not y.is_floating_point():
        found = _of_classes(f, y)
    elif f.dim() == 2 and f.shape == y.shape and bool((y.abs() == 1).all()):
        found = y * f
    else:
        raise InvalidExperiment(
            f"margins of outputs {tuple(f.shape)} for {y.dtype} labels {tuple(y.shape)}; expected (seeds, n) for as "
            "many labels of -1 and +1, or (seeds, n, C) for integer classes (seeds, n)"
        )
    if divisors is None:
        return found
    if divisors.shape != f.shape[:1] or not bool((divisors > 0).all()):
        raise InvalidExperiment(
            f"divisors {tuple(divisors.shape)} from {float(divisors.min()):.3g} of margins of {len(f)} seeds; expected "
            "a positive number for each"
        )
    return found / divisors.double().unsqueeze(1)


def margin_quantiles(found: Tensor, q: float | Sequence[float]) -> Tensor:
    """Quantiles over the points of each seed, with linear interpolation: (seeds,), or (len(q), seeds) of several q.

    Args:
        found: margins, (seeds, n).
        q: from 0, the smallest margin, over .5, the median, to 1.

    Raises:
        InvalidExperiment: for a q outside [0, 1].
        Unfinished: if a margin is not a number.
    """
    if not all(0 <= each <= 1 for each in np.atleast_1d(q)):
        raise InvalidExperiment(f"quantiles at {q}; expected numbers from 0 to 1")
    if bool(found.isnan().any()):
        raise Unfinished("quantiles of margins that are not numbers; expected finite outputs")
    return torch.as_tensor(np.quantile(found.double().cpu().numpy(), q, axis=1)).to(found.device)


def _of_classes(f: Tensor, y: Tensor) -> Tensor:
    if f.shape[-1] < 2 or int(y.min()) < 0 or int(y.max()) >= f.shape[-1]:
        raise InvalidExperiment(
            f"classes {int(y.min())} to {int(y.max())} of {f.shape[-1]} outputs; expected 0 to C - 1, with C at least 2"
        )
    own = y.unsqueeze(-1)
    others = f.scatter(-1, own, -torch.inf).amax(-1)
    return f.gather(-1, own).squeeze(-1) - others
