"""Layers against the parameters that models draw, and what follows from them."""

import math

import pytest
import torch

from gen_core import MLP, ConvNet, LiLiang, Linear, MinusCopy, Polynomial, ResNet, SparseLinear, TwoLayer
from gen_core.models.activations import activation
from gen_core.models.contract import Layer, Layered, Model, Size, chained, layers_of, missing_members, units_of

IMAGES = (2, 7, 5)
MODELS = [
    Linear(),
    Linear(bias=True),
    TwoLayer(6, "tanh"),
    LiLiang(5, 3),
    MLP(hidden=()),
    MLP(hidden=(4, 3), outputs=2, bias=False),
    ConvNet(channels=(3, 4), kernel=5, stride=3, hidden=(4,)),
    ConvNet(channels=(3,), stride=1, hidden=(), outputs=2, activation="erf", bias=False),
    ConvNet(channels=(3, 4), kernel=(2, 3), stride=(1, 2), padding="valid", activation=Polynomial(3)),
]


def by_layers(model: Model, params: dict, X: torch.Tensor) -> torch.Tensor:
    """Outputs of one seed, (B,) or (B, C), by its layers as `Layer` says what they are."""
    h = X
    for layer in layers_of(model, IMAGES):
        W = params[layer.weight].view(layer.shape)
        b = params[layer.bias].view(-1) if layer.bias else None
        if layer.kind == "convolution":
            z = torch.nn.functional.conv2d(h, W, b, stride=layer.stride, padding=layer.zeros)
            assert z[0, 0].numel() == layer.places
        else:
            z = layer.scale * h.flatten(1) @ W.T + (0 if b is None else b)
        assert z[0].numel() == layer.units
        h = activation(layer.activation)(z)
    return h.squeeze(-1) if model.outputs == 1 else h


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_model_is_the_chain_of_its_layers(model):
    g = torch.Generator().manual_seed(1)
    start = model.init(IMAGES, g, torch.float64)
    params = {name: torch.randn(p.shape, generator=g, dtype=torch.float64) for name, p in start.items()}
    X = torch.randn(6, *IMAGES, generator=g, dtype=torch.float64)
    f = model.forward({name: p[None] for name, p in params.items()}, X[None])[0]
    torch.testing.assert_close(by_layers(model, params, X), f, rtol=1e-12, atol=1e-12)
    assert chained(model)


OTHERS = [
    MLP(hidden=(4, 3), batch_norm=True),
    ConvNet(channels=(3, 4), batch_norm=True, bias=False),
    ResNet(3, hidden=(4,)),
    ResNet(3, batch_norm=True, bias=False),
]


@pytest.mark.parametrize("model", MODELS + OTHERS, ids=repr)
def test_layers_name_every_parameter_once_and_count_them(model):
    params = model.init(IMAGES, torch.Generator().manual_seed(1), torch.float32)
    layers = model.layers(IMAGES)
    names = [name for layer in layers for name in layer.names]
    assert sorted(names) == sorted(params)
    assert model.size(IMAGES).parameters == sum(p.numel() for p in params.values())
    assert model.size(IMAGES).multiply_adds == sum(math.prod(one.shape) * one.places for one in layers)
    assert units_of(model, IMAGES) == sum(one.shape[0] * one.places for one in layers)


def test_a_layer_counts():
    assert Layer("W", (4, 3), "b").size == Size(16, 12)
    assert Layer("W", (4, 3, 5, 5), places=6).size == Size(300, 1800)
    assert Layer("W", (4, 3, 5, 5), places=6).units == 24


def test_a_model_without_layers_says_its_size():
    assert SparseLinear(9).size((2,)) == Size(parameters=10, multiply_adds=2)
    assert units_of(SparseLinear(9), (2,)) == 1
    assert not isinstance(SparseLinear(9), Layered)


class Deeper(MLP):
    """Inherits all of a chain."""


class Residual(Deeper):
    """Says that it is none."""

    is_chain = False


class Said(Residual):
    """Says it again."""

    is_chain = True


def test_a_class_says_of_itself_alone_that_it_is_a_chain():
    assert [chained(kind()) for kind in (MLP, Deeper, Residual, Said)] == [True, False, False, True]
    assert not chained(SparseLinear(3))


@pytest.mark.parametrize("model", [MLP((4,)), LiLiang(5, 3), Linear()], ids=repr)
def test_a_model_minus_its_copy_counts_twice(model):
    pair = MinusCopy(model)
    params = pair.init(IMAGES, torch.Generator().manual_seed(1), torch.float32)
    assert pair.size(IMAGES).parameters == sum(p.numel() for p in params.values())
    assert pair.size(IMAGES).multiply_adds == 2 * model.size(IMAGES).multiply_adds
    assert units_of(pair, IMAGES) == 2 * units_of(model, IMAGES)


def test_what_a_model_lacks_is_named():
    class Half:
        outputs, trainable = 1, ("w",)

        def init(self, inputs, generator, dtype):
            return {}

    assert missing_members(Half()) == ("forward", "batch_form", "size")
    assert missing_members(3) == ("outputs", "trainable", "init", "forward", "batch_form", "size")
    assert missing_members(MLP()) == ()
