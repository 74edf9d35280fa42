"""Linear classifiers on inputs with two nonzero coordinates, in R^d with d as large as integer indices allow.

Source: Nakkiran et al., "SGD on Neural Networks Learns Functions of Increasing Complexity" (2019), section 5. There
x = eta y e_1 + e_k, so that a sample of n points changes w(1) and the n weights w(k_i), and leaves the rest of w at its
initial values. No tensor here has length d.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gen_core.checks import check_count
from gen_core.errors import InvalidExperiment
from gen_core.models.contract import Size
from gen_core.types import Data

GOLDEN = 0x9E3779B97F4A7C15 - 2**64
"""2^64 over the golden ratio, as a signed integer: its multiples modulo 2^64 are spread evenly (Knuth, TAOCP, 6.4)."""

STARTS = ("constant", "sign", "uniform")
PEEKS = ("none", "aligned", "interpolating")


@dataclass(frozen=True)
class SparseLinear:
    """f(x) = w(1) x(1) + w(k) for x = x(1) e_1 + e_k, stored as the pair (x(1), k); float64.

    The trained parameters are w1, (), and w, (n,): the weights of the sample's coordinates in increasing order, padded
    with zeros where points share a coordinate. The others are coordinates, (n,), each k or infinity (padding), and law
    and shift, which define w0 as a function of k alone; f uses w0 on all coordinates outside the sample.

    Attributes:
        n: number of points in the sample.
        first: w0(1).
        bound: largest |w0(i)| for i > 1.
        start: w0(i) for i > 1: "constant" (the bound), "sign" (plus or minus the bound) or "uniform" (between these).
        peek: how w0 depends on the sample. "none": not at all; "aligned": w0(k_i) = bound x_i(1), which is
            bound eta_i y_i; "interpolating": y_i - w0(1) x_i(1) is added to w0(k_i), which with bound 0 fits every
            point exactly.
    """

    is_sparse: ClassVar[bool] = True

    n: int
    first: float = 0.0
    bound: float = 0.0
    start: str = "constant"
    peek: str = "none"

    def __post_init__(self) -> None:
        check_count("n", self.n)
        if not math.isfinite(self.first):
            raise InvalidExperiment(f"first {self.first}; expected a finite number")
        if not (math.isfinite(self.bound) and self.bound >= 0):
            raise InvalidExperiment(f"bound {self.bound}; expected a finite number >= 0")
        for name, value, known in (("start", self.start, STARTS), ("peek", self.peek, PEEKS)):
            if value not in known:
                raise InvalidExperiment(f"{name} {value!r}; expected one of {', '.join(known)}")

    @property
    def outputs(self) -> int:
        """One."""
        return 1

    @property
    def trainable(self) -> tuple[str, ...]:
        """w1 and w."""
        return ("w1", "w")

    def init(self, inputs: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype) -> dict[str, Tensor]:
        """Draw one seed's w0; see `Model.init`. The sample's coordinates are filled in by `place`."""
        _check_inputs(inputs)
        if dtype != torch.float64:
            raise InvalidExperiment(f"SparseLinear in {dtype}; expected float64, since float32 has indices up to 2^24")
        law = torch.tensor([self.bound if self.start == start else 0.0 for start in STARTS], dtype=dtype)
        return {
            "w1": torch.tensor(self.first, dtype=dtype),
            "w": torch.zeros(self.n, dtype=dtype),
            "coordinates": torch.full((self.n,), torch.inf, dtype=dtype),
            "law": law,
            "shift": torch.randint(-(2**63), 2**63 - 1, (), generator=generator),
        }

    def place(self, params: Mapping[str, Tensor], data: Data) -> dict[str, Tensor]:
        """Set w to w0 on the coordinates of one seed's sample; see `Model`. Of points that share one, the last counts.

        Raises:
            InvalidExperiment: if the sample does not have n points.
        """
        x1, k = data.X.unbind(1)
        if len(k) != self.n:
            raise InvalidExperiment(f"SparseLinear with n {self.n} for {len(k)} points; expected equal numbers")
        known, slot = k.unique(return_inverse=True)
        w0 = start_weights(params["law"], params["shift"], known)
        if self.peek == "aligned":
            w0[slot] = self.bound * x1
        elif self.peek == "interpolating":
            w0[slot] = w0[slot] + data.y - self.first * x1
        w, coordinates = params["w"].clone(), params["coordinates"].clone()
        w[: len(known)], coordinates[: len(known)] = w0, known
        return {**params, "w": w, "coordinates": coordinates}

    def forward(self, params: Mapping[str, Tensor], X: Tensor) -> Tensor:
        """Outputs, (S, B); see `Model.forward`. Coordinates are looked up by binary search."""
        x1, k, slot, off = self._found(params, X)
        unseen = start_weights(params["law"], params["shift"], k)
        return params["w1"].unsqueeze(-1) * x1 + torch.where(off, unseen, params["w"].gather(1, slot))

    def descend(self, params: Mapping[str, Tensor], X: Tensor, pull: Callable[[Tensor], Tensor]) -> None:
        """Change w1 and the weights of the points' coordinates; see `Sparse.descend`. Off the sample, f is NaN here."""
        x1, _, slot, off = self._found(params, X)
        w1, w = params["w1"], params["w"]
        g = pull(w1.unsqueeze(-1) * x1 + w.gather(1, slot).masked_fill_(off, math.nan))
        w1.sub_((g * x1).sum(1))
        w.scatter_add_(1, slot, -g)

    def _found(self, params: Mapping[str, Tensor], X: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Points X as x(1) and k, the place of k's weight in w, and whether k is off the sample, (S, B) each."""
        x1, k, coordinates = X[..., 0], X[..., 1].contiguous(), params["coordinates"]
        slot = torch.searchsorted(coordinates, k).clamp_(max=self.n - 1)
        return x1, k, slot, coordinates.gather(1, slot) != k

    def batch_form(self) -> SparseLinear:
        """The model without its initialization."""
        return SparseLinear(self.n)

    def size(self, inputs: tuple[int, ...]) -> Size:
        """Count n + 1 parameters and 2 multiply-adds."""
        _check_inputs(inputs)
        return Size(self.n + 1, 2)


def start_weights(law: Tensor, shift: Tensor, k: Tensor) -> Tensor:
    """w0(k) of the coordinates k, (..., B), given the law, (..., 3), and the shift, (...), of each seed.

    With h(k) = (k GOLDEN + shift) modulo 2^64, scaled to [-1, 1), it is law[0] + law[1] sign(h) + law[2] h.
    """
    h = (k.long() * GOLDEN + shift.unsqueeze(-1)).double() * 2.0**-63
    constant, sign, uniform = law.unsqueeze(-2).unbind(-1)
    return constant + sign * h.sign() + uniform * h


def smaller_share(model: SparseLinear, d: int, coordinates: Tensor, w1: Tensor, w: Tensor) -> Tensor:
    """Share of the indices k in {2, ..., d} with |w(k)| < |w(1)|; equality counts half.

    Indices off the sample have w0(k). Their share is exact for the starts "constant" and "sign", and for "uniform"
    where |w(1)| is at least the bound; below it |w(1)| / bound stands for it, which the multiples of GOLDEN keep to
    within about (log d) / d.

    Args:
        model: gives the law of w0 off the sample.
        d: dimension.
        coordinates: (seeds, n), as in the model's parameters.
        w1: w(1), (seeds, ...).
        w: weights of the coordinates, (seeds, ..., n).

    Returns:
        One number for each w(1), (seeds, ...).
    """
    size = w1.abs()
    seen = coordinates.isfinite().view(len(w), *[1] * (w.dim() - 2), -1)
    smaller = (_half_heaviside(size.unsqueeze(-1) - w.abs()) * seen).sum(-1)
    off = d - 1 - seen.sum(-1)
    if model.start == "uniform" and model.bound > 0:
        share_off = (size / model.bound).clamp(max=1.0)
    else:
        share_off = _half_heaviside(size - model.bound)
    return (smaller + off * share_off) / (d - 1)


def sgd_limit(first: float, x1: Tensor, y: Tensor, w0: Tensor) -> Tensor:
    """Limit of w(1) under SGD on the square loss, where no two points share a coordinate k.

    Steps move w along the points, so that the limit is w0 projected onto the interpolants: with eta_i = y_i x_i(1),
    w(1) = w0(1) / (n + 1) + n / (n + 1) mean_i(eta_i - eta_i y_i w0(k_i)).

    Args:
        first: w0(1).
        x1: x_i(1) = eta_i y_i, (..., n).
        y: labels, (..., n).
        w0: w0(k_i), (..., n).
    """
    n = y.shape[-1]
    return (first + (x1 * (y - w0)).sum(-1)) / (n + 1)


def _half_heaviside(x: Tensor) -> Tensor:
    return torch.heaviside(x, x.new_tensor(0.5))


def _check_inputs(inputs: tuple[int, ...]) -> None:
    if inputs != (2,):
        raise InvalidExperiment(f"SparseLinear on inputs {inputs}; expected (2,), pairs of x(1) and k")
