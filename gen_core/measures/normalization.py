"""Networks with every layer divided by its norm, and the rank correlation of their losses with test errors.

Source: Anonymous, "Generalization puzzles in deep networks" (2019), section 2, eq. (1), and Figure 2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gen_core.losses import classes, right
from gen_core.measures.held_out import (
    Measured,
    final_outputs,
    held_out_outputs,
    losses_at,
    rank_correlation,
    require_stopped,
    resampled_test_points,
)
from gen_core.measures.norms import FROBENIUS, LayerNorm, Parameters, layer_norms
from gen_core.measuring import measure
from gen_core.models.contract import Layer, layers_of
from gen_core.run import Run, Runs
from gen_core.training.parts import measuring, of_seeds, work_of_passes


def normalized(params: Parameters, layers: Sequence[Layer], norm: LayerNorm = FROBENIUS) -> dict[str, Tensor]:
    """The parameters of f~: every weight and bias divided by the norm of its layer; see `layer_norms`."""
    rho = layer_norms(params, layers, norm)
    norms = {name: rho[:, k].to(params[name]) for k, layer in enumerate(layers) for name in layer.names}
    return {name: p / norms[name].view(-1, *[1] * (p.dim() - 1)) for name, p in params.items()}


@measure
def homogeneity_gap(run: Run) -> Tensor:
    """Max |f - rho_1 ... rho_K f~| / max |f|, each over held-out points and outputs, (seeds,).

    Source: Anonymous (2019), eq. (1).
    """
    f, normal, rho = _outputs(run)
    scaled = normal * rho.view(-1, *[1] * (normal.dim() - 1))
    return (f - scaled).abs().flatten(1).amax(1) / f.abs().flatten(1).amax(1)


@measure
def changed_decisions(run: Run) -> Tensor:
    """Share of the held-out points that f and f~ classify differently, (seeds,)."""
    f, normal, _ = _outputs(run)
    unknown = (f + normal).isnan().flatten(2).any(-1) if f.dim() > 2 else (f + normal).isnan()
    return (classes(f) != classes(normal)).double().masked_fill(unknown, torch.nan).mean(1)


@measure
def loss_ordering(runs: Runs, *, normalize: bool = True) -> Tensor | Measured:
    """Spearman's correlation of training loss and test error over a family of networks, (seeds,).

    Source: Anonymous (2019), sections 1 and 3. Where the seeds share their held-out points, it is also computed on
    bootstrap resamples of these. Cost: one forward pass of every network.

    Args:
        runs: the family.
        normalize: whether the loss is that of the normalized networks, or of the networks as they are.

    Raises:
        Unfinished: if a network has not reached the training loss of its `Stop`.
    """
    losses = train_losses(runs, norm_products(runs) if normalize else unit_divisors(runs))
    return _with_errors(runs, lambda errors: rank_correlation(losses, errors))


@measure
def advantage_of_norms(runs: Runs, rho: Tensor) -> Tensor | Measured:
    """`loss_ordering` with products of norms, minus its mean when every network has those of another one.

    The mean is over all cyclic shifts of `rho`, (settings, seeds), within the family. Cost: one loss per pair of
    networks.
    """
    own, *others = train_losses(runs, torch.stack([rho.roll(k, 0) for k in range(len(rho))]))

    def advantage(errors: Tensor) -> Tensor:
        null = torch.stack([rank_correlation(losses, errors) for losses in others]).mean(0)
        return rank_correlation(own, errors) - null

    return _with_errors(runs, advantage)


def norm_products(runs: Runs, norm: LayerNorm = FROBENIUS) -> Tensor:
    """rho_1 ... rho_K of every network, float64 (settings, seeds); see `layer_norms`."""
    return runs.measure(lambda run: layer_norms(run.parameters, _layers(run), norm).double().prod(1))


def unit_divisors(runs: Runs) -> Tensor:
    """Ones in place of `norm_products`, which leave the networks unnormalized, float64 (settings, seeds)."""
    return torch.ones(len(runs.runs), len(runs.seeds), dtype=torch.float64)


def train_losses(runs: Runs, divisors: Tensor) -> Tensor:
    """Training losses with the outputs of each network divided by a number, float64 (..., settings, seeds).

    For networks without biases, dividing by rho_1 ... rho_K gives the losses of f~, by eq. (1). Cost: one forward pass
    of every network, for all divisors.

    Args:
        runs: the networks.
        divisors: the numbers, (..., settings, seeds).

    Raises:
        Unfinished: as `require_stopped`.
    """
    require_stopped(runs)
    networks = zip(runs, divisors.unbind(-2), strict=True)
    return torch.stack([_means(run, final_outputs(run, "train"), run.y, each) for run, each in networks], -2)


def _means(run: Run, f: Tensor, y: Tensor, divisors: Tensor) -> Tensor:
    """Mean losses of f / divisors, (..., seeds), one divisor at a time, since each needs a tensor the size of f."""
    flat = divisors.reshape(-1, divisors.shape[-1])
    return torch.stack([losses_at(run, f, y, rho).mean(1) for rho in flat]).view_as(divisors)


def held_out_errors(runs: Runs) -> Tensor:
    """Which held-out points each network gets wrong, 1 or 0, float64 (settings, seeds, n_test)."""
    return torch.stack([(~right(f, y)).double() for _, f, y in held_out_outputs(runs)])


def _with_errors(runs: Runs, quantity: Callable[[Tensor], Tensor]) -> Tensor | Measured:
    """A quantity of the test errors, (settings, seeds); see `resampled_test_points`."""
    return resampled_test_points(runs, held_out_errors(runs), quantity)


def _outputs(run: Run) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs f and f~ on the held-out points, (seeds, n_test[, C]), and rho_1 ... rho_K, (seeds,)."""
    params, model, layers = run.parameters, run.model, _layers(run)
    networks = params, normalized(params, layers)

    def both(rows: slice, X: Tensor, _: Tensor) -> Tensor:
        return torch.stack([model.forward(of_seeds(each, rows), X) for each in networks], 2)

    with measuring(work_of_passes(run.experiment)):
        f, normal = run.over_points(both, held_out=True).unbind(2)
    return f, normal, layer_norms(params, layers).prod(1)


def _layers(run: Run) -> tuple[Layer, ...]:
    return layers_of(run.model, run.experiment.data.inputs)
