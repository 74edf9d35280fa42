"""Gradients that are written out against autograd, step by step."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gen_core import (
    GD,
    MLP,
    SGD,
    Adam,
    ConvNet,
    CrossEntropy,
    Data,
    Experiment,
    InvalidExperiment,
    L2Ball,
    LiLiang,
    Linear,
    Logistic,
    MinusCopy,
    Momentum,
    Newton,
    Polynomial,
    Projected,
    ResNet,
    Square,
    Stop,
    TwoLayer,
)
from gen_core.models.activations import activation
from gen_core.models.contract import Layer, Layered
from gen_core.rules import Streams
from gen_core.training.draws import initial_parameters
from gen_core.training.steps import STEPPERS, Autograd, choose_stepper, make_stepper


@dataclass(frozen=True)
class Clouds:
    inputs: tuple[int, ...] = (2, 3)
    n: int = 12

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n, *self.inputs, generator=generator, dtype=torch.float64)
        return Data(X, X.flatten(1).sum(1).sign())


NET = Experiment(data=Clouds(), model=MLP(hidden=(5, 4)), rule=SGD(0.3, 6), loss=Logistic(), steps=9, dtype="float64")
ACTIVATIONS = ("leaky_relu", "tanh", "sigmoid", "identity", "erf", "softplus")
IMAGES = Clouds((2, 5, 4))
CONVOLUTIONAL = (
    ConvNet(channels=(3,), hidden=()),
    ConvNet(channels=(2, 3), kernel=5, stride=1, hidden=(4,), bias=False, activation="tanh"),
    ConvNet(channels=(4, 3, 2), activation="erf"),
    ConvNet(channels=(2, 3), kernel=(2, 3), stride=(1, 2), padding="valid", activation="tanh"),
    ConvNet(channels=(3,), kernel=(4,), stride=3, padding="valid", hidden=(), activation=Polynomial(5, (-4, 4), "erf")),
)
FUSED = [
    NET,
    replace(NET, rule=GD(0.3)),
    replace(NET, rule=Momentum(0.1, batch=6)),
    replace(NET, rule=Momentum(0.1, nesterov=True)),
    replace(NET, rule=Adam(0.01, batch=6)),
    replace(NET, rule=GD(0.1, weight_decay=0.3)),
    replace(NET, model=Linear(init_std=1.0), rule=SGD(0.1, 6, weight_decay=0.3)),
    replace(NET, rule=Momentum(0.1, batch=6, weight_decay=0.3)),
    replace(NET, rule=Adam(0.01, weight_decay=0.3, decoupled=True)),
    replace(NET, rule=Projected(GD(0.1), L2Ball(0.5))),
    replace(NET, loss=Square(0.7)),
    replace(NET, model=MLP(hidden=(), bias=False)),
    replace(NET, model=MLP(hidden=(7,), outputs=3), loss=CrossEntropy()),
    *(replace(NET, model=MLP(hidden=(5, 3), activation=a)) for a in ACTIVATIONS),
    replace(NET, model=MLP(hidden=(5, 3), activation=Polynomial(10))),
    replace(NET, model=TwoLayer(8, Polynomial(3, (-4.5, 2), "softplus")), rule=Momentum(0.1)),
    replace(NET, model=Linear(init_std=1.0)),
    replace(NET, model=Linear(bias=True), rule=Momentum(0.1, batch=6)),
    replace(NET, model=TwoLayer(8)),
    replace(NET, model=TwoLayer(7, "relu", symmetric=False, train=("W", "v"))),
    replace(NET, model=TwoLayer(8, train=("v",)), rule=Momentum(0.1)),
    *(replace(NET, data=IMAGES, model=net) for net in CONVOLUTIONAL),
    replace(NET, data=IMAGES, model=ConvNet(channels=(2, 3)), rule=Adam(0.01, batch=6)),
    replace(NET, model=LiLiang(9, 3), loss=CrossEntropy()),
    replace(NET, model=LiLiang(9, 3), loss=CrossEntropy(), rule=Momentum(0.1, batch=6)),
    replace(NET, model=MinusCopy(MLP((4, 3), activation="erf")), rule=GD(0.3)),
    replace(NET, model=MinusCopy(MLP((4, 3), outputs=3)), rule=Momentum(0.1), loss=CrossEntropy()),
    replace(NET, model=MinusCopy(TwoLayer(7, symmetric=False)), rule=Adam(0.01)),
    replace(NET, data=IMAGES, model=MinusCopy(CONVOLUTIONAL[0]), rule=GD(0.1)),
    replace(NET, model=MinusCopy(LiLiang(9, 3)), loss=CrossEntropy(), rule=GD(0.1)),
]
REASONS = {
    "autograd: the training ends by the norm of its gradient": replace(NET, rule=GD(0.1), stop=Stop(gradient=0.1)),
    "autograd: no gradient through the batch norm of MLP is written out": replace(
        NET, model=MLP((4,), batch_norm=True)
    ),
    "autograd: no gradient of ResNet is written out": replace(NET, data=IMAGES, model=ResNet(3)),
    "autograd: no gradient of MinusCopy is written out": replace(NET, model=MinusCopy(MLP((4,)))),
    "newton: the rule needs second derivatives": replace(NET, model=Linear(), rule=Newton()),
}


def no_streams() -> list[torch.Generator]:
    raise AssertionError("a rule without noise asks for streams")


def rows(experiment: Experiment, seeds: int = 3) -> tuple[dict, dict, torch.Tensor, Streams]:
    starts = [initial_parameters(experiment, seed) for seed in range(seeds)]
    params = {name: torch.stack([s[name] for s in starts]) for name in starts[0]}
    trained = {name: params[name].requires_grad_() for name in experiment.model.trainable}
    return params, trained, torch.linspace(0.5, 1, seeds, dtype=torch.float64) * experiment.rule.rate, no_streams


def points(experiment: Experiment, step: int, seeds: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    # What a copy gives for all points is computed once, since they are the same ones in each step of a training.
    generator = torch.Generator().manual_seed(0 if isinstance(experiment.model, MinusCopy) else step)
    batch, outputs = experiment.rule.batch or experiment.data.n, experiment.model.outputs
    X = torch.randn(seeds, batch, *experiment.data.inputs, generator=generator, dtype=torch.float64)
    if outputs > 1:
        return X, torch.randint(outputs, (seeds, batch), generator=generator)
    return X, 2.0 * torch.randint(2, (seeds, batch), generator=generator).double() - 1


def agree(experiment: Experiment, steps: int = 9) -> None:
    plain, fused = rows(experiment), rows(experiment)
    by_autograd, fused_steps = Autograd(experiment, *plain), make_stepper(experiment, *fused)
    for step in range(steps):
        by_autograd.step(*points(experiment, step), None)
        fused_steps.step(*points(experiment, step), None)
    for name, expected in plain[0].items():
        torch.testing.assert_close(fused[0][name], expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("experiment", FUSED, ids=lambda e: f"{e.label()} {getattr(e.model, 'activation', '')}")
def test_fused_steps_are_those_of_autograd(experiment):
    assert choose_stepper(experiment).name == "fused"
    agree(experiment)


@given(
    st.lists(st.integers(1, 6), max_size=3), st.integers(1, 4), st.integers(1, 12), st.booleans(), st.floats(0.01, 2)
)
@settings(deadline=None, max_examples=50)
def test_fused_steps_agree_over_depths_widths_batches_and_rates(hidden, outputs, batch, bias, rate):
    loss = CrossEntropy() if outputs > 1 else Logistic()
    model = MLP(hidden=tuple(hidden), outputs=outputs, bias=bias, activation="tanh")
    agree(replace(NET, model=model, loss=loss, rule=SGD(rate, batch)), steps=4)


@pytest.mark.parametrize("experiment", [NET, replace(NET, rule=Momentum(0.1, batch=6)), FUSED[-2]])
def test_a_row_whose_rate_becomes_0_stays_exactly_where_it_is(experiment):
    params, trained, rate, streams = rows(experiment)
    stepper = make_stepper(experiment, params, trained, rate, streams)
    stepper.step(*points(experiment, 0), None)
    rate[1] = 0.0
    before = {name: p.detach().clone() for name, p in params.items()}
    stepper.step(*points(experiment, 1), None)
    for name in trained:
        assert torch.equal(params[name][1], before[name][1])
        assert not torch.equal(params[name][0], before[name][0])


@pytest.mark.parametrize("reason", REASONS)
def test_what_is_not_written_out_says_why(reason):
    assert ": ".join(choose_stepper(REASONS[reason])) == reason


class Doubled(MLP):
    def forward(self, params, X):
        return 2 * super().forward(params, X)


class DoubledDifference(MinusCopy):
    def forward(self, params, X):
        return 2 * super().forward(params, X)


class Halved(MLP):
    """Its forward is MLP's, and one of its parts is not."""

    def _dense(self, params, h, first):
        return super()._dense(params, h, first) / 2


