import math

import pytest
import torch

from gen_core import MLP, ConvNet, InvalidExperiment, LiLiang, Polynomial, ResNet, TwoLayer
from gen_core.models.activations import activation
from gen_core.models.contract import Model
from tests.gen_core.models.torch_nets import PHI, Block, torch_net

CASES = [
    (MLP(), (2, 5)),
    (MLP((), bias=False), (6,)),
    (MLP((7, 5), activation="tanh", outputs=3, bias=False), (6,)),
    (MLP((7,), outputs=4), (2, 3)),
    (ConvNet((3, 4)), (1, 14, 14)),
    (ConvNet((3,), kernel=5, stride=1, hidden=(), outputs=3), (3, 7, 6)),
    (ConvNet((2, 3, 2), stride=3, activation="softplus", hidden=(6, 5), bias=False), (2, 11, 16)),
    (ConvNet((3,), kernel=1, stride=2), (1, 5, 5)),
    (ConvNet((3, 4), kernel=(5, 2), stride=(1, 2), padding="valid", outputs=3), (2, 9, 10)),
    (ConvNet((3, 2), kernel=(3, 1), stride=(2, 1), activation="tanh"), (1, 6, 7)),
    (MLP((7, 5), batch_norm=True, outputs=3), (2, 3)),
    (MLP((6,), batch_norm=True, bias=False, activation="tanh"), (5,)),
    (ConvNet((3, 4), batch_norm=True, hidden=(6,), outputs=2), (2, 7, 6)),
    (ConvNet((3,), kernel=4, batch_norm=True, padding="valid", hidden=()), (1, 8, 8)),
    (ResNet(channels=3, blocks=2, outputs=3), (2, 7, 6)),
    (ResNet(4, 1, kernel=1, stride=1, activation="tanh", bias=False, hidden=(5,)), (1, 4, 4)),
    (ResNet(channels=3, blocks=2, batch_norm=True, hidden=(5,)), (2, 5, 6)),
]


def seeds(model, inputs, count):
    """A block's parameters with biases that are not zero."""
    rows = [model.init(inputs, torch.Generator().manual_seed(s), torch.float64) for s in range(count)]
    g = torch.Generator().manual_seed(99)
    stacked = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
    return {k: v + 0.1 * torch.randn(v.shape, generator=g, dtype=torch.float64) for k, v in stacked.items()}


def plain(model, p, X):
    """One seed's outputs by torch.nn, as functions of its parameters."""
    net = torch_net(model, p, X.shape[1:])
    names = dict(zip([name for name, _ in net.named_parameters()], model.trainable, strict=True))
    f = torch.func.functional_call(net, {name: p[ours] for name, ours in names.items()}, X)
    return f.squeeze(1) if model.outputs == 1 else f


