"""Norms of the layers of a network, and its path norms.

A norm of layers is a function of their parameters and their descriptions; `layer_norms`, `normalized` and
`norm_products` take one. Those here are homogeneous: with weights and biases twice as large, they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.grad import conv2d_input

from gen_core.checks import check_choice, check_counts, check_number
from gen_core.errors import InvalidExperiment, Unfinished
from gen_core.measures.spectra import map_norm
from gen_core.models.contract import Layer, Model, layers_of

Parameters = Mapping[str, Tensor]

INDUCED = (1.0, 2.0, math.inf)
"""The p of the norms of matrices that can be computed: largest column sum, largest singular value, largest row sum."""

LINEAR_ABOVE_0 = ("relu", "leaky_relu", "identity")
"""Activations with phi(z) = z for z >= 0, through which a path norm passes unchanged."""


class LayerNorm(Protocol):
    """A norm of every layer."""

    def __call__(self, params: Parameters, layers: Sequence[Layer]) -> Tensor:
        """The norms, (seeds, K), of K layers, given all their parameters, (seeds, ...)."""
        ...


@dataclass(frozen=True)
class EntryNorm:
    """The L_p norm of all entries of a layer, weights and biases, in the parameters' dtype.

    Attributes:
        p: 2 is the Frobenius norm, `math.inf` the largest absolute entry; at least 1.
    """

    p: float = 2.0

    def __post_init__(self) -> None:
        if self.p != math.inf:
            check_number("p", self.p, least=1)

    def __call__(self, params: Parameters, layers: Sequence[Layer]) -> Tensor:
        """See `LayerNorm`."""
        parts = [[params[name].reshape(len(params[name]), -1) for name in layer.names] for layer in layers]
        return torch.stack([torch.linalg.vector_norm(torch.cat(part, 1), self.p, dim=1) for part in parts], 1)


FROBENIUS = EntryNorm()


@dataclass(frozen=True)
class MatrixNorm:
    """The norm of a layer's weights as a matrix with one row per output unit, in float64; biases are left out.

    Kernels, (out, in, k, k), are reshaped to (out, in k k). For dense layers this is the norm of the map W h. For
    convolutions it is not: `OperatorNorm` is.

    Attributes:
        p: 2 is the largest singular value ("spectral norm"), 1 the largest l1 norm of a column, and `math.inf` that of
            a row, the weights into one unit ("fan-in").
    """

    p: float = 2.0

    def __post_init__(self) -> None:
        check_choice("p", float(self.p), INDUCED)

    def __call__(self, params: Parameters, layers: Sequence[Layer]) -> Tensor:
        """See `LayerNorm`. Cost: a singular value decomposition per layer and seed for p = 2."""
        return torch.stack([torch.linalg.matrix_norm(_finite(params, layer).flatten(2), self.p) for layer in layers], 1)


@dataclass(frozen=True)
class OperatorNorm:
    """The norm of the linear map that a layer applies to its input, in float64; biases and `Layer.scale` are left out.

    For a convolution it is that of the map from one whole image to another, of the size, with the stride and with the
    zero padding that it has in the network.

    Attributes:
        inputs: shape of one input of the network, `experiment.data.inputs`, which the sizes of the images follow from.
        p: the norm of the layer's inputs and outputs, 1, 2 or `math.inf`: the largest sum of absolute values in a
            column of the map's matrix, its largest singular value, or the largest sum in a row.
    """

    inputs: tuple[int, ...]
    p: float = 2.0

    def __post_init__(self) -> None:
        check_counts("inputs", self.inputs)
        check_choice("p", float(self.p), INDUCED)

    def __call__(self, params: Parameters, layers: Sequence[Layer]) -> Tensor:
        """See `LayerNorm`. Cost for p = 2 and a convolution: some tens of forward and backward passes per seed.

        Raises:
            InvalidExperiment: if the layers are not those of a chain on inputs of this shape.
            Unfinished: if a largest singular value is not found to 1e-8, or a weight is not finite.
        """
        norms, image = [], self.inputs
        for layer in layers:
            W = _finite(params, layer)
            if layer.kind == "dense":
                norms.append(torch.linalg.matrix_norm(W, self.p))
                continue
            after = _after(layer, image)
            norms.append(torch.tensor([self._of_kernels(w, layer, image) for w in W], dtype=torch.float64))
            image = after
        return torch.stack(norms, 1)

    def _of_kernels(self, W: Tensor, layer: Layer, image: tuple[int, ...]) -> float:
        """Norm of the map of one seed's kernels on images, (in, height, width)."""

        def forward(x: Tensor, kernels: Tensor = W) -> Tensor:
            return F.conv2d(x.view(-1, *image), kernels, stride=layer.stride, padding=layer.zeros)

        def adjoint(z: Tensor, kernels: Tensor = W) -> Tensor:
            shape = (len(z), *image)
            back = conv2d_input(shape, kernels, z, stride=layer.stride, padding=layer.zeros)
            return back.reshape(len(z), -1)

        if self.p == 2:
            return map_norm(forward, adjoint, math.prod(image)) if bool(W.any()) else 0.0
        ones = torch.ones(1, *image, dtype=torch.float64)
        rows = forward(ones, W.abs())
        return float((rows if self.p == math.inf else adjoint(torch.ones_like(rows), W.abs())).max())