class Aside(MLP):
    """Has a parameter that belongs to no layer."""

    is_chain = True

    @property
    def trainable(self):
        return (*super().trainable, "alpha")


class Upside(ConvNet):
    """Tells its layers in a strange order."""

    is_chain = True

    def layers(self, inputs):
        return super().layers(inputs)[::-1]


@dataclass(frozen=True)
class Bent(Layered):
    """One layer with an activation behind it and a bias that is not trained: a chain of a test's own."""

    is_chain: ClassVar[bool] = True
    phi: str = "tanh"
    outputs: int = 2
    trainable: tuple[str, ...] = ("V", "U")

    def layers(self, inputs):
        hidden = Layer("U", (4, math.prod(inputs)), "c", self.phi, scale=0.5)
        return hidden, Layer("V", (self.outputs, 4), "d", self.phi, scale=3.0)

    def init(self, inputs, generator, dtype):
        shapes = {"U": (4, math.prod(inputs)), "c": (4,), "V": (self.outputs, 4), "d": (self.outputs,)}
        return {name: torch.randn(s, generator=generator, dtype=torch.float64).to(dtype) for name, s in shapes.items()}

    def forward(self, params, X):
        phi, h = activation(self.phi), X.flatten(2)
        h = phi(0.5 * h @ params["U"].mT + params["c"].unsqueeze(1))
        return phi(3 * h @ params["V"].mT + params["d"].unsqueeze(1))

    def batch_form(self):
        return self


