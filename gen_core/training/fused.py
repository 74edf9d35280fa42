"""Steps with hand-written gradients: no autograd graph, preallocated buffers, and updates in place.

For plain gradient descent, a weight's gradient is subtracted in the same matrix product that computes it, and with
momentum it is added to the velocity there, which is gone through once in place of four times. Activations
between dense layers are stored as (rows, units, batch), since products are faster in this layout when the batch is
smaller than the layers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

import torch
from torch import Tensor

from gen_core.experiment import Experiment
from gen_core.losses import Sloped
from gen_core.models.activations import Activation, activation
from gen_core.models.contract import Layer, Layered, Model, subtracts
from gen_core.models.layers import convolve, images
from gen_core.models.products import accumulate, multiply, subtract
from gen_core.rules import GradientRule, State, Streams, is_plain, momentum_of, move_all
from gen_core.training.stepper import gradient_cost

_aten = torch.ops.aten


class _Parameter(NamedTuple):
    """A layer's parameter, (rows, ...): its value, whether it is trained, and a buffer for its gradient.

    Without a buffer, the gradient of a trained parameter is subtracted at once. A velocity is the buffer of which the
    share `kept` stays.
    """

    value: Tensor
    trained: bool
    gradient: Tensor | None
    kept: float | None

    def take(self, rows: slice, gradient: Tensor) -> None:
        """Store the gradient of some rows, add it to what is left of their velocity, or subtract it at once."""
        if self.gradient is not None and self.kept is not None:
            self.gradient[rows].add_(gradient)
        elif self.gradient is not None:
            self.gradient[rows].copy_(gradient)
        elif self.trained:
            self.value[rows].sub_(gradient)


class _Dense:
    """z = scale W h + b, (rows, out, batch), of h, (rows, in, batch), or of images that it flattens.

    Attributes:
        phi: the activation after the layer.
        first: whether this is the first layer, so that no gradient in h is needed.
        images: whether h is images.
    """

    def __init__(
        self, W: _Parameter, b: _Parameter | None, phi: Activation, z: Tensor, scale: float, first: bool, images: bool
    ) -> None:
        self.W, self.b, self.phi, self.z, self.scale, self.first, self.images = W, b, phi, z, scale, first, images
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
        if W.gradient is not None and W.kept is not None:
            accumulate(W.gradient[rows], g, self.h.mT, W.kept)
        elif W.gradient is not None:
            multiply(g, self.h.mT, W.gradient[rows])
        elif W.trained:
            subtract(W.value[rows], g, self.h.mT)
        return images(self.below.unflatten(2, self.shape)) if self.images else self.below


class _Convolution:
    """A convolution of each row's images with the row's own kernels."""

    def __init__(self, W: _Parameter, b: _Parameter | None, phi: Activation, layer: Layer, first: bool) -> None:
        self.W, self.b, self.phi, self.stride, self.zeros, self.first = W, b, phi, layer.stride, layer.zeros, first
        self.h = W.value

    def forward(self, rows: slice, h: Tensor) -> Tensor:
        self.h = h
        return convolve(h, self.W.value[rows], self.b.value[rows] if self.b else None, self.stride, self.zeros)

    def backward(self, rows: slice, g: Tensor) -> Tensor:
        """Learn from g, the gradient in z; returns the gradient in h."""
        W = self.W.value[rows]
        stride, padding, kernels = [self.stride] * 2, [self.zeros] * 2, W.flatten(0, 1)

        def gradient(below: bool) -> tuple[Tensor, Tensor, Tensor]:
            wanted = [below, not below, False]
            return _aten.convolution_backward(
                g, self.h, kernels, None, stride, padding, [1, 1], False, [0, 0], len(W), wanted
            )

        # One gradient at a time: computing all at once is slower, above all with the bias.
        below = g if self.first else gradient(True)[0]
        self.W.take(rows, gradient(False)[1].view(W.shape))
        if self.b:
            self.b.take(rows, g.sum((0, 2, 3)).view(len(W), -1))
        return below


def chain_of(experiment: Experiment) -> Model:
    """The model whose layers steps learn: the experiment's, or f of a `Difference` where each step has all points."""
    model, rule, _ = experiment.parts
    if rule.batch is None and subtracts(model):
        return model.model
    return model