@pytest.mark.parametrize(("model", "inputs"), CASES, ids=repr)
def test_a_block_is_torchs_layers_seed_by_seed_and_so_is_its_gradient(model, inputs):
    S, B = 8, 3
    params = {name: p.requires_grad_() for name, p in seeds(model, inputs, S).items()}
    X = torch.randn(S, B, *inputs, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    f = model.forward(params, X)
    expected = torch.stack([plain(model, {k: v[s] for k, v in params.items()}, X[s]) for s in range(S)])
    assert f.shape == ((S, B) if model.outputs == 1 else (S, B, model.outputs))
    torch.testing.assert_close(f, expected, rtol=1e-12, atol=1e-12)

    leaves = [params[name] for name in model.trainable]
    mine = torch.autograd.grad(f.square().sum(), leaves)
    torch.testing.assert_close(mine, torch.autograd.grad(expected.square().sum(), leaves), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("model", "inputs"), CASES, ids=repr)
def test_a_seed_is_the_same_alone_and_among_others(model, inputs):
    params = {name: p.requires_grad_() for name, p in seeds(model, inputs, 8).items()}
    X = torch.randn(8, 3, *inputs, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    leaves = [params[name] for name in model.trainable]
    together = model.forward(params, X)
    alone = torch.cat([model.forward({k: v[s : s + 1] for k, v in params.items()}, X[s : s + 1]) for s in range(8)])
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(
        torch.autograd.grad(together.square().sum(), leaves),
        torch.autograd.grad(alone.square().sum(), leaves),
        rtol=1e-11,
        atol=1e-11,
    )


@pytest.mark.parametrize(("model", "inputs"), CASES, ids=repr)
def test_parameters_names_and_dtypes(model, inputs):
    double = model.init(inputs, torch.Generator().manual_seed(3), torch.float64)
    single = model.init(inputs, torch.Generator().manual_seed(3), torch.float32)
    assert tuple(double) == model.trainable
    assert model.size(inputs).parameters == sum(p.numel() for p in double.values())
    for name, p in double.items():
        assert torch.equal(single[name], p.float())
        assert single[name].dtype == torch.float32


def test_multiply_adds():
    assert MLP((4,), outputs=2).size((3, 5)) == (15 * 4 + 4 + 4 * 2 + 2, 15 * 4 + 4 * 2)
    model = ConvNet((8, 16), hidden=(32,))
    convolutions = 8 * 1 * 9 * 14 * 14 + 16 * 8 * 9 * 7 * 7
    assert model.size((1, 28, 28)).multiply_adds == convolutions + 16 * 7 * 7 * 32 + 32


@pytest.mark.parametrize(
    ("options", "dense", "kernels"),
    [
        ({}, 2 / (300 + 200), 2 / (9 * (30 + 40))),
        ({"gain": 3.0}, 18 / (300 + 200), 18 / (9 * (30 + 40))),
        ({"scheme": "he_normal"}, 2 / 300, 2 / (9 * 30)),
        ({"scheme": "lecun_normal"}, 1 / 300, 1 / (9 * 30)),
        ({"scheme": "normal", "init_std": 0.5}, 0.25, 0.25),
        ({"scheme": "normal", "init_std": 0.5, "gain": 2.0}, 1.0, 1.0),
    ],
)
def test_variance_of_the_start(options, dense, kernels):
    params = MLP((200,), **options).init((300,), torch.Generator().manual_seed(5), torch.float64)
    assert params["W1"].var().item() == pytest.approx(dense, rel=0.05)
    assert params["b1"].abs().max() == 0
    W = ConvNet((40,), **options).init((30, 8, 8), torch.Generator().manual_seed(5), torch.float64)["W1"]
    assert W.var().item() == pytest.approx(kernels, rel=0.05)


def test_xavier_uniform_is_bounded_and_fills_its_range():
    W = MLP((200,)).init((300,), torch.Generator().manual_seed(5), torch.float64)["W1"]
    bound = math.sqrt(6 / 500)
    assert 0.99 * bound < W.abs().max() <= bound


def test_forms_agree_where_shapes_and_operations_do():
    assert MLP(gain=2.0).batch_form() == MLP(scheme="normal", init_std=1.0).batch_form() == MLP().batch_form()
    assert MLP().batch_form() != MLP(bias=False).batch_form()
    assert ConvNet(scheme="he_normal").batch_form() == ConvNet().batch_form() != ConvNet(stride=1).batch_form()


def test_every_network_is_a_model_and_hashable():
    assert all(isinstance(model, Model) for model, _ in CASES)
    assert len({model for model, _ in CASES}) == len(CASES)


def test_new_options_at_their_default_change_no_start():
    for model, seed, first in ((MLP((3,)), 5, "W1"), (ConvNet((3,)), 5, "W1")):
        inputs = (2, 4, 4)
        g = torch.Generator().manual_seed(seed)
        start = model.init(inputs, torch.Generator().manual_seed(seed), torch.float64)[first]
        shape = start.shape
        fan = math.prod(shape[1:]) + shape[0] * math.prod(shape[2:])
        drawn = 2 * torch.rand(shape, generator=g, dtype=torch.float64) - 1
        assert torch.equal(start, math.sqrt(6 / fan) * drawn)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MLP((3, 0)), "hidden 0; expected a positive integer"),
        (lambda: MLP([3]), "hidden [3]; expected a tuple of positive integers"),
        (lambda: MLP(outputs=0), "outputs 0; expected a positive integer"),
        (lambda: MLP(scheme="he"), "scheme 'he'; expected one of xavier_uniform, he_normal, lecun_normal, normal"),
        (lambda: MLP(scheme="normal"), "init_std None with scheme 'normal'; expected both or neither"),
        (lambda: MLP(init_std=0.1), "init_std 0.1 with scheme 'xavier_uniform'; expected both or neither"),
        (lambda: MLP(scheme="normal", init_std=-0.1), "init_std -0.1; expected a finite number >= 0"),
        (lambda: MLP(gain=0.0), "gain 0.0; expected a finite number > 0"),
        (lambda: MLP(gain="1"), "gain '1'; expected a finite number > 0"),
        (lambda: MLP(bias="False"), "bias 'False'; expected True or False"),
        (lambda: ConvNet((-8,)), "channels -8; expected a positive integer"),
        (lambda: ConvNet(()), "channels (); expected at least one convolution"),
        (lambda: ConvNet(kernel=4), "kernel 4 with padding 'same'; expected an odd number, or 'valid'"),
        (lambda: ConvNet(kernel=(3, 3, 3)), "kernel (3, 3, 3); expected one number, or 2 as of channels"),
        (lambda: ConvNet(stride=(1, 0)), "stride 0; expected a positive integer"),
        (lambda: ConvNet(padding="full"), "padding 'full'; expected 'same' or 'valid'"),
        (lambda: MLP(batch_norm=1), "batch_norm 1; expected True or False"),
        (
            lambda: ConvNet(kernel=5, padding="valid").size((1, 9, 9)),
            "kernel 5 on an image with a side of 3; expected at most the side",
        ),
        (lambda: ConvNet(kernel=0), "kernel 0; expected a positive integer"),
        (lambda: ConvNet(stride=0), "stride 0; expected a positive integer"),
        (lambda: ConvNet().size((784,)), "inputs (784,); expected (channels, height, width)"),
    ],
)
def test_messages(make, message):
    with pytest.raises(InvalidExperiment) as caught:
        make()
    assert str(caught.value) == message


