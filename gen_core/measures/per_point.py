"""Gradients of single points: of the loss of each, or of each output, in each seed's parameters.

The pairs of a seed and a point are rows of one batch, each with a copy of its seed's parameters, so that any model that
keeps its rows apart can be measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.losses import Loss
from gen_core.measures.norms import Parameters
from gen_core.models.contract import Model
from gen_core.training.parts import outputs_in_parts

ROWS = 2**22
"""Bytes of the copies of the parameters in one chunk; its gradients take as many. 400 gradients of 203,530 parameters
take 1.0 s on one core, and 2.1 s in chunks of 128 MiB, which leave the cache."""

APART = 1e-3
"""Largest accepted difference of a point's outputs alone and among others, relative to the largest output."""


def loss_gradients(
    model: Model, params: Parameters, X: Tensor, y: Tensor, loss: Loss, names: Sequence[str] = ()
) -> dict[str, Tensor]:
    """Gradient of the loss of each point, name -> (seeds, n, *shape of one seed's parameter).

    Cost: about three forward passes per seed and point, on copies of the parameters; memory for n times the parameters.

    Args:
        model: any model; one with batch norm as it is evaluated.
        params: all its parameters, (seeds, ...).
        X: points, (seeds, n, *inputs).
        y: their labels, (seeds, n, ...).
        loss: a loss of single points.
        names: parameters to differentiate by; by default the trained ones.

    Raises:
        InvalidExperiment: if a loss or a point's outputs depend on other points, or a parameter is not there.
    """
    chunks = list(_chunks(model, params, X, (y, loss), names))
    return {name: _by_seed([chunk[name][:, 0] for chunk in chunks], X) for name in chunks[0]}


def output_gradients(model: Model, params: Parameters, X: Tensor, names: Sequence[str] = ()) -> dict[str, Tensor]:
    """Gradient of each output on each point: name -> (seeds, n, ...), or (seeds, n, C, ...) for C > 1 outputs.

    See `loss_gradients`. Cost: a backward pass per output.
    """
    chunks = list(_chunks(model, params, X, None, names))
    found = {name: _by_seed([chunk[name] for chunk in chunks], X) for name in chunks[0]}
    return {name: g.squeeze(2) for name, g in found.items()} if model.outputs == 1 else found


def loss_gradient_norms(
    model: Model, params: Parameters, X: Tensor, y: Tensor, loss: Loss, names: Sequence[str] = ()
) -> Tensor:
    """Euclidean norm of the gradient of each point's loss in all `names` together, float64 (seeds, n).

    As `loss_gradients`, in memory for one chunk.
    """
    squares = [
        torch.stack([g.double().flatten(1).square().sum(1) for g in chunk.values()]).sum(0)
        for chunk in _chunks(model, params, X, (y, loss), names)
    ]
    return _by_seed(squares, X).sqrt()


def _chunks(
    model: Model, params: Parameters, X: Tensor, target: tuple[Tensor, Loss] | None, names: Sequence[str]
) -> Iterator[dict[str, Tensor]]:
    """Gradients of some (seed, point) rows after others, name -> (rows, values of a row, *shape)."""
    names = tuple(names) or model.trainable
    if missing := set(names) - set(params):
        raise InvalidExperiment(f"gradient in {min(missing)}; expected some of {', '.join(sorted(params))}")
    if target is not None and not isinstance(target[1], Loss):
        raise InvalidExperiment(f"{type(target[1]).__name__} has no per_point; expected a loss of single points")
    seeds, n = X.shape[:2]
    with torch.no_grad():
        together = outputs_in_parts(model, params, X, X.dtype).to(X.device)
    if together.shape[:2] != (seeds, n):
        raise InvalidExperiment(
            f"outputs {tuple(together.shape)} for points {tuple(X.shape)}; expected (seeds, n, ...)"
        )
    row_bytes = sum(p[0].numel() * p.element_size() for p in params.values())
    for rows in torch.arange(seeds * n, device=X.device).split(max(1, ROWS // max(1, row_bytes))):
        seed = rows // n
        copies = {name: p[seed].detach().requires_grad_(name in names) for name, p in params.items()}
        f = model.forward(copies, X.flatten(0, 1)[rows].unsqueeze(1))
        _require_apart(model, f.detach().squeeze(1), together.flatten(0, 1)[rows])
        if target is None:
            values = f.reshape(len(rows), -1)
        else:
            values = target[1].per_point(f, target[0].flatten(0, 1)[rows].unsqueeze(1))
        wanted = [copies[name] for name in names]
        each = [torch.autograd.grad(v.sum(), wanted, retain_graph=True, allow_unused=True) for v in values.unbind(1)]
        yield {
            name: torch.stack([torch.zeros_like(p) if g[i] is None else g[i] for g in each], 1)
            for i, (name, p) in enumerate(zip(names, wanted, strict=True))
        }


def _require_apart(model: Model, alone: Tensor, together: Tensor) -> None:
    """Check that outputs of a point do not depend on the others: a gradient of one point would have no meaning."""
    gap, largest = float((alone - together).abs().max()), float(together.abs().max())
    if gap > APART * largest:
        raise InvalidExperiment(
            f"outputs of {type(model).__name__} on a point alone and among others differ by up to {gap:.2g}; expected "
            "the same (with batch norm, the network as it is evaluated)"
        )


def _by_seed(chunks: list[Tensor], X: Tensor) -> Tensor:
    return torch.cat(chunks).unflatten(0, X.shape[:2])
