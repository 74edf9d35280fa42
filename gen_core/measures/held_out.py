"""Measures on held-out points: their spread under resampling where the seeds share the points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import torch
from scipy.stats import rankdata
from torch import Tensor

from gen_core.errors import Unfinished
from gen_core.losses import loss_of_points, right
from gen_core.measures.stopped import late_in_words, reached_stop
from gen_core.measuring import measure
from gen_core.run import Run, Runs
from gen_core.training.seeding import generator
from gen_core.types import Measured

RESAMPLES = 200
"""Bootstrap resamples of the held-out points; their spread enters the interval with 199 degrees of freedom."""


def resampled_held_out(labels: Tensor, measure: Callable[[Tensor | None], Tensor]) -> Tensor | Measured:
    """A measure on held-out points, with bootstrap resamples of these where the seeds share them.

    Args:
        labels: labels of the held-out points, (seeds, points); equal in all seeds where the points are shared.
        measure: maps the count of each point in each resample, (resamples, points), or None for the points themselves,
            to values, (resamples, seeds) or (seeds,).

    Returns:
        The values, (seeds,), or `Measured` where the points are shared.
    """
    values = measure(None)
    if not bool((labels == labels[:1]).all()):
        return values
    return Measured(values, measure(resamples(labels.shape[1])))


def resamples(points: int) -> Tensor:
    """Count of each shared point in each bootstrap resample, (RESAMPLES, points); the same at every call."""
    stream = generator(points, 0, "resamples")
    drawn = torch.randint(points, (RESAMPLES, points), generator=stream)
    return torch.zeros(RESAMPLES, points, dtype=torch.float64).scatter_add_(
        1, drawn, torch.ones(1, dtype=torch.float64).expand_as(drawn)
    )


def resampled_test_points(runs: Runs, values: Tensor, quantity: Callable[[Tensor], Tensor]) -> Tensor | Measured:
    """A function of means over the held-out points, one number per seed, (seeds,).

    Where the seeds share their held-out points, it is also computed on bootstrap resamples of these.

    Args:
        runs: a sweep or a family of networks.
        values: one number for every setting, seed and held-out point, (settings, seeds, n_test).
        quantity: function from means, (..., settings, seeds), to (..., seeds).
    """

    def of(weights: Tensor | None) -> Tensor:
        if weights is None:
            return quantity(values.mean(-1))
        return quantity(torch.einsum("psn,rn->rps", values, weights.to(values.device)) / values.shape[-1])

    return resampled_held_out(next(iter(runs)).y_test, of)


@measure
def final_outputs(run: Run, on: Literal["train", "test"]) -> Tensor:
    """Outputs of the networks at the end of training on all training or held-out points, float64 (seeds, n[, C])."""
    return run.train_outputs() if on == "train" else run.test_outputs()


@measure
def final_accuracy(run: Run) -> Tensor | Measured:
    """Share of the held-out points that are classified correctly at the end of training, (seeds,)."""
    y = run.y_test
    hits = right(final_outputs(run, "test"), y).double()

    def mean(counts: Tensor | None) -> Tensor:
        return hits.mean(1) if counts is None else counts @ hits.T / hits.shape[1]

    return resampled_held_out(y, mean)


@measure
def steps_to_accuracy(run: Run, accuracy: float) -> Tensor | Measured:
    """The first checkpoint at which so large a share of the held-out points is classified correctly, (seeds,).

    The run watches "test_classes".

    Raises:
        Unfinished: if a seed never comes so far, itself or in a resample of shared points.
    """
    hits = _hits(run)
    steps = torch.tensor(run.checkpoints, dtype=torch.float64)

    def first(counts: Tensor | None) -> Tensor:
        if counts is None:
            return run.first_step(hits.mean(-1) >= accuracy).double()
        met = torch.einsum("scn,rn->rsc", hits, counts) / hits.shape[-1] >= accuracy
        if not bool(met.any(-1).all()):
            raise Unfinished(f"accuracy {accuracy:g} is not reached in some resamples; expected it in all (more steps)")
        return steps[met.int().argmax(-1)]

    return resampled_held_out(run.y_test, first)


@measure
def error_over_steps(run: Run) -> Tensor | Measured:
    """Share of the held-out points that are classified wrongly, averaged over the checkpoints, (seeds,).

    It is the smaller the sooner a network classifies them correctly. The run watches "test_classes".
    """
    wrong = (1 - _hits(run)).mean(1)

    def share(counts: Tensor | None) -> Tensor:
        return wrong.mean(1) if counts is None else counts @ wrong.T / wrong.shape[1]

    return resampled_held_out(run.y_test, share)


def _hits(run: Run) -> Tensor:
    """1 where a held-out point is classified correctly, else 0: (seeds, checkpoints, points)."""
    y = run.y_test
    return (run.watched("test_classes") == (y > 0 if y.is_floating_point() else y).unsqueeze(1)).double()


def held_out_outputs(runs: Runs) -> Iterator[tuple[Run, Tensor, Tensor]]:
    """Every run, its outputs on its held-out points, float64 (seeds, n_test[, C]), and the labels of these.

    The labels of consecutive runs on one data set are stacked only once.
    """
    data = y = None
    for run in runs:
        if y is None or run.experiment.data != data:
            data, y = run.experiment.data, run.y_test
        yield run, final_outputs(run, "test"), y


def losses_at(run: Run, f: Tensor, y: Tensor, divisors: Tensor) -> Tensor:
    """Losses of the outputs f, (seeds, n[, C]), after dividing f by one number per seed: (seeds, n)."""
    return loss_of_points(run.experiment.parts.loss).per_point(f / divisors.view(-1, *[1] * (f.dim() - 1)), y)


def rank_correlation(a: Tensor, b: Tensor) -> Tensor:
    """Spearman's rank correlation of a and b, (..., settings, seeds), over the settings; ties get their mean rank.

    It is 0 for a seed in which a or b is constant. Ranks are taken on the CPU.
    """
    x, y = (torch.from_numpy(rankdata(t.cpu().numpy(), axis=-2)).to(a.device) for t in (a, b))
    x, y = x - x.mean(-2, keepdim=True), y - y.mean(-2, keepdim=True)
    scale = (x.square().sum(-2) * y.square().sum(-2)).sqrt()
    return torch.where(scale == 0, 0, (x * y).sum(-2) / scale)


def require_stopped(runs: Runs) -> None:
    """Check that all networks have reached the training loss of their `Stop`.

    Raises:
        Unfinished: if some have not, naming them with their losses and seeds.
    """
    if late := late_in_words(runs):
        last = next(run.experiment for run, came in zip(runs, reached_stop(runs), strict=True) if not came.all())
        raise Unfinished(
            f"training loss of {late} after {last.steps} steps; expected at most {last.stop.loss:g}, the loss at which "
            "all networks stop (more steps)"
        )