def test_an_unknown_activation_is_refused_with_the_recipe():
    with pytest.raises(InvalidExperiment, match=r"^activation 'foo'; expected one of "):
        MLP(activation="foo")


@pytest.mark.parametrize(("model", "inputs"), CASES, ids=repr)
def test_features_are_what_torchs_modules_pass_on(model, inputs):
    params = seeds(model, inputs, 3)
    X = torch.randn(3, 4, *inputs, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    seen = []
    for s in range(3):
        net, row = torch_net(model, {k: v[s] for k, v in params.items()}, inputs), []
        for module in net:
            if isinstance(module, (Block, type(PHI[model.activation]()))):
                module.register_forward_hook(lambda module, args, out, row=row: row.append(out))
        net(X[s])
        seen.append(row)
    found = model.features(params, X)
    assert len(found) == len(seen[0])
    for mine, theirs in zip(found, zip(*seen, strict=True), strict=True):
        torch.testing.assert_close(mine, torch.stack(theirs), rtol=1e-12, atol=1e-12)


def test_features_of_two_layers_are_what_their_last_weights_take():
    X = torch.randn(3, 4, 2, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for model, last, scale in ((TwoLayer(6, "erf"), "v", 6**-0.5), (LiLiang(7, 3), "a", 1.0)):
        params = seeds(model, (2, 5), 3)
        (h,) = model.features(params, X)
        assert h.shape == (3, 4, model.width)
        W = params["W"] if last == "a" else params["W"] / math.sqrt(10)
        phi = torch.relu if last == "a" else torch.erf
        torch.testing.assert_close(h, phi(torch.einsum("snd,smd->snm", X.flatten(2), W)))
        top = params[last].view(3, -1, model.width)
        f = scale * torch.einsum("snm,som->sno", h, top)
        torch.testing.assert_close(model.forward(params, X), f.squeeze(-1))


def test_a_polynomial_stands_wherever_a_name_does():
    phi = Polynomial(4, (-3, 3))
    X = torch.randn(2, 5, 3, 4, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for model in (
        MLP((6,), activation=phi),
        ConvNet((3,), hidden=(), activation=phi),
        TwoLayer(6, phi),
        ResNet(3, activation=phi),
    ):
        params = seeds(model, (3, 4, 4), 2)
        torch.testing.assert_close(
            model.features(params, X)[0],
            activation(phi)(type(model)(**vars(model) | {"activation": "identity"}).features(params, X)[0]),
        )


def test_unpadded_networks_of_the_papers_size():
    """Two convolutions of 5 x 5 kernels: 24 filters on 3 x 32 x 32, 34 on 1 x 28 x 28, and ten outputs."""
    for filters, inputs, side in ((24, (3, 32, 32), 24), (34, (1, 28, 28), 20)):
        model = ConvNet((filters, filters), 5, 1, hidden=(), outputs=10, bias=False, padding="valid")
        weights = 25 * filters * (inputs[0] + filters) + 10 * filters * side**2
        assert [layer.places for layer in model.layers(inputs)] == [(side + 4) ** 2, side**2, 1]
        assert model.size(inputs).parameters == weights
        assert type(model)(**vars(model) | {"bias": True}).size(inputs).parameters == weights + 2 * filters + 10
        assert weights + filters == {24: 154_464, 34: 165_784}[filters]  # as published: one bias per filter, once


def test_a_scalar_kernel_is_that_of_every_layer():
    both = ConvNet((3, 4), 5, 2), ConvNet((3, 4), (5, 5), (2, 2))
    assert both[0].layers((2, 9, 9)) == both[1].layers((2, 9, 9))
