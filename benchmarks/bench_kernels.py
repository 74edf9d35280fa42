"""Tangent kernels and spectral norms beside what one would write without them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor
from torch.func import jacrev, vmap

from gen_core import TwoLayer
from gen_core.measures import first_layer_kernel, first_linear_kernel, spectral_norm, tangent_kernel

MODEL, N, D, M = TwoLayer(512, "erf", symmetric=False), 1_000, 100, 512
SIDE = 4_000
ROUNDS = 5


def jacobians(X: Tensor, params: dict[str, Tensor]) -> Tensor:
    """All Jacobians by torch.func at once, and their product."""

    def f(W: Tensor, x: Tensor) -> Tensor:
        return MODEL.forward({"W": W[None], "v": params["v"][None]}, x[None, None]).squeeze()

    J = vmap(jacrev(f), (None, 0))(params["W"], X).flatten(1)
    return J @ J.mT


@pytest.fixture(scope="module")
def network() -> tuple[Tensor, dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(N, D, generator=generator), MODEL.init((D,), generator, torch.float32)


def blocks(X: Tensor, params: dict[str, Tensor]) -> Tensor:
    """Jacobians of some points at a time, which deeper networks need."""
    return tangent_kernel(MODEL, params, X)


def closed_form(X: Tensor, params: dict[str, Tensor]) -> Tensor:
    return first_layer_kernel(X, params["W"], "erf")


WAYS = {"ours": closed_form, "blocks": blocks, "loop": jacobians}


@pytest.mark.parametrize("name", WAYS)
def test_tangent_kernel(benchmark: BenchmarkFixture, tally, network, name: str) -> None:
    benchmark.group = f"tangent kernel, n={N}, m={M}, d={D}"
    kernel = benchmark.pedantic(WAYS[name], network, rounds=ROUNDS, warmup_rounds=1)
    torch.testing.assert_close(kernel, jacobians(*network), rtol=1e-4, atol=1e-5)
    tally.time(benchmark, name)


@pytest.fixture(scope="module")
def gap() -> Tensor:
    """What the norm is taken of: a kernel at initialization less the linear one, in float64."""
    generator = torch.Generator().manual_seed(1)
    X = torch.randn(SIDE, D, generator=generator, dtype=torch.float64)
    W = torch.randn(M, D, generator=generator, dtype=torch.float64)
    return first_layer_kernel(X, W, "erf") - first_linear_kernel(X, "erf", 1.0)


def dense(A: Tensor) -> float:
    """All eigenvalues."""
    return float(torch.linalg.eigvalsh(A).abs().max())


@pytest.mark.parametrize("way", [spectral_norm, dense], ids=["ours", "loop"])
def test_spectral_norm(benchmark: BenchmarkFixture, tally, gap: Tensor, way: Callable[[Tensor], float]) -> None:
    benchmark.group = f"spectral norm, n={SIDE}"
    norm = benchmark.pedantic(way, (gap,), rounds=ROUNDS)
    assert norm == pytest.approx(dense(gap), rel=1e-5)
    tally.time(benchmark, "ours" if way is spectral_norm else "loop")
