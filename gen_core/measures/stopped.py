"""Families of networks that stop at one training loss: which of them have reached it, and measures of those that have.

A network that has not is never left out in silence: a claim states the share that must come, and records and figures
say which did not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gen_core.checks import check_number
from gen_core.errors import Unfinished
from gen_core.run import Runs
from gen_core.types import Measured

NAMED = 4
"""Networks that a message names, those of the largest losses first."""


def reached_stop(runs: Runs) -> Tensor:
    """Whether each network has reached the training loss of its `Stop`, (settings, seeds); true where it has none."""
    limits = [math.inf if run.experiment.stop.loss is None else run.experiment.stop.loss for run in runs]
    return torch.stack([run.train_loss <= limit for run, limit in zip(runs, limits, strict=True)])


def late_in_words(runs: Runs) -> str:
    """The networks that have not reached the training loss of their `Stop`, with their losses and seeds; "" if none."""
    late = (~reached_stop(runs)).nonzero().tolist()
    losses = torch.stack([run.train_loss for run in runs])
    worst = sorted(late, key=lambda at: -float(losses[at[0], at[1]]))
    names = list(runs.runs)
    named = [f"{names[i]} at {float(losses[i, s]):.3g} (seed {runs.seeds[s]})" for i, s in worst[:NAMED]]
    return ", ".join(named) + (f" and {len(late) - NAMED} more" if len(late) > NAMED else "")


def of_those_that_stopped(
    runs: Runs, measure: Callable[[Runs], Tensor | Measured], share: float, needed: Sequence[str] = ()
) -> Tensor | Measured:
    """A measure of a family, in each seed over the networks that have reached the training loss of their `Stop`.

    Args:
        runs: the family.
        measure: function from a family to one number per seed, each of that seed alone.
        share: share of the networks, in (0, 1], that must have reached it in every seed.
        needed: labels of networks that must have in every seed.

    Raises:
        Unfinished: if fewer have, naming networks that have not, with their losses.
    """
    check_number("share", share, above=0.0, most=1.0)
    came, least = reached_stop(runs), math.ceil(share * len(runs) - 1e-9)
    wanted = torch.tensor([name in needed for name in runs.runs])
    if bool((came.sum(0) < least).any()) or not bool(came[wanted].all()):
        raise Unfinished(
            f"training ended for {late_in_words(runs)}; expected {least} of {len(runs)} networks in every seed"
            f"{''.join(f', and {name},' for name in needed)} to reach the loss of their Stop (more steps)"
        )
    if bool(came.all()):
        return measure(runs)
    patterns: dict[tuple[bool, ...], list[int]] = {}
    for seed, column in enumerate(came.mT.tolist()):
        patterns.setdefault(tuple(column), []).append(seed)
    found = [(seeds, measure(_part(runs, kept, seeds))) for kept, seeds in patterns.items()]
    order = torch.tensor([seed for seeds, _ in found for seed in seeds]).argsort()
    resampled = [each.resampled for _, each in found if isinstance(each, Measured)]
    values = torch.cat([each.values if isinstance(each, Measured) else each for _, each in found])[order]
    return Measured(values, torch.cat(resampled, -1)[:, order]) if len(resampled) == len(found) else values


def _part(runs: Runs, kept: Sequence[bool], seeds: list[int]) -> Runs:
    """Some networks of a family, in some seeds."""
    numbers = tuple(runs.seeds[seed] for seed in seeds)
    parts = {name: replace(run, seeds=numbers, result=run.result.rows(seeds)) for name, run in runs.runs.items()}
    chosen = {name: run for (name, run), keep in zip(parts.items(), kept, strict=True) if keep}
    return Runs(chosen, tuple(x for x, keep in zip(runs.x, kept, strict=False) if keep))  # arms have no x
