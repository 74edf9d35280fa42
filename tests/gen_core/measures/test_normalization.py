"""Normalized networks against closed forms, scipy and loops over seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from fixtures.puzzles.families import by_scale, for_steps
from fixtures.puzzles.families import dense_net as of_width
from fixtures.puzzles.homogeneous import convolutional_on_digits, dense_on_digits
from gen_core import MLP, InvalidExperiment, Runs, SparseLinear, Stop, Unfinished
from gen_core.data.digits import Digits
from gen_core.lab import Lab, Store
from gen_core.measures import (
    Measured,
    advantage_of_norms,
    changed_decisions,
    homogeneity_gap,
    layer_norms,
    loss_ordering,
    losses_at,
    norm_products,
    normalized,
    rank_correlation,
    train_losses,
)
from gen_core.models.contract import Layer, evaluated, layers_of

GAINS = (0.7, 1.0, 2.0, 4.0)


@pytest.fixture
def lab(tmp_path):
    return Lab(Store(tmp_path), torch.device("cpu"))


@pytest.fixture
def runs(lab):
    sweep = for_steps(by_scale(Digits(n=60, n_test=50, task="ten_classes"), of_width(16), 0.02, GAINS), 20)
    return Runs({f"{gain:g}": lab.run(point, 3) for gain, point in sweep.points}, GAINS)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_layer_norms_of_known_matrices():
    params = {"v": torch.tensor([[6.0]]), "W": torch.tensor([[[3.0, 0.0], [0.0, 4.0]]])}
    assert layer_norms(params, (Layer("W", (2, 2)), Layer("v", (1, 1)))).tolist() == [[5.0, 6.0]]
    with_bias = {"W1": torch.tensor([[[3.0, 4.0]]]), "b1": torch.tensor([[12.0]])}
    assert layer_norms(with_bias, (Layer("W1", (1, 2), "b1"),)).tolist() == [[13.0]]


def test_normalized_layers_have_norm_one():
    params = {"W1": normal(2, 4, 3), "b1": normal(2, 4), "W2": normal(2, 5, 4, 3, 3)}
    layers = (Layer("W1", (4, 3), "b1"), Layer("W2", (5, 4, 3, 3)))
    unit = normalized(params, layers)
    assert torch.allclose(layer_norms(unit, layers), torch.ones(2, 2, dtype=torch.float64), atol=1e-14)
    for name, p in params.items():
        for seed in range(2):
            cosine = (p[seed] * unit[name][seed]).sum() / p[seed].norm() / unit[name][seed].norm()
            assert float(cosine) == pytest.approx(1)


@pytest.mark.parametrize("names", [("W", "v"), ("W", "b", "v"), ("b",)])
def test_parameters_of_no_layer_and_missing_ones_are_named(names: tuple[str, ...]):
    message = f"^parameters {', '.join(sorted(names))}; expected those of the layers, W, b$"
    with pytest.raises(InvalidExperiment, match=message):
        layer_norms({name: normal(1, 2, 2) for name in names}, (Layer("W", (2, 2), "b"),))


def test_norms_before_batch_norm_is_absorbed_are_refused():
    model = MLP(hidden=(3,), batch_norm=True)
    params = {name: p[None] for name, p in model.init((4,), torch.Generator().manual_seed(1), torch.float64).items()}
    with pytest.raises(InvalidExperiment, match=r"^batch norm after W1; expected weights that have absorbed it"):
        layer_norms(params, model.layers((4,)))
    plain, weights = evaluated(model, params, normal(1, 5, 4))
    assert layer_norms(weights, plain.layers((4,))).shape == (1, 2)


def test_a_model_without_layers_has_no_norms():
    with pytest.raises(InvalidExperiment, match=r"^SparseLinear has no layers; expected a model made"):
        layers_of(SparseLinear(3), (2,))


@pytest.mark.parametrize("experiment", [dense_on_digits(4, 16), convolutional_on_digits(), dense_on_digits(1)])
def test_networks_without_biases_are_homogeneous(lab, experiment):
    run = lab.run(experiment, 2)
    assert homogeneity_gap(run).max() < 1e-14
    assert changed_decisions(run).tolist() == [0, 0]


networks = {
    "hidden": st.lists(st.integers(1, 24), max_size=7).map(tuple),
    "outputs": st.integers(1, 5),
    "scale": st.floats(-3, 3),
    "seed": st.integers(0, 2**32 - 1),
}


def gap(net: MLP, scale: float, seed: int, biases: float = 0.0) -> float:
    """max |f - rho f~| / max |f| over 20 Gaussian points, of a network whose layers have scales around 10^scale."""
    stream = torch.Generator().manual_seed(seed)
    params = {name: p[None] for name, p in net.init((6,), stream, torch.float64).items()}
    for name, p in params.items():
        drawn = torch.randn(p.shape, generator=stream, dtype=torch.float64)
        params[name] = biases * drawn if name[0] == "b" else p * 10 ** (scale * torch.rand(1, generator=stream))
    X = torch.randn(1, 20, 6, generator=stream, dtype=torch.float64)
    f, layers = net.forward(params, X), net.layers((6,))
    scaled = layer_norms(params, layers).prod() * net.forward(normalized(params, layers), X)
    largest = float(f.abs().max())
    return float((f - scaled).abs().max()) / largest if largest else 0.0


@given(activation=st.sampled_from(["relu", "leaky_relu", "identity"]), **networks)
@settings(deadline=None)
def test_any_network_without_biases_is_the_product_of_norms_times_the_normalized_one(
    activation: str, hidden: tuple[int, ...], outputs: int, scale: float, seed: int
):
    net = MLP(hidden=hidden, activation=activation, outputs=outputs, scheme="he_normal", bias=False)
    assert gap(net, scale, seed) < 1e-12


# At its usual scale: tanh of small numbers is the identity up to rounding.
@given(activation=st.sampled_from(["tanh", "softplus"]), **networks | {"scale": st.just(0.0)})
@settings(deadline=None)
def test_no_network_of_another_activation_is(
    activation: str, hidden: tuple[int, ...], outputs: int, scale: float, seed: int
):
    net = MLP(hidden=(4, *hidden), activation=activation, outputs=outputs, scheme="he_normal", bias=False)
    assert gap(net, scale, seed) > 1e-6


@given(activation=st.sampled_from(["relu", "leaky_relu", "identity"]), **networks)
@settings(deadline=None)
def test_no_network_with_biases_is(activation: str, hidden: tuple[int, ...], outputs: int, scale: float, seed: int):
    net = MLP(hidden=(4, *hidden), activation=activation, outputs=outputs, scheme="he_normal", bias=True)
    assert gap(net, scale, seed, biases=1.0) > 1e-6


def test_homogeneity_gap_of_tanh_against_numpy(lab):
    run = lab.run(dense_on_digits(2, 16, "tanh"), 2)
    for seed in range(2):
        W, V, X = (t[seed].numpy() for t in (run.weights("W1"), run.weights("W2"), run.X_test))
        rho1, rho2 = np.linalg.norm(W), np.linalg.norm(V)
        f, unit = np.tanh(X @ W.T) @ V.T, np.tanh(X @ W.T / rho1) @ V.T / rho2
        gap = np.abs(f - rho1 * rho2 * unit).max() / np.abs(f).max()
        assert float(homogeneity_gap(run)[seed]) == pytest.approx(gap)
        assert float(changed_decisions(run)[seed]) == pytest.approx(np.mean(f.argmax(1) != unit.argmax(1)))


def test_normalized_loss_is_that_of_the_normalized_network(runs):
    run = runs["2"]
    rho = norm_products(runs)[2]
    W1, W2 = run.weights("W1"), run.weights("W2")
    unit = {"W1": W1 / W1.flatten(1).norm(dim=1)[:, None, None], "W2": W2 / W2.flatten(1).norm(dim=1)[:, None, None]}
    f = run.experiment.model.forward(unit, run.X)
    for seed in range(3):
        expected = torch.nn.functional.cross_entropy(f[seed], run.y[seed])
        assert float(losses_at(run, run.outputs(run.X), run.y, rho)[seed].mean()) == pytest.approx(
            float(expected), rel=1e-5
        )


def test_rank_correlation_against_scipy():
    a, b = normal(4, 6, 3), normal(6, 3).round()
    found = rank_correlation(a, b)
    assert found.shape == (4, 3)
    for resample in range(4):
        for seed in range(3):
            expected = np.asarray(spearmanr(a[resample, :, seed], b[:, seed]))[0]
            assert float(found[resample, seed]) == pytest.approx(expected)


def test_what_does_not_move_has_no_order():
    assert rank_correlation(torch.ones(5, 2), normal(5, 2)).tolist() == [0, 0]


def test_orderings_against_scipy(runs):
    rho = norm_products(runs)
    trained = [{name: run.weights(name) for name in run.experiment.model.trainable} for run in runs]
    scores = [run.experiment.model.forward(params, run.X_test) for run, params in zip(runs, trained, strict=True)]
    errors = torch.stack([(f.argmax(-1) != run.y_test).double().mean(1) for f, run in zip(scores, runs, strict=True)])

    def spearman(losses: torch.Tensor, seed: int) -> float:
        return float(np.asarray(spearmanr(losses[:, seed], errors[:, seed]))[0])

    def value(measured: object) -> torch.Tensor:
        assert isinstance(measured, Measured)
        assert measured.resampled.shape == (200, 3)
        return measured.values

    plain, own = (value(loss_ordering(runs, normalize=normalize)) for normalize in (False, True))
    gained, of_next = (value(advantage_of_norms(runs, rho.roll(k, 0))) for k in (0, 1))
    others = [torch.stack([rho[(i + k) % 4] for i in range(4)]) for k in (1, 2, 3)]
    for seed in range(3):
        assert float(plain[seed]) == pytest.approx(spearman(torch.stack([run.train_loss for run in runs]), seed))
        assert float(own[seed]) == pytest.approx(spearman(train_losses(runs, rho), seed))
        null = np.mean([spearman(train_losses(runs, other), seed) for other in others])
        assert float(gained[seed]) == pytest.approx(float(own[seed]) - null)
        shifted = [spearman(train_losses(runs, rho.roll(k, 0)), seed) for k in range(4)]
        assert float(of_next[seed]) == pytest.approx(shifted[1] - np.mean([shifted[k] for k in (0, 2, 3)]))


def test_a_network_that_did_not_come_to_the_loss_is_told(lab, runs):
    point = replace(runs["1"].experiment, stop=Stop(loss=1e-6, every=5))
    short = Runs({"1": lab.run(point, 2)}, (1.0,))
    with pytest.raises(Unfinished, match="after 20 steps; expected at most 1e-06, the loss at which all networks stop"):
        loss_ordering(short)
