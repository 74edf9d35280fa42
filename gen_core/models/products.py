"""Batched products of matrices, (rows, p, q) by (rows, q, r), and of vectors, by whichever way is faster for a size.

On a CPU, torch multiplies batches with MKL, which uses AVX-512 only on some processors. oneDNN, also part of torch,
uses it wherever the processor has it, for one product at a time and at about 15 us per call.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

LARGE = {True: 1_500_000, False: 15_000_000}
"""Multiply-adds from which a product uses oneDNN, by whether the processor computes 512 bits at once or in two halves.

On an x86-64 core that does and whose AVX-512 MKL does not use (112 GFLOP/s, oneDNN 238), 64 x 100 x 256 takes 25 us
instead of 31 and 64 x 784 x 128 takes 67 us instead of 125, while 32 x 196 x 128 is slower, 20 us instead of 17. On one
that computes them in halves (AMD Zen 4), 64 x 100 x 256 takes 67 us instead of 45 and 1000 x 100 x 100 as long as by
MKL, and 256 x 784 x 100 takes 490 us instead of 536."""

NARROW = 16
"""Most outputs that are computed as W h^T, which for ten of them in float32 takes half as long as h W^T."""

HALVED = 256
"""Most rows of a matrix whose products with each other are all computed; of more, those of two halves are, once."""


def multiply(A: Tensor, B: Tensor, out: Tensor) -> Tensor:
    """Multiply A B for each row, into `out`, without gradients."""
    if A.shape[2] == 1:
        return torch.mul(A, B, out=out)
    if _one_by_one(A, B):
        return torch.stack([_onednn(a, b.mT) for a, b in zip(A.unbind(), B.unbind(), strict=True)], out=out)
    return torch.bmm(A, B, out=out)


def subtract(C: Tensor, A: Tensor, B: Tensor) -> None:
    """Subtract A B of each row from C, (rows, p, r), in place and without gradients.

    Where p = 1, as for a linear model, A B is summed before it is subtracted, at no cost. Added to C one by one, terms
    that cancel at convergence would each be rounded at the size of C, and C would drift as long as steps are taken.
    """
    if _one_by_one(A, B):
        for c, a, b in zip(C.unbind(), A.unbind(), B.unbind(), strict=True):
            c.sub_(_onednn(a, b.mT))
    elif A.shape[1] == 1 < A.shape[2]:
        C.sub_(torch.bmm(A, B))
    else:
        C.baddbmm_(A, B, alpha=-1)


def accumulate(C: Tensor, A: Tensor, B: Tensor, kept: float) -> None:
    """Set C, (rows, p, r), to `kept` C + A B for each row, in place and without gradients."""
    if _one_by_one(A, B):
        for c, a, b in zip(C.unbind(), A.unbind(), B.unbind(), strict=True):
            c.mul_(kept).add_(_onednn(a, b.mT))
    else:
        C.baddbmm_(A, B, beta=kept)


def add_gram(K: Tensor, A: Tensor, B: Tensor | None = None) -> None:
    """Add A B^T, which is symmetric, to a symmetric K, (n, n) or (rows, n, n), in place; B is A if left out.

    What is above the diagonal is copied from below it. Cost: little more than n^2 m / 2 multiply-adds of A, (n, m):
    36 ms in place of 53 for 1000 x 1000 in float64.
    """
    n, B, add = A.shape[-2], A if B is None else B, torch.Tensor.addmm_ if A.dim() == 2 else torch.Tensor.baddbmm_
    if n <= HALVED:
        add(K, A, B.mT)
        return
    one, two = slice(n // 2), slice(n // 2, n)
    for part in (one, two):
        add_gram(K[..., part, part], A[..., part, :], B[..., part, :])
    below = add(K[..., two, one], A[..., two, :], B[..., one, :].mT)
    K[..., one, two].copy_(below.mT)


def affine(h: Tensor, W: Tensor, b: Tensor | None) -> Tensor:
    """Compute h W^T + b, (S, B, out), of h, (S, B, in), W, (S, out, in), and b, (S, out); autograd works."""
    if not torch.is_grad_enabled() and _one_by_one(h, W.mT):
        biases = [None] * len(W) if b is None else b.unbind()
        return torch.stack([_onednn(*row) for row in zip(h.unbind(), W.unbind(), biases, strict=True)])
    if W.shape[1] <= NARROW and W.dtype == torch.float32:
        return (W @ h.mT if b is None else torch.baddbmm(b.unsqueeze(2), W, h.mT)).mT.contiguous()
    return h @ W.mT if b is None else torch.baddbmm(b.unsqueeze(1), h, W.mT)


def matvec(A: Tensor, x: Tensor) -> Tensor:
    """Compute A x for each row, (S, p), of A, (S, p, q), and x, (S, q); autograd works.

    On a CPU, BLAS takes 3 to 15 times as long for a batch of matrices times columns as for rows times their transposes.
    """
    return (x.unsqueeze(1) @ A.mT).squeeze(1)


def _one_by_one(A: Tensor, B: Tensor) -> bool:
    """Whether products of these shapes use oneDNN, one at a time."""
    large = A.shape[1] * A.shape[2] * B.shape[2] >= _large()
    return large and A.dtype == torch.float32 and A.device.type == "cpu"


@cache
def _large() -> float:
    """`LARGE` on this processor. AMD's that compute 512 bits at once have AVX-VNNI."""
    if not torch.backends.mkldnn.is_available() or torch.backends.cpu.get_cpu_capability() != "AVX512":
        return math.inf
    return LARGE[bool(torch.cpu.get_capabilities().get("avx_vnni"))]


def _onednn(a: Tensor, W: Tensor, b: Tensor | None = None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(a, W, b, "none", [], "")
