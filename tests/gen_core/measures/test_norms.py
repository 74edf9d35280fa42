"""Norms of layers against numpy and the whole matrix of a convolution, path norms against a walk along all paths."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from gen_core import MLP, ConvNet, InvalidExperiment, LiLiang, Linear, ResNet, TwoLayer, Unfinished
from gen_core.measures import EntryNorm, MatrixNorm, OperatorNorm, layer_norms, normalized, path_norm, spectra
from gen_core.models.activations import Polynomial
from gen_core.models.contract import Layer, layers_of

IMAGES = (2, 7, 5)
NET = ConvNet(channels=(3, 4), hidden=(6,), outputs=3)
NORMS = [
    *(EntryNorm(p) for p in (1, 1.5, 2, 4, math.inf)),
    *(MatrixNorm(p) for p in (1, 2, math.inf)),
    *(OperatorNorm(IMAGES, p) for p in (1, 2, math.inf)),
]


def drawn(model, inputs: tuple[int, ...], seeds: int = 2, seed: int = 0, dtype=torch.float64) -> dict[str, Tensor]:
    """Parameters of several seeds, with biases that are not zero."""
    stream = torch.Generator().manual_seed(seed)
    rows = [model.init(inputs, stream, torch.float64) for _ in range(seeds)]
    rows = [
        {k: torch.randn(p.shape, generator=stream).double() if k[0] == "b" else p for k, p in r.items()} for r in rows
    ]
    return {name: torch.stack([row[name] for row in rows]).to(dtype) for name in rows[0]}


def matrix_of(W: Tensor, image: tuple[int, ...], stride: int, zeros: int | None = None) -> np.ndarray:
    """The whole matrix of a convolution without biases, one column for each pixel, by torch.nn."""
    padding = W.shape[-1] // 2 if zeros is None else zeros
    layer = nn.Conv2d(W.shape[1], W.shape[0], W.shape[-1], stride, padding=padding, bias=False).double()
    with torch.no_grad():
        layer.weight.copy_(W)
        basis = torch.eye(math.prod(image), dtype=torch.float64).view(-1, *image)
        return layer(basis).flatten(1).numpy().T


@pytest.mark.parametrize("p", [1, 1.5, 2, 4, math.inf])
@pytest.mark.parametrize(("model", "inputs"), [(NET, IMAGES), (MLP(hidden=(4,)), (3,)), (Linear(bias=True), (3,))])
def test_entries_against_numpy(model, inputs: tuple[int, ...], p: float):
    params, layers = drawn(model, inputs), layers_of(model, inputs)
    found = layer_norms(params, layers, EntryNorm(p))
    assert found.shape == (2, len(layers))
    for seed, (k, layer) in itertools.product(range(2), enumerate(layers)):
        entries = np.concatenate([params[name][seed].numpy().ravel() for name in layer.names])
        assert float(found[seed, k]) == pytest.approx(np.linalg.norm(entries, p), rel=1e-13)


def test_the_default_is_the_frobenius_norm_to_the_last_bit():
    params, layers = drawn(NET, IMAGES, dtype=torch.float32), layers_of(NET, IMAGES)
    as_before = [torch.cat([params[name].flatten(1) for name in layer.names], 1).norm(dim=1) for layer in layers]
    assert torch.equal(layer_norms(params, layers), torch.stack(as_before, 1))


@pytest.mark.parametrize("p", [1, 2, math.inf])
@pytest.mark.parametrize("inputs", [IMAGES, (2, 20, 15)])  # the larger one is above spectra.DENSE
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_matrices_and_convolutions_against_their_whole_matrices(p: float, inputs, stride: int, kernel: int):
    net = replace(NET, stride=stride, kernel=kernel)
    params, layers = drawn(net, inputs), layers_of(net, inputs)
    reshaped = layer_norms(params, layers, MatrixNorm(p))
    operator = layer_norms(params, layers, OperatorNorm(inputs, p))
    assert operator.dtype == torch.float64
    for seed in range(2):
        image = inputs
        for k, layer in enumerate(layers):
            W = params[layer.weight][seed]
            matrix = W.reshape(len(W), -1).numpy()
            assert float(reshaped[seed, k]) == pytest.approx(scipy.linalg.norm(matrix, p), rel=1e-12)
            if layer.kind == "convolution":
                matrix = matrix_of(W, image, stride)
                image = (len(W), *((side - 1) // stride + 1 for side in image[1:]))
            assert float(operator[seed, k]) == pytest.approx(scipy.linalg.norm(matrix, p), rel=1e-8)


@pytest.mark.parametrize("p", [1, 2, math.inf])
def test_convolutions_without_padding_and_of_residual_blocks_against_their_whole_matrices(p: float):
    valid = ConvNet(channels=(3, 4), kernel=(2, 3), stride=(2, 1), hidden=(), padding="valid")
    for net, sides in ((valid, ((9, 8), (4, 4))), (ResNet(channels=3, blocks=1), ((9, 8), (5, 4), (5, 4)))):
        inputs = (2, 9, 8)
        params, layers = drawn(net, inputs), layers_of(net, inputs)
        found = layer_norms(params, layers, OperatorNorm(inputs, p))
        for k, image in enumerate(sides):
            W, layer = params[layers[k].weight][0], layers[k]
            zeros = 0 if net is valid else 1
            matrix = matrix_of(W, (W.shape[1], *image), layer.stride, zeros)
            assert float(found[0, k]) == pytest.approx(scipy.linalg.norm(matrix, p), rel=1e-8)


@pytest.mark.parametrize("p", [1, 2])
def test_the_path_norm_of_a_residual_network_has_the_paths_that_pass_by(p: float):
    net, inputs = ResNet(channels=2, blocks=2, stride=1), (1, 3, 4)
    params = drawn(net, inputs)
    for seed in range(2):
        first, a, b, c, d, head = (params[f"W{i}"][seed] for i in range(1, 7))
        h = np.abs(matrix_of(first, inputs, 1)) ** p @ np.ones(12)
        for inner, outer in ((a, b), (c, d)):
            h = h + np.abs(matrix_of(outer, (2, 3, 4), 1)) ** p @ (np.abs(matrix_of(inner, (2, 3, 4), 1)) ** p @ h)
        h = np.abs(head.numpy()) ** p @ h
        assert float(path_norm(net, params, inputs, p)[seed]) == pytest.approx(h.sum() ** (1 / p), rel=1e-12)


def test_a_reshaped_kernel_has_another_norm_than_its_convolution():
    params, layers = drawn(NET, IMAGES), layers_of(NET, IMAGES)
    gap = layer_norms(params, layers, OperatorNorm(IMAGES)) / layer_norms(params, layers, MatrixNorm())
    assert (gap[:, 2:] - 1).abs().max() < 1e-14
    assert (gap[:, :2] - 1).abs().min() > 0.001


def test_the_norms_of_large_convolutions_in_closed_form():
    # A 1 x 1 kernel acts on each pixel alone; a kernel of one row is a tridiagonal Toeplitz matrix for each row.
    W = torch.randn(2, 4, 3, 1, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    layers = (Layer("W", (4, 3, 1, 1), places=32 * 32),)
    expected = torch.linalg.svdvals(W.flatten(2))[:, 0]
    assert torch.allclose(layer_norms({"W": W}, layers, OperatorNorm((3, 32, 32)))[:, 0], expected, rtol=1e-8)
    row = torch.zeros(1, 1, 1, 3, 3, dtype=torch.float64)
    row[..., 1, :] = torch.tensor([-1.0, 1.0, -1.0])
    layers = (Layer("W", (1, 1, 3, 3), places=40 * 40),)
    found = float(layer_norms({"W": row}, layers, OperatorNorm((1, 40, 40))))
    assert found == pytest.approx(1 + 2 * math.cos(math.pi / 41), rel=1e-8)


def test_weights_of_zero_and_of_float32_have_norms():
    layers = (Layer("W", (3, 2, 3, 3), places=20 * 20),)
    params = {"W": torch.zeros(2, 3, 2, 3, 3)}
    assert layer_norms(params, layers, OperatorNorm((2, 20, 20))).tolist() == [[0.0], [0.0]]
    for norm in NORMS[5:]:
        single = drawn(NET, IMAGES, dtype=torch.float32)
        double = {name: p.double() for name, p in single.items()}
        both = [layer_norms(params, layers_of(NET, IMAGES), norm) for params in (single, double)]
        assert torch.equal(*both)


@given(
    norm=st.sampled_from(NORMS),
    factor=st.floats(-100, 100).filter(lambda c: abs(c) > 1e-3),
    seed=st.integers(0, 2**16),
)
@settings(deadline=None, max_examples=60)
def test_every_norm_is_homogeneous_and_subadditive(norm, factor: float, seed: int):
    layers = layers_of(NET, IMAGES)
    a, b = (drawn(NET, IMAGES, seed=seed + i) for i in range(2))
    rho, other = (layer_norms(params, layers, norm) for params in (a, b))
    scaled = layer_norms({name: factor * p for name, p in a.items()}, layers, norm)
    both = layer_norms({name: a[name] + b[name] for name in a}, layers, norm)
    assert torch.allclose(scaled, abs(factor) * rho, rtol=1e-7)
    assert bool((both <= (rho + other) * (1 + 1e-7)).all())
    unit = layer_norms(normalized(a, layers, norm), layers, norm)
    assert torch.allclose(unit, torch.ones_like(unit), rtol=1e-7)


def paths_of(params: Mapping[str, Tensor], names: list[str], p: float, seed: int) -> float:
    """The path norm of a dense network of one seed, by walking along every path."""
    matrices = [params[name][seed].numpy() for name in names]
    widths = [matrices[0].shape[1], *(len(W) for W in matrices)]
    total = 0.0
    for path in itertools.product(*map(range, widths)):
        product = math.prod(float(W[j, i]) for W, (i, j) in zip(matrices, itertools.pairwise(path), strict=True))
        total += abs(product) ** p
    return total ** (1 / p)


@pytest.mark.parametrize("p", [1, 2, 3.5])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "identity"])
def test_path_norms_against_all_paths(p: float, activation: str):
    net = MLP(hidden=(4, 3), outputs=2, activation=activation)
    params = drawn(net, (2, 2))
    found = path_norm(net, params, (2, 2), p)
    assert found.dtype == torch.float64
    for seed in range(2):
        assert float(found[seed]) == pytest.approx(paths_of(params, ["W1", "W2", "W3"], p, seed), rel=1e-12)


@pytest.mark.parametrize("p", [1, 2])
def test_the_scales_of_a_network_count_as_weights(p: float):
    net = TwoLayer(width=6, activation="relu", symmetric=False)
    params = drawn(net, (3,))
    scaled = {"W": params["W"] / math.sqrt(3), "v": params["v"][:, None] / math.sqrt(6)}
    for seed in range(2):
        assert float(path_norm(net, params, (3,), p)[seed]) == pytest.approx(paths_of(scaled, ["W", "v"], p, seed))
    ours = LiLiang(width=5, classes=3)
    params = drawn(ours, (2,))
    for seed in range(2):
        assert float(path_norm(ours, params, (2,), p)[seed]) == pytest.approx(paths_of(params, ["W", "a"], p, seed))
    params = drawn(Linear(init_std=1.0, bias=True), (4,))
    assert torch.allclose(path_norm(Linear(bias=True), params, (4,), p), params["w"].norm(p, dim=1), rtol=1e-13)


@pytest.mark.parametrize("p", [1, 2])
def test_path_norms_of_convolutions_are_those_of_their_matrices(p: float):
    net = ConvNet(channels=(2, 3), hidden=(), outputs=2)
    inputs = (1, 4, 3)
    params = drawn(net, inputs)
    for seed in range(2):
        W1, W2 = params["W1"][seed], params["W2"][seed]
        matrices = [matrix_of(W1, inputs, 2), matrix_of(W2, (2, 2, 2), 2), params["W3"][seed].numpy()]
        h = np.ones(math.prod(inputs))
        for matrix in matrices:
            h = np.abs(matrix) ** p @ h
        assert float(path_norm(net, params, inputs, p)[seed]) == pytest.approx(h.sum() ** (1 / p), rel=1e-12)


@given(seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=30)
def test_the_path_norm_bounds_outputs_on_the_unit_cube(seed: int):
    net = MLP(hidden=(8, 8), outputs=3, bias=False)
    params = drawn(net, (5,), seed=seed)
    X = 2 * torch.rand(2, 50, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 1
    assert bool((net.forward(params, X).abs().sum(2).amax(1) <= path_norm(net, params, (5,))).all())


@dataclass(frozen=True)
class OneMore(MLP):
    """A network that adds 1 to its layers."""

    def forward(self, params, X):
        return 1 + super().forward(params, X)


def test_networks_that_have_no_path_norm_are_refused():
    for phi in ("tanh", Polynomial(3)):
        net = MLP(activation=phi)
        with pytest.raises(
            InvalidExperiment, match=r"^path norm through .* of layer W1; expected one of relu, leaky_relu"
        ):
            path_norm(net, drawn(net, (3,)), (3,))
    with pytest.raises(
        InvalidExperiment, match=r"path norm of OneMore: twice the input gives .* expected twice the output"
    ):
        path_norm(OneMore(hidden=(2,)), drawn(MLP(hidden=(2,)), (3,)), (3,))
    normed = MLP(hidden=(2,), batch_norm=True)
    with pytest.raises(InvalidExperiment, match=r"^batch norm after W1; expected weights that have absorbed it"):
        path_norm(normed, drawn(normed, (3,)), (3,))
    with pytest.raises(InvalidExperiment, match=r"^parameters W; expected those of the layers, W, v$"):
        path_norm(TwoLayer(width=4, activation="relu"), {"W": torch.ones(1, 4, 3)}, (3,))
    with pytest.raises(InvalidExperiment, match=r"^p 0.5; expected a finite number >= 1$"):
        path_norm(MLP(hidden=()), drawn(MLP(hidden=()), (3,)), (3,), 0.5)


def test_norms_that_are_none_are_refused():
    with pytest.raises(InvalidExperiment, match=r"^p 0.5; expected a finite number >= 1$"):
        EntryNorm(0.5)
    with pytest.raises(InvalidExperiment, match=r"^p 3.0; expected 1.0 or 2.0 or inf$"):
        MatrixNorm(3)
    with pytest.raises(InvalidExperiment, match=r"^inputs \[3\]; expected a tuple"):
        OperatorNorm([3])
    params, layers = drawn(NET, IMAGES), layers_of(NET, IMAGES)
    with pytest.raises(InvalidExperiment, match=r"^convolution W1 of 2 channels to 12 places on images \(2, 9, 9\)"):
        layer_norms(params, layers, OperatorNorm((2, 9, 9)))
    with pytest.raises(InvalidExperiment, match=r"^convolution W1 of 2 channels to 12 places on images \(70,\)"):
        layer_norms(params, layers, OperatorNorm((70,)))
    params["W3"][1, 0] = math.nan
    for norm in NORMS[5:]:
        with pytest.raises(Unfinished, match=r"^norm of W3: a weight is not finite; expected finite weights$"):
            layer_norms(params, layers, norm)


def test_a_singular_value_that_is_not_found_is_told(monkeypatch):
    layers = (Layer("W", (3, 2, 3, 3), places=400),)
    params = {"W": torch.randn(1, 3, 2, 3, 3, generator=torch.Generator().manual_seed(0))}
    monkeypatch.setattr(spectra, "RESIDUAL", 1e-30)
    with pytest.raises(Unfinished, match=r"^largest singular value of a map on 800 numbers: "):
        layer_norms(params, layers, OperatorNorm((2, 20, 20)))
