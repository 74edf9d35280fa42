"""The choice of a stepper: autograd, hand-written gradients ("fused" or "sparse"), or Newton's method.

All but the last agree up to rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, cast

import torch
from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.experiment import Experiment
from gen_core.losses import Sloped, WholeLoss
from gen_core.models.contract import Layered, Sparse, chained, descends
from gen_core.rules import ClosureRule, GradientRule, NewtonRule, Streams, is_plain
from gen_core.training.captured import Captured, is_captured
from gen_core.training.fused import Fused, chain_of
from gen_core.training.newton import NewtonSteps
from gen_core.training.stepper import OnGradientNorms, Stepper, gradient_cost


class StepperChoice(NamedTuple):
    """The name of the stepper for an experiment, and the reason for the choice."""

    name: str
    reason: str


def choose_stepper(experiment: Experiment) -> StepperChoice:
    """The stepper for a recipe: "newton", "fused" or "sparse" (hand-written gradients), or else "autograd".

    Raises:
        InvalidExperiment: for a rule that has no step, or two.
    """
    model, rule, loss = experiment.parts
    updates, closes = isinstance(rule, GradientRule), isinstance(rule, ClosureRule)
    if not updates and isinstance(rule, NewtonRule):
        return StepperChoice("newton", "the rule needs second derivatives")
    if updates == closes:
        has = "both update and step" if updates else "no update"
        raise InvalidExperiment(f"rule {type(rule).__name__} has {has}; expected a GradientRule or a ClosureRule")
    if closes:
        return StepperChoice("autograd", f"{type(rule).__name__} takes more than one gradient a step")
    if experiment.stop.gradient is not None:
        return StepperChoice("autograd", "the training ends by the norm of its gradient")
    if isinstance(loss, WholeLoss):
        return StepperChoice("autograd", f"{type(loss).__name__} is a loss of the whole batch")
    if not isinstance(loss, Sloped) or not _own_slope(loss):
        return StepperChoice("autograd", f"{type(loss).__name__} has no slope of its own")
    if descends(model) and is_plain(rule):
        return StepperChoice("sparse", "each step changes the few weights alone that its points touch")
    model = chain_of(experiment)
    if not chained(model):
        return StepperChoice("autograd", f"no gradient of {type(model).__name__} is written out")
    layers = model.layers(experiment.data.inputs)
    if any(layer.gain for layer in layers):
        return StepperChoice("autograd", f"no gradient through the batch norm of {type(model).__name__} is written out")
    kinds = [layer.kind for layer in layers]
    if "convolution" in kinds[kinds.index("dense") if "dense" in kinds else 0 :]:
        return StepperChoice("autograd", f"{type(model).__name__} has a convolution that is not below a dense layer")
    if alone := set(experiment.parts.model.trainable).difference(*(layer.names for layer in layers)):
        return StepperChoice("autograd", f"{min(alone)} of {type(model).__name__} belongs to no layer")
    return StepperChoice("fused", _saved(model, kinds))


def _own_slope(loss: Sloped) -> bool:
    """Whether the slope is that of `per_point`, and not of a parent class whose loss another one has replaced."""
    order = type(loss).__mro__
    slope, per_point = (
        next(i for i, kind in enumerate(order) if name in vars(kind)) for name in ("slope", "per_point")
    )
    return slope <= per_point


def _saved(model: Layered, kinds: list[str]) -> str:
    """The reason for fused steps, in words."""
    if model.one_by_one:
        return "dense layers, on a CPU network by network, as weights fill a cache; their gradients take no graph"
    if "convolution" in kinds:
        return "convolutions, on a CPU with the channels last, and dense layers; their gradients take no graph"
    return "dense layers, whose gradients take no graph and are applied in place"


def make_stepper(
    experiment: Experiment,
    params: Mapping[str, Tensor],
    trained: Mapping[str, Tensor],
    rate: Tensor,
    streams: Streams,
) -> Stepper:
    """The stepper for an experiment; the arguments are those of `Stepper`."""
    stepper = STEPPERS[choose_stepper(experiment).name]
    if rate.device.type == "cuda" and stepper is Fused and is_captured(experiment):
        stepper = Captured
    return stepper(experiment, params, trained, rate, streams)


def step_cost(experiment: Experiment) -> int:
    """Multiply-adds of a step of one seed."""
    return STEPPERS[choose_stepper(experiment).name].cost(experiment)


class Autograd:
    """Steps along gradients of the summed loss, for any model and loss and all rules but Newton's; see `Stepper`."""

    cost = staticmethod(gradient_cost)

    def __init__(
        self,
        experiment: Experiment,
        params: Mapping[str, Tensor],
        trained: Mapping[str, Tensor],
        rate: Tensor,
        streams: Streams,
    ) -> None:
        self.params, self.trained, self.rate = params, trained, rate
        self.model, rule, loss = experiment.parts
        self.rule, self.closure = cast(GradientRule, rule), rule if isinstance(rule, ClosureRule) else None
        self.state = rule.start(trained, streams)
        whole = isinstance(loss, WholeLoss)
        self.losses, points = (loss.on_batch, 1) if whole else (loss.per_point, rule.batch or experiment.data.n)
        self.share = torch.full((), 1 / points, dtype=rate.dtype).to(rate.device)

    def step(self, X: Tensor, y: Tensor, on_gradient_norms: OnGradientNorms | None) -> None:
        """Take a step."""
        closure = self.closure
        gradients = self._gradients(X, y) if closure is None or on_gradient_norms is not None else {}
        if on_gradient_norms is not None:
            squares = torch.stack([g.reshape(len(g), -1).square().sum(1) for g in gradients.values()])
            on_gradient_norms(squares.sum(0).sqrt(), False)
        if closure is None:
            self.rule.update(self.trained, gradients, self.state, self.rate)
        else:
            closure.step(self.trained, torch.enable_grad()(lambda: self._gradients(X, y)), self.state, self.rate)

    def _gradients(self, X: Tensor, y: Tensor) -> dict[str, Tensor]:
        loss = self.losses(self.model.forward(self.params, X), y)
        gradients = torch.autograd.grad(loss, list(self.trained.values()), self.share.expand_as(loss))
        return dict(zip(self.trained, gradients, strict=True))


class SparseSteps:
    """Steps of a model that is `Sparse`, by a rule that is plain, on a loss that has a `slope`; see `Stepper`."""

    cost = staticmethod(gradient_cost)

    def __init__(
        self,
        experiment: Experiment,
        params: Mapping[str, Tensor],
        trained: Mapping[str, Tensor],
        rate: Tensor,
        streams: Streams,
    ) -> None:
        self.params, self.rate = params, rate
        self.model, self.loss = cast(Sparse, experiment.model), cast(Sloped, experiment.loss)

    @torch.no_grad()
    def step(self, X: Tensor, y: Tensor, on_gradient_norms: object = None) -> None:
        """Take a step; norms are not reported, as by `Fused`."""
        scale = (self.rate / y.shape[1]).unsqueeze(1)
        self.model.descend(self.params, X, lambda f: self.loss.slope(f, y) * scale)


STEPPERS: Mapping[str, type[Stepper]] = {
    "autograd": Autograd,
    "fused": Fused,
    "newton": NewtonSteps,
    "sparse": SparseSteps,
}
