"""Other weights against arithmetic by hand, and what they do to networks."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gen_core import GD, MLP, ConvNet, CrossEntropy, Experiment, InvalidExperiment, LiLiang, Unfinished
from gen_core.data.digits import Digits
from gen_core.lab import Lab, Store
from gen_core.measures import (
    EntryNorm,
    barrier,
    interpolated,
    layer_norms,
    moved,
    path_norm,
    quantized,
    radius,
    random_direction,
    rescaled,
    weighted,
)
from gen_core.models.contract import layers_of

NET = MLP(hidden=(5, 4), outputs=3)
CONV = ConvNet(channels=(2, 3), hidden=(4,), outputs=3)


def drawn(model, inputs: tuple[int, ...], seed: int = 0, dtype=torch.float64) -> dict[str, Tensor]:
    """Parameters of 2 seeds, with biases that are not zero."""
    stream = torch.Generator().manual_seed(seed)
    shapes = {name: (2, *p.shape) for name, p in model.init(inputs, stream, dtype).items()}
    return {name: torch.randn(shape, generator=stream, dtype=torch.float64).to(dtype) for name, shape in shapes.items()}


def streams(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def test_interpolation_by_hand():
    a, b = drawn(NET, (3,), 0), drawn(NET, (3,), 1)
    for t in (0.25, 0.5, -1.0, 2.0):
        for name, p in interpolated(a, b, t).items():
            assert np.allclose(p.numpy(), (1 - t) * a[name].numpy() + t * b[name].numpy(), rtol=1e-14)
    c = drawn(NET, (3,), 2)
    for name, p in weighted((a, b, c), (1 / 3, 1 / 3, 1 / 3)).items():
        assert torch.allclose(p, (a[name] + b[name] + c[name]) / 3, rtol=1e-13)


def test_the_ends_are_the_networks_themselves_and_what_is_equal_stays():
    a, b = drawn(NET, (3,), 0, torch.float32), drawn(NET, (3,), 1, torch.float32)
    kept = {"shift": torch.tensor([3, 4]), "coordinates": torch.tensor([[1.0, math.inf], [2.0, math.inf]])}
    a, b = a | kept, b | kept
    for t, end in ((0, a), (1, b)):
        found = interpolated(a, b, t)
        assert all(torch.equal(found[name], p) and found[name].dtype == p.dtype for name, p in end.items())
    assert all(torch.equal(interpolated(a, b, 0.5)[name], p) for name, p in kept.items())


def test_networks_that_do_not_mix_are_refused():
    a = drawn(NET, (3,))
    with pytest.raises(InvalidExperiment, match=r"^shares \(0.5, 0.4\) of 2 networks; expected one each, of sum 1$"):
        weighted((a, a), (0.5, 0.4))
    with pytest.raises(InvalidExperiment, match=r"^2 networks of the same parameters; expected some that differ$"):
        interpolated(a, {name: p.clone() for name, p in a.items()}, 0.5)
    with pytest.raises(InvalidExperiment, match=r"^shares \(\) of 0 networks; expected one each, of sum 1$"):
        weighted((), ())
    with pytest.raises(InvalidExperiment, match=r"^parameters W1 .* beside W1 \(2, 5, 3\) float64.*of one network$"):
        interpolated(a, drawn(NET, (4,)), 0.5)
    with pytest.raises(InvalidExperiment, match=r"^parameters .*float32 beside .*float64.*of one network$"):
        interpolated(a, drawn(NET, (3,), dtype=torch.float32), 0.5)
    with pytest.raises(
        InvalidExperiment, match=r"^parameter k of torch.int64 differs between networks; expected floats"
    ):
        interpolated({"k": torch.tensor([1])}, {"k": torch.tensor([2])}, 0.5)


def test_unit_directions_have_norm_one_and_are_common_to_arms():
    params = drawn(CONV, (1, 6, 5))
    both = streams(5, 6)
    first, second = random_direction(params, both), random_direction(params, both)
    arms = random_direction({name: 7 * p.float() for name, p in params.items()}, streams(5, 6))
    for seed in range(2):
        flat = np.concatenate([d[seed].numpy().ravel() for d in first.values()])
        assert np.linalg.norm(flat) == pytest.approx(1)
        assert abs(flat @ np.concatenate([d[seed].numpy().ravel() for d in second.values()])) < 0.5
    assert all(torch.equal(first[name].float(), d) for name, d in arms.items())
    alone = random_direction({name: p[1:] for name, p in params.items()}, streams(6))
    assert all(torch.equal(first[name][1:], d) for name, d in alone.items())


def test_a_unit_direction_has_no_preferred_one():
    params = {"W": torch.zeros(2000, 2, 3), "b": torch.zeros(2000, 2)}
    found = random_direction(params, streams(*range(2000)))
    flat = torch.cat([found["W"].flatten(1), found["b"]], 1)
    assert (flat.T @ flat / 2000 - torch.eye(8) / 8).abs().max() < 0.02  # 8 standard deviations of an entry


@pytest.mark.parametrize("scale", ["parameter", "filter"])
def test_scaled_directions_have_the_norms_of_the_parameters(scale: str):
    params = drawn(CONV, (1, 6, 5))
    params["W3"][:, 1] = 0
    found = random_direction(params, streams(1, 2), scale)
    for seed in range(2):
        for name, p in params.items():
            rows, parts = p[seed].numpy(), found[name][seed].numpy()
            whole = scale == "parameter" or rows.ndim == 1
            for w, d in [(rows, parts)] if whole else zip(rows, parts, strict=True):
                assert np.linalg.norm(d) == pytest.approx(np.linalg.norm(w))
    assert bool((found["W3"][:, 1] == 0).all()) == (scale == "filter")


def test_directions_of_what_cannot_move_are_refused():
    params = drawn(NET, (3,))
    with pytest.raises(
        InvalidExperiment, match=r"^1 streams for W1 \(2, 5, 3\) float64, .*; expected one for each seed"
    ):
        random_direction(params, streams(1))
    with pytest.raises(
        InvalidExperiment, match=r"^2 streams for k \(2,\) int64; expected one for each seed, and floats$"
    ):
        random_direction({"k": torch.tensor([1, 2])}, streams(1, 2))
    with pytest.raises(InvalidExperiment, match=r"^scale 'layer'; expected 'unit' or 'parameter' or 'filter'$"):
        random_direction(params, streams(1, 2), "layer")  # pyright: ignore[reportArgumentType]


def test_moves_by_hand():
    params = drawn(LiLiang(width=4, classes=3), (2,))
    direction = random_direction({"W": params["W"]}, streams(1, 2))
    by = torch.tensor([0.5, -2.0])
    one, each = moved(params, direction, 3), moved(params, direction, by)
    for seed in range(2):
        assert torch.allclose(one["W"][seed], params["W"][seed] + 3 * direction["W"][seed])
        assert torch.allclose(each["W"][seed], params["W"][seed] + float(by[seed]) * direction["W"][seed])
    assert one["a"] is params["a"]
    with pytest.raises(
        InvalidExperiment, match=r"^direction of v, \(2, 4, 2\); expected some of W .*a .*|^direction of v"
    ):
        moved(params, {"v": direction["W"]}, 1)
    with pytest.raises(
        InvalidExperiment, match=r"^direction of a, \(2, 4, 2\); expected some of W \(2, 4, 2\) float64, a"
    ):
        moved(params, {"a": direction["W"]}, 1)
    with pytest.raises(
        InvalidExperiment, match=r"^distance of shape \(3,\); expected one, or one for each of 2 seeds$"
    ):
        moved(params, direction, torch.ones(3))


def test_radii_in_closed_form_and_of_a_network():
    curvature = torch.tensor([1.0, 4.0], dtype=torch.float64)
    found = radius(lambda r: curvature / 2 * r**2, 0.5, 10)
    assert torch.allclose(found, (1 / curvature).sqrt(), rtol=1e-7)
    params = drawn(NET, (3,))
    direction = random_direction(params, streams(1, 2))
    X = torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    f = NET.forward(params, X)

    def loss_at(distance: Tensor) -> Tensor:
        return (NET.forward(moved(params, direction, distance), X) - f).square().flatten(1).mean(1)

    assert torch.allclose(loss_at(radius(loss_at, 0.3, 50)), torch.tensor(0.3).double(), rtol=1e-5)


def test_radii_that_lie_elsewhere_are_told():
    with pytest.raises(Unfinished, match=r"^loss 2 at distance 0; expected at most 1 in every seed$"):
        radius(lambda r: torch.tensor([0.0, 2.0]), 1, 5)
    with pytest.raises(Unfinished, match=r"^loss 0.5 at distance 5; expected above 1 in every seed$"):
        radius(lambda r: torch.tensor([0.1, 1.0]) * r, 1, 5)
    lost = radius(lambda r: torch.where(r > 2, torch.nan, r).expand(2), 2.5, 5)  # what is not a number is beyond
    assert torch.allclose(lost, torch.tensor(2.0).double())


@given(
    factor=st.floats(0.01, 100),
    at=st.integers(0, 1),
    activation=st.sampled_from(["relu", "leaky_relu", "identity"]),
    seed=st.integers(0, 999),
)
@settings(deadline=None)
def test_a_rescaled_pair_leaves_outputs_and_path_norms_as_they_are(factor: float, at: int, activation: str, seed: int):
    for net, inputs in (
        (MLP(hidden=(5, 4), activation=activation), (3,)),
        (ConvNet((2,), activation=activation), (1, 4, 4)),
    ):
        params, layers = drawn(net, inputs, seed), layers_of(net, inputs)
        other = rescaled(params, layers, at, factor)
        X = torch.randn(2, 9, *inputs, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        assert torch.allclose(net.forward(other, X), net.forward(params, X), rtol=1e-10, atol=1e-10)
        for p in (1, 2):
            assert torch.allclose(path_norm(net, other, inputs, p), path_norm(net, params, inputs, p), rtol=1e-12)
        weights = [layer_norms(weights_of(p, layers), bare(layers), EntryNorm(1)) for p in (params, other)]
        assert torch.allclose(
            weights[1][:, at] / weights[0][:, at], torch.tensor(factor, dtype=torch.float64), rtol=1e-12
        )
        assert torch.allclose(weights[1].prod(1), weights[0].prod(1), rtol=1e-12)


def weights_of(params: dict[str, Tensor], layers) -> dict[str, Tensor]:
    return {layer.weight: params[layer.weight] for layer in layers}


def bare(layers):
    """The layers without their biases."""
    return [replace(layer, bias="") for layer in layers]


def test_rescaling_changes_other_networks_and_with_biases_the_product_of_norms():
    net = MLP(hidden=(5, 4), outputs=3, activation="tanh")
    params, layers = drawn(net, (3,)), layers_of(net, (3,))
    other = rescaled(params, layers, 0, torch.tensor([1.0, 3.0]))
    X = torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    change = (net.forward(other, X) - net.forward(params, X)).abs().flatten(1).amax(1)
    assert change[0] == 0 < 0.1 < change[1]
    products = [layer_norms(p, layers).prod(1) for p in (params, other)]
    assert abs(products[1][1] / products[0][1] - 1) > 0.1
    assert other["b2"] is params["b2"]


def test_pairs_that_are_none_are_refused():
    params, layers = drawn(NET, (3,)), layers_of(NET, (3,))
    with pytest.raises(InvalidExperiment, match=r"^at 2; expected an integer from 0 to 1$"):
        rescaled(params, layers, 2, 3.0)
    with pytest.raises(InvalidExperiment, match=r"^factor 0; expected a positive number, or one for each seed$"):
        rescaled(params, layers, 0, 0)
    with pytest.raises(InvalidExperiment, match=r"^factor of shape \(3,\); expected one, or one for each of 2 seeds$"):
        rescaled(params, layers, 0, torch.ones(3))
    with pytest.raises(InvalidExperiment, match=r"^parameters W1; expected those of the layers"):
        rescaled({"W1": params["W1"]}, layers, 0, 2.0)


@pytest.mark.parametrize("bits", [2, 3, 8])
def test_quantization_by_hand(bits: int):
    params = drawn(CONV, (1, 6, 5)) | {"zero": torch.zeros(2, 3)}
    levels = 2 ** (bits - 1) - 1
    for name, q in quantized(params, bits).items():
        for seed in range(2):
            p, unit = params[name][seed].numpy(), float(params[name][seed].abs().max()) / levels
            grid = np.arange(-levels, levels + 1) * unit
            nearest = grid[np.abs(p[..., None] - grid).argmin(-1)]
            assert np.allclose(q[seed].numpy(), nearest, rtol=1e-13)
    assert quantized(params, bits)["zero"].tolist() == [[0.0] * 3] * 2
    with pytest.raises(InvalidExperiment, match=r"^bits 1; expected an integer >= 2$"):
        quantized(params, 1)


@given(bits=st.integers(2, 16), seed=st.integers(0, 999))
@settings(deadline=None)
def test_quantization_is_at_most_half_a_unit_off_and_done_once(bits: int, seed: int):
    params = drawn(NET, (3,), seed)
    once = quantized(params, bits)
    for name, p in params.items():
        unit = p.flatten(1).abs().amax(1) / (2 ** (bits - 1) - 1)
        assert bool(((once[name] - p).abs().flatten(1).amax(1) <= unit / 2 * (1 + 1e-9)).all())
        assert len(once[name][0].unique()) <= 2**bits - 1
        assert torch.allclose(quantized(once, bits)[name], once[name], rtol=1e-13)


def test_barriers_by_hand():
    t = (0.0, 0.25, 0.5, 1.0)
    losses = torch.tensor([[1.0, 4.0], [2.0, 1.0], [1.5, 1.0], [3.0, 0.0]])
    assert barrier(losses, t).tolist() == [0.5, 0.0]
    assert barrier(losses.float(), t).dtype == torch.float64


@given(values=st.lists(st.floats(-10, 10), min_size=3, max_size=9), slope=st.floats(-5, 5))
@settings(deadline=None)
def test_a_barrier_is_not_negative_and_ignores_a_slope(values: list[float], slope: float):
    t = np.linspace(0, 1, len(values))
    losses = torch.tensor(values, dtype=torch.float64)[:, None]
    found = float(barrier(losses, t.tolist()))
    line = np.interp(t, [0, 1], [values[0], values[-1]])
    assert found == pytest.approx(max(np.array(values) - line), abs=1e-12)
    assert found >= 0
    assert float(barrier(losses + slope * torch.from_numpy(t)[:, None], t.tolist())) == pytest.approx(found, abs=1e-12)


@pytest.mark.parametrize("t", [(0.0, 0.5, 0.9), (0.0, 0.5), (0.0, 1.0), (0.0, 0.7, 0.6, 1.0)])
def test_ways_that_do_not_lead_from_end_to_end_are_refused(t: tuple[float, ...]):
    with pytest.raises(
        InvalidExperiment, match=r"losses at \(0.0, .*; expected one at each of three or more increasing"
    ):
        barrier(torch.ones(4 if len(t) == 4 else 3, 2), t)


def test_losses_of_runs_between_arms(tmp_path):
    few = Experiment(
        data=Digits(n=40, task="ten_classes"),
        model=MLP(hidden=(8,), outputs=10),
        rule=GD(rate=0.1),
        loss=CrossEntropy(),
        steps=5,
    )
    a, b = (Lab(Store(tmp_path), torch.device("cpu")).run(replace(few, steps=steps), 2) for steps in (5, 50))
    halfway = interpolated(a.params(), b.params(), 0.5)
    found = a.at(halfway).losses(a.X, a.y)
    for seed in range(2):
        W1, b1, W2, b2 = (((a.params()[n] + b.params()[n]) / 2)[seed] for n in ("W1", "b1", "W2", "b2"))
        f = torch.relu(a.X[seed] @ W1.T + b1) @ W2.T + b2
        assert torch.allclose(found[seed].float(), F.cross_entropy(f, a.y[seed], reduction="none"), rtol=1e-4)
    assert torch.equal(a.at(interpolated(a.params(), b.params(), 0)).losses(a.X, a.y), a.losses(a.X, a.y))
    directions = [random_direction(run.parameters, run.streams("directions")) for run in (a, b)]
    assert all(torch.equal(d, directions[1][name]) for name, d in directions[0].items())
