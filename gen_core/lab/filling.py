"""The training of all that a plan lacks, by as many processes as there are, on one machine or several.

The store is the queue: each process trains whatever is missing and not held by another one, and ends when nothing is
left. Groups are cut into parts so that all processes have something to do until the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gen_core.experiment import Experiment
from gen_core.lab.lab import Lab
from gen_core.lab.plan import Plan, trainable
from gen_core.training.cost import group_seconds

PARTS = 64
"""Number of parts that a plan is cut into, as far as its experiments allow."""

PLACES = ("SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX")
"""Environment variables that number the tasks of a Slurm array and of a Kubernetes Indexed Job."""


@dataclass(frozen=True)
class Part:
    """Experiments of a group that one process trains as a batch, and the number of their seeds."""

    experiments: list[Experiment]
    seeds: int
    seconds: float


def cut_plan(plan: Plan, device: str) -> list[Part]:
    """The parts of a plan, longest first."""
    groups = [(trainable(group), group[0].first_look) for group in plan.groups]
    took = [[group_seconds([(each, seeds)], device) for each in members] for members, seeds in groups]
    most = sum(map(sum, took)) / PARTS
    parts: list[Part] = []
    for (members, seeds), seconds in zip(groups, took, strict=True):
        first, within = 0, 0.0
        for i, each in enumerate(seconds):
            if i > first and within + each > most:
                parts.append(Part(members[first:i], seeds, within))
                first, within = i, 0.0
            within += each
        if members:
            parts.append(Part(members[first:], seeds, within))
    return sorted(parts, key=lambda part: part.seconds, reverse=True)


def first_place(environment: Mapping[str, str]) -> int:
    """The part that a process begins with: that of its number among the tasks of an array, else the first."""
    numbers = (environment.get(name, "") for name in PLACES)
    return next((int(number) for number in numbers if number.isdecimal()), 0)


def fill(lab: Lab, parts: Sequence[Part], first: int = 0) -> None:
    """Train all that is missing of some parts, and wait for what other processes train; failures are the lab's.

    Args:
        lab: the lab.
        parts: the parts, in the order in which to train them.
        first: number of the part to begin with, counted round, so that processes do not begin at the same one.
    """
    place = first % len(parts) if parts else 0
    left = [*parts[place : place + 1], *parts[:place], *parts[place + 1 :]]
    while left := [part for part in left if lab.lacks(part.experiments, part.seeds)]:
        if not any(lab.train_if_free(part.experiments, part.seeds) for part in left):
            lab.wait(left[0].experiments, left[0].seeds)
