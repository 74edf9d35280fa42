"""What the claims watch in a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from gen_core import CrossEntropy, Data
from gen_core.models import Model
from torch import Tensor


@dataclass(frozen=True)
class ModeStrengths:
    """Strength in the network's map of each mode of the data's input-output correlations, (S, modes)."""

    def __call__(self, model: Model, params: Mapping[str, Tensor], data: Data) -> Tensor:
        """The diagonal of U^T W V, for the singular vectors U and V of the correlations y^T X."""
        left, _, right = torch.linalg.svd(data.y.mT @ data.X)
        inputs = torch.eye(data.X.shape[-1]).to(data.X).expand(len(data.X), -1, -1)
        return torch.einsum("skx,sxc,sck->sk", right, model.forward(params, inputs), left)


@dataclass(frozen=True)
class Sharpness:
    """Largest eigenvalue, by absolute value, of the Hessian of the mean cross-entropy in the trained weights, (S,).

    Attributes:
        iterations: of the power method, which begins at the gradient.
    """

    iterations: int = 30

    def __call__(self, model: Model, params: Mapping[str, Tensor], data: Data) -> Tensor:
        """Multiply by the Hessian again and again."""
        weights = {name: params[name].detach().requires_grad_() for name in model.trainable}
        loss = CrossEntropy().per_point(model.forward({**params, **weights}, data.X), data.y).mean(1)
        gradient = torch.autograd.grad(loss.sum(), tuple(weights.values()), create_graph=True)
        image = [part.detach() for part in gradient]
        for _ in range(self.iterations):
            length = _norm(image)
            unit = [part / length.view(-1, *[1] * (part.dim() - 1)) for part in image]
            image = torch.autograd.grad(gradient, tuple(weights.values()), unit, retain_graph=True)
        return _norm(image)


def _norm(parts: list[Tensor] | tuple[Tensor, ...]) -> Tensor:
    return torch.stack([part.flatten(1).square().sum(1) for part in parts]).sum(0).sqrt()
