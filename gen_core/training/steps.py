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
from gen_core.models.networks import MLP, ConvNet
from gen_core.models.two_layer import LiLiang, Linear, TwoLayer
from gen_core.rules import Newton, Rule
from gen_core.training.fused import Fused

Norms = Callable[[Tensor], None]
"""Is told the norm of each row's gradient, (rows,), before the step is taken; may set rates to 0."""

Take = Callable[[Tensor, Tensor, Norms | None], None]
"""Takes a step on points, (rows, batch, *inputs), and labels, (rows, batch)."""


_DENSE = "dense layers, whose gradients take no graph and are applied in place"
WRITTEN_OUT: dict[type, str] = {
    Linear: _DENSE,
    TwoLayer: _DENSE,
    LiLiang: "two layers of which one is trained; on a CPU network by network, as weights fill a cache",
    MLP: _DENSE,
    ConvNet: "convolutions, on a CPU with the channels last, and dense layers; their gradients take no graph",
}
"""Models whose gradients are written out, and what the steps owe to that."""


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
    # Not isinstance: a subclass may have another forward.
    if type(model) not in WRITTEN_OUT:
        return Way("autograd", f"no gradient of {type(model).__name__} is written out")
    return Way("fused", WRITTEN_OUT[type(model)])


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
