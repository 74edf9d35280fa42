"""Gradients of single points against a loop of autograd over seeds and points, and against closed forms."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from gen_core import MLP, ConvNet, CrossEntropy, InvalidExperiment, LiLiang, Linear, Logistic, Square, TwoLayer
from gen_core.measures import loss_gradient_norms, loss_gradients, output_gradients, per_point
from gen_core.models.contract import evaluated

IMAGES = (2, 5, 4)
BINARY = [
    (MLP(hidden=(5, 4), activation="softplus"), (3,)),
    (ConvNet(channels=(3,), hidden=(4,)), IMAGES),
    (TwoLayer(width=6, train=("W", "v")), (3,)),
    (Linear(bias=True), (3,)),
]
CLASSES = [
    (MLP(hidden=(5,), outputs=3), (3,)),
    (ConvNet(channels=(3, 2), hidden=(), outputs=3), IMAGES),
    (LiLiang(width=6, classes=3), (3,)),
]
CASES = [(*model, loss) for model in BINARY for loss in (Square(), Square(factor=1.0), Logistic())]
CASES += [(*model, CrossEntropy()) for model in CLASSES]


def drawn(model, inputs: tuple[int, ...], dtype=torch.float64) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Parameters, points and labels of 2 seeds and 7 points."""
    stream = torch.Generator().manual_seed(0)
    shapes = {name: p.shape for name, p in model.init(inputs, stream, torch.float64).items()}
    params = {name: torch.randn(2, *shape, generator=stream).to(dtype) for name, shape in shapes.items()}
    X = torch.randn(2, 7, *inputs, generator=stream).to(dtype)
    if model.outputs == 1:
        return params, X, (2.0 * torch.randint(2, (2, 7), generator=stream) - 1).to(dtype)
    return params, X, torch.randint(model.outputs, (2, 7), generator=stream)


def by_loop(model, params: dict[str, Tensor], X: Tensor, name: str, value, seed: int, point: int) -> Tensor:
    """Gradient of `value(outputs of the point)` of one seed, with every point of the batch in the graph."""
    own = {key: p[seed : seed + 1].clone().requires_grad_(key == name) for key, p in params.items()}
    f = model.forward(own, X[seed : seed + 1])
    return torch.autograd.grad(value(f[:, point : point + 1]), own[name])[0][0]


@pytest.mark.parametrize(("model", "inputs", "loss"), CASES)
def test_gradients_of_losses_against_a_loop(model, inputs, loss, monkeypatch):
    params, X, y = drawn(model, inputs)
    found = loss_gradients(model, params, X, y, loss)
    monkeypatch.setattr(per_point, "ROWS", 1)  # one row at a time
    apart = loss_gradients(model, params, X, y, loss)
    assert tuple(found) == model.trainable
    for name in model.trainable:
        assert found[name].shape == (2, 7, *params[name].shape[1:])
        assert torch.allclose(found[name], apart[name], rtol=1e-12, atol=1e-14)
        for seed in range(2):
            for i in range(7):
                expected = by_loop(
                    model,
                    params,
                    X,
                    name,
                    lambda f, at=(seed, i): loss.per_point(f, y[at[0], at[1]].view(1, 1)).sum(),
                    seed,
                    i,
                )
                assert torch.allclose(found[name][seed, i], expected, rtol=1e-10, atol=1e-12)
    flat = torch.cat([g.reshape(2, 7, -1) for g in found.values()], 2)
    assert torch.allclose(loss_gradient_norms(model, params, X, y, loss), flat.norm(dim=2), rtol=1e-12)


@pytest.mark.parametrize(("model", "inputs"), BINARY + CLASSES)
def test_gradients_of_outputs_against_a_loop(model, inputs):
    params, X, _ = drawn(model, inputs)
    names = tuple(params)  # those that are not trained too
    found = output_gradients(model, params, X, names)
    assert tuple(found) == names
    for name in names:
        for seed in range(2):
            for i in range(7):
                if model.outputs == 1:
                    expected = by_loop(model, params, X, name, lambda f: f.sum(), seed, i)
                    assert torch.allclose(found[name][seed, i], expected, rtol=1e-10, atol=1e-12)
                for c in range(model.outputs if model.outputs > 1 else 0):
                    expected = by_loop(model, params, X, name, lambda f, c=c: f[..., c].sum(), seed, i)
                    assert torch.allclose(found[name][seed, i, c], expected, rtol=1e-10, atol=1e-12)


def test_gradients_of_a_linear_model_in_closed_form():
    params, X, y = drawn(Linear(), (3,), torch.float32)
    found = loss_gradients(Linear(), params, X, y, Square())["w"]
    residual = torch.einsum("snd,sd->sn", X.double(), params["w"].double()) - y
    assert found.dtype == torch.float32
    assert torch.allclose(found.double(), residual.unsqueeze(2) * X.double(), rtol=1e-5)
    assert torch.equal(output_gradients(Linear(), params, X)["w"], X)


def test_the_mean_over_points_is_the_gradient_of_training():
    model, inputs = CLASSES[1]
    params, X, y = drawn(model, inputs)
    trained = {name: p.clone().requires_grad_() for name, p in params.items()}
    loss = CrossEntropy().per_point(model.forward(trained, X), y).mean(1).sum()
    whole = torch.autograd.grad(loss, list(trained.values()))
    each = loss_gradients(model, params, X, y, CrossEntropy())
    for name, g in zip(trained, whole, strict=True):
        assert torch.allclose(each[name].mean(1), g, rtol=1e-10, atol=1e-13)


def test_a_network_with_batch_norm_as_it_is_evaluated():
    net = MLP(hidden=(5,), activation="relu", batch_norm=True)
    params, X, y = drawn(net, (3,))
    with pytest.raises(InvalidExperiment, match=r"^batch norm of a batch of 1 point; expected"):
        loss_gradients(net, params, X, y, Square())
    plain, weights = evaluated(net, params, X)
    assert torch.allclose(plain.forward(weights, X), net.forward(params, X))
    loss_gradients(plain, weights, X, y, Square())


@dataclass(frozen=True)
class Centered(MLP):
    """A network whose outputs are centered over the batch."""

    def forward(self, params, X):
        f = super().forward(params, X)
        return f - f.mean(1, keepdim=True)


class Whole:
    def on_batch(self, f, y):
        return f.mean(1)


def test_what_is_not_of_single_points_is_refused():
    params, X, y = drawn(MLP(hidden=(4,)), (3,))
    with pytest.raises(
        InvalidExperiment, match=r"^outputs of Centered on a point alone and among others differ by up to"
    ):
        loss_gradients(Centered(hidden=(4,)), params, X, y, Square())
    with pytest.raises(InvalidExperiment, match=r"^Whole has no per_point; expected a loss of single points$"):
        loss_gradients(MLP(hidden=(4,)), params, X, y, Whole())  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidExperiment, match=r"^gradient in W3; expected some of W1, W2, b1, b2$"):
        output_gradients(MLP(hidden=(4,)), params, X, ("W1", "W3"))
