import math
from dataclasses import replace

import pytest
import torch

from gen_core.errors import InvalidExperiment
from gen_core.models.activations import activation
from gen_core.models.contract import Model
from gen_core.models.two_layer import LiLiang, Linear, TwoLayer

INPUTS = (2, 3)
MODELS = [
    Linear(init_std=1.0),
    Linear(init_std=1.0, bias=True),
    TwoLayer(8, "tanh", train=("W", "v")),
    TwoLayer(7, "erf", symmetric=False, train=("v",)),
    TwoLayer(8, "softplus", symmetric=False, second_layer="normal"),
    LiLiang(9, 4),
]


def seeds(model, inputs, count, dtype=torch.float64):
    """A block's parameters: each seed's own start, moved a little so that no symmetry is left."""
    rows = [model.init(inputs, torch.Generator().manual_seed(s), dtype) for s in range(count)]
    g = torch.Generator().manual_seed(99)
    stacked = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
    return {k: v + 0.1 * torch.randn(v.shape, generator=g, dtype=torch.float64).to(dtype) for k, v in stacked.items()}


def plain(model, p, x):
    """One seed's output for one point, as the paper writes it."""
    x = x.flatten()
    if isinstance(model, Linear):
        return p["w"].dot(x) + (p["b"] if model.bias else 0)
    if isinstance(model, TwoLayer):
        phi = activation(model.activation)
        neurons = zip(p["W"], p["v"], strict=True)
        return sum(v * phi(w.dot(x) / math.sqrt(len(x))) for w, v in neurons) / math.sqrt(model.width)
    return sum(p["a"][:, r] * torch.relu(p["W"][r].dot(x)) for r in range(model.width))


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_block_is_the_plain_formula_of_every_seed_and_point_and_so_is_its_gradient(model):
    S, B = 8, 5
    params = seeds(model, INPUTS, S)
    X = torch.randn(S, B, *INPUTS, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for name in model.trainable:
        params[name].requires_grad_()
    f = model.forward(params, X)
    expected = torch.stack(
        [torch.stack([plain(model, {k: v[s] for k, v in params.items()}, x) for x in X[s]]) for s in range(S)]
    )
    torch.testing.assert_close(f, expected, rtol=1e-12, atol=1e-12)
    assert f.shape == ((S, B) if model.outputs == 1 else (S, B, model.outputs))

    leaves = [params[name] for name in model.trainable]
    mine = torch.autograd.grad(f.square().sum(), leaves)
    torch.testing.assert_close(mine, torch.autograd.grad(expected.square().sum(), leaves), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_seed_is_the_same_alone_and_among_others(model):
    params = seeds(model, INPUTS, 8)
    X = torch.randn(8, 5, *INPUTS, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    together = model.forward(params, X)
    alone = torch.cat([model.forward({k: v[s : s + 1] for k, v in params.items()}, X[s : s + 1]) for s in range(8)])
    torch.testing.assert_close(together, alone, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_cost_counts_parameters_and_float32_starts_where_float64_does(model):
    double = model.init(INPUTS, torch.Generator().manual_seed(3), torch.float64)
    single = model.init(INPUTS, torch.Generator().manual_seed(3), torch.float32)
    assert model.size(INPUTS).parameters == sum(p.numel() for p in double.values())
    assert set(model.trainable) <= set(double)
    for name, p in double.items():
        assert single[name].dtype == torch.float32
        assert torch.equal(single[name], p.float())


def test_multiply_adds():
    assert Linear(bias=True).size((2, 3)) == (7, 6)
    assert TwoLayer(4).size((5,)) == (24, 24)
    assert LiLiang(4, 3).size((5,)) == (32, 32)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_symmetric_start_is_the_zero_function(dtype):
    model = TwoLayer(256, "relu")
    params = model.init((20,), torch.Generator().manual_seed(0), dtype)
    assert set(params["v"].tolist()) == {-1.0, 1.0}
    assert torch.equal(params["W"][:128], params["W"][128:])
    assert torch.equal(params["v"][:128], -params["v"][128:])
    X = torch.randn(1, 50, 20, generator=torch.Generator().manual_seed(1), dtype=dtype)
    f = model.forward({k: v.unsqueeze(0) for k, v in params.items()}, X)
    torch.testing.assert_close(f, torch.zeros_like(f), rtol=0, atol=10 * torch.finfo(dtype).eps)


@pytest.mark.parametrize(
    ("model", "name", "variance"),
    [
        (Linear(init_std=3.0), "w", 9.0),
        (Linear(), "w", 0.0),
        (TwoLayer(400), "W", 1.0),
        (TwoLayer(400), "v", 1.0),
        (LiLiang(400, 100), "W", 1 / 400),
        (LiLiang(400, 100), "a", 1.0),
        (LiLiang(400, 100, init_std=2.0), "W", 4.0),
    ],
)
def test_variance_of_the_start(model, name, variance):
    drawn = model.init((100, 100), torch.Generator().manual_seed(5), torch.float64)[name]
    assert drawn.square().mean().item() == pytest.approx(variance, rel=0.05)
    assert abs(drawn.mean().item()) <= 4 * math.sqrt(variance / drawn.numel())


def test_signs_without_symmetry_are_balanced():
    v = TwoLayer(10001, symmetric=False).init((1,), torch.Generator().manual_seed(0), torch.float64)["v"]
    assert set(v.tolist()) == {-1.0, 1.0}
    assert abs(v.sum().item()) < 4 * math.sqrt(10001)


def test_a_normal_second_layer_is_negated_as_one_of_signs_is():
    v = TwoLayer(20_000, second_layer="normal").init((1,), torch.Generator().manual_seed(0), torch.float64)["v"]
    assert torch.equal(v[:10_000], -v[10_000:])
    assert v.square().mean().item() == pytest.approx(1, abs=0.06)
    assert v.pow(4).mean().item() == pytest.approx(3, abs=0.5)


def test_forms_agree_where_shapes_and_operations_do():
    assert Linear(1.0).batch_form() == Linear(2.0).batch_form() != Linear(1.0, bias=True).batch_form()
    assert LiLiang(4, 3).batch_form() == LiLiang(4, 3, init_std=1.0).batch_form() != LiLiang(5, 3).batch_form()
    assert TwoLayer(4).batch_form() == TwoLayer(4, symmetric=False).batch_form() != TwoLayer(4, "relu").batch_form()
    assert TwoLayer(4).batch_form() == TwoLayer(4, second_layer="normal").batch_form()
    assert TwoLayer(4).batch_form() != replace(TwoLayer(4), train=("v",)).batch_form()


def test_every_model_is_a_model_and_hashable():
    assert all(isinstance(model, Model) for model in MODELS)
    assert len(set(MODELS)) == len(MODELS)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Linear(bias="False"), "bias 'False'; expected True or False"),
        (lambda: TwoLayer(4, second_layer="uniform"), "second_layer 'uniform'; expected 'signs' or 'normal'"),
        (lambda: Linear(-1.0), "init_std -1.0; expected a finite number >= 0"),
        (lambda: Linear(math.inf), "init_std inf; expected a finite number >= 0"),
        (lambda: TwoLayer(-5), "width -5; expected a positive integer"),
        (lambda: TwoLayer(2.0), "width 2.0; expected a positive integer"),
        (lambda: TwoLayer(True), "width True; expected a positive integer"),
        (lambda: TwoLayer(5), "width 5 with symmetric=True; expected an even width"),
        (lambda: TwoLayer(4, train=("b",)), "train ('b',); expected ('W',), ('v',) or ('W', 'v')"),
        (lambda: LiLiang(0, 3), "width 0; expected a positive integer"),
        (lambda: LiLiang(4, 1), "classes 1; expected at least 2"),
        (lambda: LiLiang(4, 3, math.nan), "init_std nan; expected a finite number >= 0"),
    ],
)
def test_messages(make, message):
    with pytest.raises(InvalidExperiment) as caught:
        make()
    assert str(caught.value) == message


def test_an_unknown_activation_is_refused_with_the_recipe():
    with pytest.raises(InvalidExperiment, match=r"^activation 'foo'; expected one of "):
        TwoLayer(4, "foo")