def layer_norms(params: Parameters, layers: Sequence[Layer], norm: LayerNorm = FROBENIUS) -> Tensor:
    """rho_1 ... rho_K, the norms of the layers, (seeds, K); by default the Frobenius norms.

    Args:
        params: parameters of the layers, (seeds, ...); for an `EntryNorm`, biases count as part of their layer.
        layers: the K layers, from the input; see `gen_core.models.contract.layers_of`.
        norm: an `EntryNorm`, a `MatrixNorm`, an `OperatorNorm`, or a norm of your own.

    Raises:
        InvalidExperiment: if a parameter belongs to no layer, a layer's parameter is missing, or one has batch norm.
    """
    require_of_layers(params, layers)
    return norm(params, layers)


def path_norm(model: Model, params: Parameters, inputs: tuple[int, ...], p: float = 1) -> Tensor:
    """(sum over all paths from an input to an output of |product of the weights along it|^p)^(1/p), float64 (seeds,).

    Computed as the sum of the outputs, on an input of ones, of the model itself with |W|^p in place of every W and
    without biases: the activations pass what is not negative. Factors of the network, `Layer.scale`, count as weights.
    With p = 1 it bounds |f| on inputs of entries within [-1, 1], for networks without biases.

    Source: Neyshabur, Tomioka and Srebro, "Norm-based capacity control in neural networks" (2015).

    Args:
        model: a model made of layers, with ReLU, leaky ReLU or identity as activations.
        params: all its parameters, (seeds, ...).
        inputs: shape of one input.
        p: 1 or 2, or any number of at least 1.

    Raises:
        InvalidExperiment: for other models, and other parameters than those of the layers.
    """
    check_number("p", p, least=1)
    layers = layers_of(model, inputs)
    require_of_layers(params, layers)
    paths = {}
    for layer in layers:
        if layer.activation not in LINEAR_ABOVE_0:
            raise InvalidExperiment(
                f"path norm through {layer.activation} of layer {layer.weight}; expected one of "
                f"{', '.join(LINEAR_ABOVE_0)}"
            )
        W = _finite(params, layer).view(params[layer.weight].shape)
        paths[layer.weight] = layer.scale ** (p - 1) * W.abs() ** p  # the forward pass has one more `scale`
        if layer.bias:
            paths[layer.bias] = torch.zeros_like(params[layer.bias], dtype=torch.float64)
    ones = torch.ones(len(params[layers[0].weight]), 1, *inputs, dtype=torch.float64)
    with torch.no_grad():
        found, doubled = (model.forward(paths, X).flatten(1).sum(1) for X in (ones, 2 * ones))
    if not torch.allclose(doubled, 2 * found, rtol=1e-12, atol=0):
        raise InvalidExperiment(
            f"path norm of {type(model).__name__}: twice the input gives {float((doubled / found)[0]):.6g} times the "
            "output; expected twice the output, from a network that is its layers and sums of them"
        )
    return found ** (1 / p)


def require_of_layers(params: Parameters, layers: Sequence[Layer]) -> None:
    """Check that parameters are those of the layers, all and no others, and that batch norm has been absorbed.

    Raises:
        InvalidExperiment: naming both, or the layer.
    """
    if normed := [layer.weight for layer in layers if layer.gain]:
        expected = "weights that have absorbed it, as those of gen_core.models.evaluated"
        raise InvalidExperiment(f"batch norm after {normed[0]}; expected {expected}")
    names = [name for layer in layers for name in layer.names]
    if set(names) != set(params):
        found, expected = (", ".join(sorted(some)) for some in (params, names))
        raise InvalidExperiment(f"parameters {found}; expected those of the layers, {expected}")


def _finite(params: Parameters, layer: Layer) -> Tensor:
    """A layer's weights in the layer's shape, (seeds, *shape), float64."""
    W = params[layer.weight]
    if not bool(W.isfinite().all()):
        raise Unfinished(f"norm of {layer.weight}: a weight is not finite; expected finite weights")
    return W.detach().double().reshape(len(W), *layer.shape)


def _after(layer: Layer, image: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of the images that a convolution makes of images of a given shape."""
    out, into, *kernel = layer.shape
    sides = [(n + 2 * layer.zeros - k) // layer.stride + 1 for n, k in zip(image[1:], kernel, strict=False)]
    if len(image) != 3 or image[0] != into or math.prod(sides) != layer.places:
        raise InvalidExperiment(
            f"convolution {layer.weight} of {into} channels to {layer.places} places on images {image}; expected the "
            "shape of the network's inputs, and layers that follow each other"
        )
    return out, *sides