@pytest.mark.parametrize("phi", ["tanh", "erf", "softplus", "leaky_relu"])
@pytest.mark.parametrize("rule", [SGD(0.1, 6), Momentum(0.1)])
@pytest.mark.parametrize("trained", [("U", "V"), ("V",), ("U", "c"), ("U", "c", "V", "d")])
def test_a_chain_of_ones_own_is_stepped_by_its_layers(phi, rule, trained):
    experiment = replace(NET, model=Bent(phi=phi, trainable=trained), loss=CrossEntropy(), rule=rule)
    assert choose_stepper(experiment).name == "fused"
    agree(experiment)


@pytest.mark.parametrize(
    ("experiment", "reason"),
    [
        (replace(NET, model=Halved(hidden=(3,))), "no gradient of Halved is written out"),
        (replace(NET, model=Aside(hidden=(3,))), "alpha of Aside belongs to no layer"),
        (replace(NET, data=IMAGES, model=Upside((2,))), "Upside has a convolution that is not below a dense layer"),
        (replace(NET, data=IMAGES, model=replace(CONVOLUTIONAL[0])), ""),
    ],
)
def test_a_chain_that_is_none_is_left_to_autograd(experiment, reason):
    assert (choose_stepper(experiment).name == "fused") == (not reason)
    assert not reason or choose_stepper(experiment).reason == reason


class Stepless:
    """All of a rule but a step."""

    rate, batch, replacement = 0.1, None, False

    def start(self, params, streams):
        return {}

    def batch_form(self):
        return self


class Undecided(Stepless):
    def update(self, params, grads, state, rate): ...

    def step(self, params, gradient, state, rate): ...

    gradients = 1


@pytest.mark.parametrize(("kind", "has"), [(Stepless, "no update"), (Undecided, "both update and step")])
def test_a_rule_without_a_step_or_with_two_is_refused(kind, has):
    rule = dataclass(frozen=True)(kind)()
    with pytest.raises(InvalidExperiment, match=f"^rule {kind.__name__} has {has}; expected a GradientRule or a Closu"):
        choose_stepper(replace(NET, rule=rule))


@pytest.mark.parametrize("name", ["autograd", "fused", "newton"])
def test_norms_are_those_before_the_step_and_say_whether_it_is_taken(name):
    rule, after = (Newton(0.0), True) if name == "newton" else (GD(0.1), False)
    experiment = replace(NET, model=Linear(init_std=1.0), rule=rule)
    params, trained, rate, streams = rows(experiment)
    X, y = points(experiment, 0)
    loss = experiment.loss.per_point(experiment.model.forward(params, X), y).mean(1).sum()
    (expected,) = torch.autograd.grad(loss, params["w"])
    told = []
    before = params["w"].detach().clone()
    stepper = STEPPERS[name](experiment, params, trained, rate, streams)
    stepper.step(X, y, lambda norms, taken: told.append((norms, taken, params["w"].detach().clone())))
    if name == "fused":  # a training that ends by them is left to autograd
        assert told == []
        return
    [(norms, taken, w)] = told
    torch.testing.assert_close(norms, expected.norm(dim=1))
    assert taken == after == (not torch.equal(w, before))


class Hinge:
    def per_point(self, f, y):
        return torch.relu(1 - y * f)


def test_a_model_or_a_loss_of_ones_own_is_left_to_autograd():
    assert choose_stepper(replace(NET, model=Doubled(hidden=(3,)))).name == "autograd"
    assert isinstance(make_stepper(replace(NET, model=Doubled(hidden=(3,))), *rows(NET)), Autograd)
    loss = dataclass(frozen=True)(Hinge)()
    assert choose_stepper(replace(NET, model=Doubled())).reason == "no gradient of Doubled is written out"
    assert choose_stepper(replace(NET, model=DoubledDifference(MLP((3,))), rule=GD(0.1))).name == "autograd"
    assert ": ".join(choose_stepper(replace(NET, loss=loss))) == "autograd: Hinge has no slope of its own"


def test_a_loss_that_replaces_its_parents_is_not_stepped_by_the_parents_slope():
    @dataclass(frozen=True)
    class Half(Square):
        def per_point(self, f: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return 0.0 * super().per_point(f, y)

    @dataclass(frozen=True)
    class Whole(Half):
        def slope(self, f: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return 0.0 * super().slope(f, y)

    assert choose_stepper(replace(NET, loss=Half())).name == "autograd"
    assert choose_stepper(replace(NET, loss=Whole())).name == "fused"
