"""Products of every row's own matrices, (rows, p, q) by (rows, q, r), by the library that is fastest for their size.

On a CPU torch multiplies a batch by MKL, which has AVX-512 on some processors only. oneDNN, a part of torch too, has it
wherever the processor has, for one product and about 15 us a call.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

LARGE = 1_500_000
"""Multiply-adds of one product from which on oneDNN makes it: on an x86-64 core with AVX-512 that MKL leaves idle
(112 GFLOP/s; oneDNN 238), 64 x 100 x 256 takes 25 us against 31 and 64 x 784 x 128 takes 67 against 125; 32 x 196 x 128
is slower, 20 against 17."""


def multiply(A: Tensor, B: Tensor, out: Tensor) -> Tensor:
    """A B of each row, into `out`, without gradients."""
    if A.shape[2] == 1:
        return torch.mul(A, B, out=out)
    if _one_by_one(A, B):
        return torch.stack([_onednn(a, b.mT) for a, b in zip(A.unbind(), B.unbind(), strict=True)], out=out)
    return torch.bmm(A, B, out=out)


def subtract(C: Tensor, A: Tensor, B: Tensor) -> None:
    """Take A B of each row from C, (rows, p, r), in place and without gradients."""
    if _one_by_one(A, B):
        for c, a, b in zip(C.unbind(), A.unbind(), B.unbind(), strict=True):
            c.sub_(_onednn(a, b.mT))
    else:
        C.baddbmm_(A, B, alpha=-1)


def affine(h: Tensor, W: Tensor, b: Tensor | None) -> Tensor:
    """Map h, (S, B, in), by W, (S, out, in), and b, (S, out), to (S, B, out), for autograd too."""
    if not torch.is_grad_enabled() and _one_by_one(h, W.mT):
        biases = [None] * len(W) if b is None else b.unbind()
        return torch.stack([_onednn(*row) for row in zip(h.unbind(), W.unbind(), biases, strict=True)])
    return h @ W.mT if b is None else torch.baddbmm(b.unsqueeze(1), h, W.mT)


def _one_by_one(A: Tensor, B: Tensor) -> bool:
    """Whether products of these shapes are made by oneDNN."""
    large = A.shape[1] * A.shape[2] * B.shape[2] >= LARGE
    return large and A.dtype == torch.float32 and A.device.type == "cpu" and _has_avx512()


@cache
def _has_avx512() -> bool:
    return torch.backends.mkldnn.is_available() and torch.backends.cpu.get_cpu_capability() == "AVX512"


def _onednn(a: Tensor, W: Tensor, b: Tensor | None = None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(a, W, b, "none", [], "")
