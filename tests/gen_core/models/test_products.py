"""Products of rows against torch's own, on either side of the size from which on another library makes them."""

import math

import numpy as np
import pytest
import torch

from gen_core.models import products
from gen_core.models.products import HALVED, LARGE, NARROW, accumulate, add_gram, affine, matvec, multiply, subtract

PROCESSORS = {
    "512 bits at once": ("AVX512", {"avx_vnni": True}, LARGE[True]),
    "512 bits in halves": ("AVX512", {"avx_vnni": False}, LARGE[False]),
    "256 bits": ("AVX2", {"avx_vnni": True}, None),
    "another kind": ("DEFAULT", {"neon": True}, None),
}
"""What torch tells of a processor, and the least product that oneDNN makes there."""

SHAPES = [(1, 9, 6), (3, 4, 5), (1, 7, 2), (64, 1, 9), (40, 150, 260), (300, 70, 100)]


def factors(shape, dtype=torch.float32, rows=2):
    p, q, r = shape
    generator = torch.Generator().manual_seed(p)
    return (
        torch.randn(rows, p, q, generator=generator, dtype=dtype),
        torch.randn(rows, q, r, generator=generator, dtype=dtype),
    )


def close(found, expected):
    size = expected.abs().max()
    torch.testing.assert_close(
        found / size, expected / size, rtol=0, atol=1e-5 if found.dtype == torch.float32 else 1e-14
    )


@pytest.fixture(params=[math.inf, 1000], ids=["MKL", "oneDNN"])
def library(request, monkeypatch):
    """The library that makes products of all sizes, and of float32 from a thousand multiply-adds."""
    if request.param != math.inf and not torch.backends.mkldnn.is_available():
        pytest.skip("torch was built without oneDNN")
    monkeypatch.setattr(products, "_large", lambda: request.param)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True), (True, True)])
def test_products_are_those_of_torch_in_every_layout(shape, dtype, transposed):
    A, B = factors(shape, dtype)
    expected = A.double() @ B.double()
    A, B = (M.mT.contiguous().mT if turned else M for M, turned in zip((A, B), transposed, strict=True))
    out, C = torch.empty_like(expected, dtype=dtype), torch.ones_like(expected, dtype=dtype)
    kept = C.clone()

    assert multiply(A, B, out) is out
    subtract(C, A, B)
    accumulate(kept, A, B, 0.75)

    close(out.double(), expected) if dtype == torch.float64 else close(out, expected.float())
    close(C, (1 - expected).to(dtype))
    close(kept, (0.75 + expected).to(dtype))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rows", [1, HALVED, HALVED + 1, 2 * HALVED + 3, 5 * HALVED - 1])
def test_a_gram_matrix_is_added_whole(rows, dtype):
    A = torch.randn(rows, 40, generator=torch.Generator().manual_seed(rows), dtype=dtype)
    K = torch.arange(rows, dtype=dtype).add(1).log().outer(torch.ones(rows, dtype=dtype))
    K = K + K.mT
    expected = torch.from_numpy(A.double().numpy() @ A.double().numpy().T + K.double().numpy())
    add_gram(K, A)
    close(K, expected.to(dtype))


@pytest.mark.parametrize("of", [1, HALVED + 1, 3 * HALVED])
def test_gram_matrices_of_rows_are_added_with_weights(of):
    generator = torch.Generator().manual_seed(of)
    A = torch.randn(3, of, 50, generator=generator, dtype=torch.float64)
    weights = torch.randn(3, 1, 50, generator=generator, dtype=torch.float64)
    K = torch.ones(3, of, of, dtype=torch.float64)
    add_gram(K, A * weights, A)
    for kernel, points, weight in zip(K, A.numpy(), weights.numpy(), strict=True):
        close(kernel, torch.from_numpy((points * weight) @ points.T + 1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 5), (7, 1), (40, 300)])
def test_each_row_has_its_own_matrix_times_its_own_vector(shape, dtype):
    generator = torch.Generator().manual_seed(shape[0])
    A = torch.randn(3, *shape, generator=generator, dtype=dtype)
    x = torch.randn(3, shape[1], generator=generator, dtype=dtype).requires_grad_()
    found = matvec(A, x)
    close(
        found.detach(), torch.from_numpy(np.stack([a @ b for a, b in zip(A.numpy(), x.detach().numpy(), strict=True)]))
    )
    (gradient,) = torch.autograd.grad(found.sum(), x)
    close(gradient, A.sum(1))


def test_steps_at_a_minimum_do_not_drift_off_the_row_span():
    X = torch.from_numpy(np.random.default_rng(0).normal(size=(4, 30, 60)))
    y = X.sum(-1, keepdim=True)
    rate = 1 / torch.linalg.matrix_norm(X, 2).amax() ** 2
    off_span = torch.linalg.svd(X).Vh[:, 30:]  # the null space of X, which no gradient has a part in
    w, off = torch.zeros(4, 1, 60, dtype=torch.float64), []
    for step in range(10_001):
        subtract(w, rate * (X @ w.mT - y).mT, X)
        if step % 5_000 == 0:
            off.append(float((off_span @ w.mT).norm(dim=1).max() / w.norm(dim=-1).min()))

    assert max(off) < 1e-14  # rounding leaves 3e-15; terms that are added to w one by one leave 3e-14, then 6e-14


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [*SHAPES, (30, 20, NARROW), (30, 20, NARROW + 1)])
def test_an_affine_map_is_that_of_torch_with_and_without_gradients(shape, bias):
    h, W = factors(shape)
    W, b = W.mT.contiguous().requires_grad_(), torch.randn(2, shape[2]) if bias else None
    expected = torch.stack(
        [torch.nn.functional.linear(*row) for row in zip(h, W, b if bias else [None] * 2, strict=True)]
    )
    with_gradients = affine(h, W, b)
    with torch.no_grad():
        without = affine(h, W, b)
    close(with_gradients, expected)
    close(without, expected)
    assert with_gradients.requires_grad
    assert not without.requires_grad


@pytest.mark.parametrize("processor", PROCESSORS)
def test_only_products_of_float32_that_are_large_for_the_processor_are_made_one_by_one(monkeypatch, processor):
    capability, has, large = PROCESSORS[processor]
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    monkeypatch.setattr(products, "_large", products._large.__wrapped__)

    def one_by_one(last, dtype):
        return products._one_by_one(*(torch.empty(1, *size, dtype=dtype) for size in ((100, 100), (100, last))))

    assert not one_by_one((large or LARGE[True]) // 10_000 - 1, torch.float32)
    assert one_by_one((large or LARGE[False]) // 10_000, torch.float32) is (large is not None)
    assert not one_by_one((large or LARGE[False]) // 10_000, torch.float64)
