"""Steps whose gradients are written out: no graph, buffers that are made once, and updates in place.

Where the rule is a plain descent, a weight's gradient is subtracted from it in the product that makes it. What passes
between dense layers is (rows, units, batch): products are faster that way round, since batches are thinner than layers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple, cast

import torch
from torch import Tensor

from gen_core.experiment import Experiment
from gen_core.losses import Sloped
from gen_core.models.activations import activation
from gen_core.models.contract import Model
from gen_core.models.layers import convolve, images
from gen_core.models.networks import ConvNet
from gen_core.models.products import multiply, subtract
from gen_core.models.two_layer import LiLiang, Linear, TwoLayer
from gen_core.rules import GD, SGD, Rule

_aten = torch.ops.aten


class _Parameter(NamedTuple):
    """A layer's parameter, (rows, ...): its value, whether it is trained, and where its gradient goes.

    Without a place for the gradient, the gradient is subtracted at once.
    """

    value: Tensor
    trained: bool
    gradient: Tensor | None

    def take(self, rows: slice, gradient: Tensor) -> None:
        """Subtract some rows' gradient, or keep it."""
        if self.gradient is None:
            self.value[rows].sub_(gradient)
        else:
            self.gradient[rows].copy_(gradient)


class _Dense:
    """z = scale W h + b, (rows, out, batch), of h, (rows, in, batch), or of images that it flattens.

    Attributes:
        first: whether no layer is below, which needs no gradient then.
        images: whether images are below.
    """

    def __init__(self, W: _Parameter, b: _Parameter | None, z: Tensor, scale: float, first: bool, images: bool) -> None:
        self.W, self.b, self.z, self.scale, self.first, self.images = W, b, z, scale, first, images
        part, into, batch = len(z), W.value.shape[2], z.shape[2]
        shape = (0,) if first else (part, batch, into) if images else (part, into, batch)
        self.below, self.h, self.shape = z.new_empty(shape), z, ()

    def forward(self, rows: slice, h: Tensor) -> Tensor:
        if self.images:
            h = h.unflatten(1, (len(self.z), -1)).transpose(0, 1)
            self.shape, h = h.shape[2:], h.flatten(2).mT
        self.h = h
        z = multiply(self.W.value[rows], self.h, self.z)
        if self.scale != 1:
            z.mul_(self.scale)
        return z.add_(self.b.value[rows].unsqueeze(-1)) if self.b else z

    def backward(self, rows: slice, g: Tensor) -> Tensor:
        """Learn from g, the gradient in z; returns the gradient in h."""
        W, b = self.W, self.b
        if b:
            b.take(rows, g.sum(-1))
        if self.scale != 1:
            g = g.mul_(self.scale)
        if self.images:
            multiply(g.mT, W.value[rows], self.below)
        elif not self.first:
            multiply(W.value[rows].mT, g, self.below)
        if W.gradient is not None:
            multiply(g, self.h.mT, W.gradient[rows])
        elif W.trained:
            subtract(W.value[rows], g, self.h.mT)
        return images(self.below.unflatten(2, self.shape)) if self.images else self.below