class Fused:
    """Steps of a model that is a chain of its layers, with any loss that has a `slope`; see `Stepper`."""

    def __init__(
        self,
        experiment: Experiment,
        params: Mapping[str, Tensor],
        trained: Mapping[str, Tensor],
        rate: Tensor,
        streams: Streams,
    ) -> None:
        parts = experiment.parts
        self.rule, self.loss = cast(GradientRule, parts.rule), cast(Sloped, parts.loss)
        self.trained, self.rate, self.outputs = trained, rate, parts.model.outputs
        self.in_place, self.momentum = is_plain(parts.rule), momentum_of(parts.rule)
        self._state, self.gradients = self.rule.start(trained, streams), {}
        if self.momentum is not None:
            self.gradients = cast(dict[str, Tensor], self._state)
        elif not self.in_place:
            self.gradients = {name: torch.empty_like(p) for name, p in trained.items()}
        self.share = torch.ones_like(rate) / (self.rule.batch or experiment.data.n)
        model = cast(Layered, chain_of(experiment))
        self.subtracts: Callable[[Tensor], Tensor] | None = None
        self.subtracted: Tensor | None = None
        """What is subtracted from the outputs, from the first step on."""
        if subtracts(whole := parts.model):
            params, start = whole.split(params)
            self.subtracts = functools.partial(whole.model.forward, start)
        self.part = 1 if model.one_by_one and rate.device.type == "cpu" else len(rate)
        self.layers = self._layers(experiment, model, params)
        taken = [p for layer in self.layers for p in (layer.b, layer.W if isinstance(layer, _Convolution) else None)]
        self.taken = [p.gradient for p in taken if p and p.gradient is not None]
        """Buffers that no product adds to."""

    @staticmethod
    def cost(experiment: Experiment) -> int:
        """See `Stepper.cost`."""
        return gradient_cost(experiment, chain_of(experiment))

    @property
    def state(self) -> State:
        """The rule's state; velocities are changed in place, since steps add to them where they are."""
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        if self.momentum is None:
            self._state = state
        else:
            for name, velocity in self.gradients.items():
                velocity.copy_(state[name])

    def _layers(
        self, experiment: Experiment, model: Layered, params: Mapping[str, Tensor]
    ) -> list[_Dense | _Convolution]:
        batch, layers, above_images = self.rule.batch or experiment.data.n, [], False

        def parameter(name: str, shape: tuple[int, ...]) -> _Parameter:
            def view(p: Tensor) -> Tensor:
                # w of `Linear` and v of `TwoLayer` are matrices of one row, b of `Linear` is a vector of one entry.
                return p.detach().view(len(p), *shape)

            gradient = self.gradients.get(name)
            buffer = None if gradient is None else view(gradient)
            return _Parameter(view(params[name]), name in self.trained, buffer, self.momentum)

        for layer in model.layers(experiment.data.inputs):
            W, phi, first = parameter(layer.weight, layer.shape), activation(layer.activation), not layers
            b = parameter(layer.bias, layer.shape[:1]) if layer.bias else None
            if layer.kind == "convolution":
                layers.append(_Convolution(W, b, phi, layer, first))
            else:
                z = W.value.new_empty(self.part, layer.shape[0], batch)
                layers.append(_Dense(W, b, phi, z, layer.scale, first, above_images))
            above_images = layer.kind == "convolution"
        return layers

    @torch.no_grad()
    def step(self, X: Tensor, y: Tensor, on_gradient_norms: object = None) -> None:
        """Take a step; norms are not reported, since trainings that stop by them use autograd."""
        scale = self.rate / y.shape[1] if self.in_place else self.share
        if self.subtracts is not None and self.subtracted is None:
            self.subtracted = self.subtracts(X)
        if self.momentum is not None and self.taken:
            _aten._foreach_mul_.Scalar(self.taken, self.momentum)
        for at in range(0, len(X), self.part):
            rows = slice(at, at + self.part)
            self._step(rows, X[rows], y[rows], scale[rows])
        if self.momentum is not None:
            move_all(self.trained, list(self.gradients.values()), self.rate)
        elif not self.in_place:
            self.rule.update(self.trained, self.gradients, self.state, self.rate)

    def _step(self, rows: slice, X: Tensor, y: Tensor, scale: Tensor) -> None:
        seen: list[Tensor] = []  # by each activation's backward
        h = images(X) if isinstance(self.layers[0], _Convolution) else X.flatten(2).mT
        for layer in self.layers:
            z = layer.forward(rows, h)
            h = layer.phi.forward(z)
            seen.append(z if layer.phi.by_input else h)
        f = h.mT if self.subtracted is None else h.mT - self.subtracted[rows].view(h.mT.shape)
        g = self.loss.slope(f.squeeze(-1) if self.outputs == 1 else f, y)
        g = g.view(f.shape).mul_(scale.view(-1, 1, 1)).mT
        for layer in reversed(self.layers):
            g = layer.backward(rows, layer.phi.backward(g, seen.pop()))
