"""How rows take a step by gradients: by autograd, or with gradients that are written out and applied in place.

What is written out builds no graph, allocates nothing but small tensors, and adds a weight's gradient to the weight in
the product that makes it. It agrees with autograd to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple, cast

import torch
from torch import Tensor

from gen_core.experiment import Experiment
from gen_core.losses import Sloped
from gen_core.models import LiLiang
from gen_core.networks import MLP
from gen_core.rules import GD, SGD, Newton, Rule

Norms = Callable[[Tensor], None]
"""Is told the norm of each row's gradient, (rows,), before the step is taken; may set rates to 0."""

Take = Callable[[Tensor, Tensor, Norms | None], None]
"""Takes a step on points, (rows, batch, *inputs), and labels, (rows, batch)."""


class Way(NamedTuple):
    """How an experiment's steps are taken, and why so."""

    name: str
    reason: str


def way(experiment: Experiment) -> Way:
    """The way that suits a recipe: "newton", "autograd", or "fused" for dense networks and losses that are known."""
    model, loss = experiment.model, experiment.loss
    if isinstance(experiment.rule, Newton):
        return Way("newton", "the rule needs second derivatives")
    if experiment.stop.gradient is not None:
        return Way("autograd", "the training ends by the norm of its gradient")
    if not isinstance(loss, Sloped):
        return Way("autograd", f"{type(loss).__name__} has no slope")
    # Not isinstance: a subclass may have another forward.
    if type(model) is LiLiang:
        return Way("fused", "two layers of which one is trained; on a CPU network by network, as weights fill a cache")
    if type(model) is MLP and model.activation in _BACKWARD:
        return Way("fused", "a dense network whose activation has a slope that its output tells")
    return Way("autograd", f"no gradient of this {type(model).__name__} is written out")


def stepping(experiment: Experiment, params: Mapping[str, Tensor], trained: Mapping[str, Tensor], rate: Tensor) -> Take:
    """What takes the steps of rows with these parameters, (rows, ...), at each row's rate, (rows,).

    Rates that become 0 later leave their rows as they are. Newton's steps are `gen_core.newton`'s.
    """
    kind = _Fused if way(experiment).name == "fused" else _Autograd
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


_aten = torch.ops.aten
_FORWARD: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu_,
    "leaky_relu": partial(torch.nn.functional.leaky_relu_, negative_slope=0.2),
    "tanh": torch.tanh_,
    "sigmoid": torch.sigmoid_,
    "identity": lambda z: z,
}
_BACKWARD: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "relu": lambda g, h: _aten.threshold_backward.grad_input(g, h, 0, grad_input=g),
    "leaky_relu": lambda g, h: _aten.leaky_relu_backward.grad_input(g, h, 0.2, True, grad_input=g),
    "tanh": lambda g, h: _aten.tanh_backward.grad_input(g, h, grad_input=g),
    "sigmoid": lambda g, h: _aten.sigmoid_backward.grad_input(g, h, grad_input=g),
    "identity": lambda g, h: g,
}
"""Activations in place, and their slopes, as outputs h tell them, times g in place."""


class _Fused:
    """Steps of dense layers, `W` and perhaps `b`, with one activation between them and none behind the last."""

    def __init__(
        self, experiment: Experiment, params: Mapping[str, Tensor], trained: Mapping[str, Tensor], rate: Tensor
    ) -> None:
        model, rule = experiment.model, cast(Rule, experiment.rule)
        if isinstance(model, MLP):
            depth = len(model.hidden) + 1
            self.layers = [(f"W{k}", f"b{k}" if model.bias else "") for k in range(1, depth + 1)]
        else:
            self.layers = [("W", ""), ("a", "")]
        name = getattr(model, "activation", "relu")
        self.phi, self.slope, self.loss = _FORWARD[name], _BACKWARD[name], cast(Sloped, experiment.loss)
        self.params, self.trained, self.rate, self.rule = params, trained, rate, rule
        self.single = model.outputs == 1
        # Thin batches over large weights are bound by memory: a network's own stay in the cache for its whole step.
        rows, batch = len(rate), rule.batch or experiment.data.n
        self.part = 1 if isinstance(model, LiLiang) and rate.device.type == "cpu" else rows
        like = partial(torch.empty, dtype=rate.dtype, device=rate.device)
        shapes = [(self.part, batch, params[W].shape[1]) for W, _ in self.layers]
        self.outputs, self.slopes = ([like(shape) for shape in shapes] for _ in range(2))
        self.in_place = type(rule) in (GD, SGD)
        self.state = rule.start(trained)
        self.gradients = {} if self.in_place else {n: like(p.shape) for n, p in trained.items()}

    @torch.no_grad()
    def __call__(self, X: Tensor, y: Tensor, norms: Norms | None = None) -> None:
        """Take a step; norms are not told, since a training that ends by them is not fused."""
        scale = (self.rate if self.in_place else torch.ones_like(self.rate)) / y.shape[1]
        for at in range(0, len(X), self.part):
            rows = slice(at, at + self.part)
            self._step(rows, X[rows].flatten(2), y[rows], scale[rows])
        if not self.in_place:
            self.rule.update(self.trained, self.gradients, self.state, self.rate)

    def _step(self, rows: slice, X: Tensor, y: Tensor, scale: Tensor) -> None:
        inputs, last = [X, *self.outputs[:-1]], len(self.layers) - 1
        for k, (W, b) in enumerate(self.layers):
            weights, out = self.params[W][rows].mT, self.outputs[k]
            if b:
                torch.baddbmm(self.params[b][rows].unsqueeze(1), inputs[k], weights, out=out)
            else:
                torch.bmm(inputs[k], weights, out=out)
            if k < last:
                self.phi(out)
        f = self.outputs[-1]
        g = self.loss.slope(f.squeeze(-1) if self.single else f, y).view_as(f).mul_(scale.view(-1, 1, 1))
        for k in range(last, -1, -1):
            below = torch.bmm(g, self.params[self.layers[k][0]][rows], out=self.slopes[k - 1]) if k else g
            self._add(rows, *self.layers[k], g, inputs[k])
            if k:
                g = self.slope(below, inputs[k])

    def _add(self, rows: slice, W: str, b: str, g: Tensor, h: Tensor) -> None:
        """Subtract a layer's gradients, which have the rate in them, or keep them for the rule."""
        if W not in self.trained:
            return
        if self.in_place:
            self.params[W][rows].baddbmm_(g.mT, h, alpha=-1)
        else:
            torch.bmm(g.mT, h, out=self.gradients[W][rows])
        if b and self.in_place:
            self.params[b][rows].sub_(g.sum(1))
        elif b:
            torch.sum(g, 1, out=self.gradients[b][rows])