class _Convolution:
    """A convolution of each row's images with its own kernels, with a padding of k // 2."""

    def __init__(self, W: _Parameter, b: _Parameter | None, stride: int, first: bool) -> None:
        self.W, self.b, self.stride, self.first = W, b, stride, first
        self.h = W.value

    def forward(self, rows: slice, h: Tensor) -> Tensor:
        self.h = h
        return convolve(h, self.W.value[rows], self.b.value[rows] if self.b else None, self.stride)

    def backward(self, rows: slice, g: Tensor) -> Tensor:
        """Learn from g, the gradient in z; returns the gradient in h."""
        W = self.W.value[rows]
        stride, padding, kernels = [self.stride] * 2, [W.shape[-1] // 2] * 2, W.flatten(0, 1)

        def gradient(below: bool) -> tuple[Tensor, Tensor, Tensor]:
            wanted = [below, not below, False]
            return _aten.convolution_backward(
                g, self.h, kernels, None, stride, padding, [1, 1], False, [0, 0], len(W), wanted
            )

        # One by one: all at once they take longer, the bias above all.
        below = g if self.first else gradient(True)[0]
        self.W.take(rows, gradient(False)[1].view(W.shape))
        if self.b:
            self.b.take(rows, g.sum((0, 2, 3)).view(len(W), -1))
        return below


class Fused:
    """Takes the steps of rows with these parameters; see `gen_core.training.steps.stepping`.

    Models: `Linear`, `TwoLayer`, `LiLiang`, `MLP` and `ConvNet`, with any loss that has a slope.
    """

    def __init__(
        self, experiment: Experiment, params: Mapping[str, Tensor], trained: Mapping[str, Tensor], rate: Tensor
    ) -> None:
        self.rule, self.loss, self.model = cast(Rule, experiment.rule), cast(Sloped, experiment.loss), experiment.model
        self.trained, self.rate = trained, rate
        self.phi = activation(getattr(self.model, "activation", "relu"))
        self.in_place = type(self.rule) in (GD, SGD)
        self.state = self.rule.start(trained)
        self.gradients = {} if self.in_place else {name: torch.empty_like(p) for name, p in trained.items()}
        # Thin batches over large weights are bound by memory: a network's own stay in the cache for its whole step.
        alone = isinstance(self.model, LiLiang) and rate.device.type == "cpu"
        self.part = 1 if alone else len(rate)
        self.layers = self._layers(experiment, params)

    def _layers(self, experiment: Experiment, params: Mapping[str, Tensor]) -> list[_Dense | _Convolution]:
        model, batch, layers = self.model, self.rule.batch or experiment.data.n, []

        def parameter(name: str, matrix: bool) -> _Parameter | None:
            if name not in params:
                return None

            def view(p: Tensor) -> Tensor:
                # w of `Linear` and v of `TwoLayer` are matrices of one row, b of `Linear` is a vector of one entry.
                return p.detach() if p.dim() > 3 else p.detach().view(len(p), -1, *p.shape[-1:] * matrix)

            gradient = self.gradients.get(name)
            return _Parameter(view(params[name]), name in self.trained, None if gradient is None else view(gradient))

        for W, b, scale in _names(model, experiment.data.inputs):
            weight, bias, first = cast(_Parameter, parameter(W, True)), parameter(b, False), not layers
            if weight.value.dim() > 3 and isinstance(model, ConvNet):
                layers.append(_Convolution(weight, bias, model.stride, first))
            else:
                z = weight.value.new_empty(self.part, weight.value.shape[1], batch)
                after_images = bool(layers) and isinstance(layers[-1], _Convolution)
                layers.append(_Dense(weight, bias, z, scale, first, after_images))
        return layers

    @torch.no_grad()
    def __call__(self, X: Tensor, y: Tensor, norms: object = None) -> None:
        """Take a step; norms are not told, since a training that ends by them is left to autograd."""
        scale = (self.rate if self.in_place else torch.ones_like(self.rate)) / y.shape[1]
        for at in range(0, len(X), self.part):
            rows = slice(at, at + self.part)
            self._step(rows, X[rows], y[rows], scale[rows])
        if not self.in_place:
            self.rule.update(self.trained, self.gradients, self.state, self.rate)

    def _step(self, rows: slice, X: Tensor, y: Tensor, scale: Tensor) -> None:
        phi, told = self.phi, []
        h = images(X) if isinstance(self.layers[0], _Convolution) else X.flatten(2).mT
        for layer in self.layers[:-1]:
            z = layer.forward(rows, h)
            h = phi.forward(z)
            told.append(z if phi.by_input else h)
        f = self.layers[-1].forward(rows, h).mT
        g = self.loss.slope(f.squeeze(-1) if self.model.outputs == 1 else f, y)
        g = g.view(f.shape).mul_(scale.view(-1, 1, 1)).mT
        for layer in reversed(self.layers[1:]):
            g = phi.backward(layer.backward(rows, g), told.pop())
        self.layers[0].backward(rows, g)


def _names(model: Model, inputs: tuple[int, ...]) -> list[tuple[str, str, float]]:
    """Weights, biases and scale of each layer, from below."""
    if isinstance(model, Linear):
        return [("w", "b", 1.0)]
    if isinstance(model, TwoLayer):
        return [("W", "", math.prod(inputs) ** -0.5), ("v", "", model.width**-0.5)]
    if isinstance(model, LiLiang):
        return [("W", "", 1.0), ("a", "", 1.0)]
    return [(f"W{k}", f"b{k}", 1.0) for k in range(1, sum(n[0] == "W" for n in model.trained) + 1)]
