"""The training of all that a plan lacks, by as many processes as there are, on one machine or several.

The store is the queue: each process trains whatever is missing and not held by another one, and ends when nothing is
left. The plan's groups are cut so that all processes have something to do until the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gen_core.experiment import Experiment
from gen_core.lab.lab import Lab

PLACES = ("SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX")
"""Environment variables that number the tasks of a Slurm array and of a Kubernetes Indexed Job."""


def first_place(environment: Mapping[str, str]) -> int:
    """The part that a process begins with: that of its number among the tasks of an array, else the first."""
    numbers = (environment.get(name, "") for name in PLACES)
    return next((int(number) for number in numbers if number.isdecimal()), 0)


def fill(lab: Lab, parts: Sequence[tuple[list[Experiment], int]], first: int = 0) -> None:
    """Train all that is missing of some parts, and wait for what other processes train; failures are the lab's.

    Args:
        lab: the lab.
        parts: experiments to train as a batch, with the number of their seeds, in the order in which to train them.
        first: number of the part to begin with, counted round, so that processes do not begin at the same one.
    """
    place = first % len(parts) if parts else 0
    left = [*parts[place : place + 1], *parts[:place], *parts[place + 1 :]]
    while left := [part for part in left if lab.lacks(*part)]:
        if not any(lab.train_if_free(*part) for part in left):
            lab.wait(*left[0])
