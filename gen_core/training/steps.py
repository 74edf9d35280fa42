"""How rows take a step by gradients: by autograd, or with gradients that are written out (`gen_core.training.fused`).

The two agree to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

import torch
from torch import Tensor

from gen_core.experiment import Experiment
from gen_core.losses import Sloped
from gen_core.models.contract import Layered, chained
from gen_core.rules import Newton, Rule
from gen_core.training.fused import Fused

Norms = Callable[[Tensor], None]
"""Is told the norm of each row's gradient, (rows,), before the step is taken; may set rates to 0."""

Take = Callable[[Tensor, Tensor, Norms | None], None]
"""Takes a step on points, (rows, batch, *inputs), and labels, (rows, batch)."""


class Way(NamedTuple):
    """How an experiment's steps are taken, and why so."""

    name: str
    reason: str


def way(experiment: Experiment) -> Way:
    """The way that suits a recipe: "newton", "autograd", or "fused" for models and losses that are known."""
    model, loss = experiment.model, experiment.loss
    if isinstance(experiment.rule, Newton):
        return Way("newton", "the rule needs second derivatives")
    if experiment.stop.gradient is not None:
        return Way("autograd", "the training ends by the norm of its gradient")
    if not isinstance(loss, Sloped):
        return Way("autograd", f"{type(loss).__name__} has no slope")
    if not chained(model):
        return Way("autograd", f"no gradient of {type(model).__name__} is written out")
    layers = model.layers(experiment.data.inputs)
    kinds = [layer.kind for layer in layers]
    if "convolution" in kinds[kinds.index("dense") if "dense" in kinds else 0 :]:
        return Way("autograd", f"{type(model).__name__} has a convolution that is not below a dense layer")
    if alone := set(experiment.model.trained).difference(*(layer.names for layer in layers)):
        return Way("autograd", f"{min(alone)} of {type(model).__name__} belongs to no layer")
    return Way("fused", _saved(model, kinds))


def _saved(model: Layered, kinds: list[str]) -> str:
    """What the steps owe to gradients that are written out."""
    if model.one_by_one:
        return "dense layers, on a CPU network by network, as weights fill a cache; their gradients take no graph"
    if "convolution" in kinds:
        return "convolutions, on a CPU with the channels last, and dense layers; their gradients take no graph"
    return "dense layers, whose gradients take no graph and are applied in place"


def stepping(experiment: Experiment, params: Mapping[str, Tensor], trained: Mapping[str, Tensor], rate: Tensor) -> Take:
    """What takes the steps of rows with these parameters, (rows, ...), at each row's rate, (rows,).

    Rates that become 0 later leave their rows as they are. Newton's steps are `gen_core.training.newton`'s.
    """
    kind = Fused if way(experiment).name == "fused" else _Autograd
    return kind(experiment, params, trained, rate)


class _Autograd:
    """Steps along gradients of the summed loss."""

    def __init__(
        self, experiment: Experiment, params: Mapping[str, Tensor], trained: Mapping[str, Tensor], rate: Tensor
    ) -> None:
        self.experiment, self.params, self.trained, self.rate = experiment, params, trained, rate
        self.state = experiment.rule.start(trained)
        self.share = torch.full((), 1 / (experiment.rule.batch or experiment.data.n), dtype=rate.dtype).to(rate.device)

    def __call__(self, X: Tensor, y: Tensor, norms: Norms | None) -> None:
        """Take a step."""
        loss = self.experiment.loss.per_point(self.experiment.model.forward(self.params, X), y)
        gradients = torch.autograd.grad(loss, list(self.trained.values()), self.share.expand_as(loss))
        if norms is not None:
            squares = torch.stack([g.reshape(len(g), -1).square().sum(1) for g in gradients])
            norms(squares.sum(0).sqrt())
        rule = cast(Rule, self.experiment.rule)
        rule.update(self.trained, dict(zip(self.trained, gradients, strict=True)), self.state, self.rate)
