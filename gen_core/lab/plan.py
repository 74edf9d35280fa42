"""What a session needs trained: experiments, the cases that ask for them, and blocks of seeds."""

from __future__ import annotations

from dataclasses import dataclass, field

from gen_core.experiment import Experiment
from gen_core.training.seeding import SEEDS_PER_BASE

BLOCKS = (0, 4, 8, 16, 32, 64, 128, 256, 512, SEEDS_PER_BASE)
"""Where seed blocks begin and end: the looks of every claim, so that claims share blocks and no look trains again."""


@dataclass
class Demand:
    """One experiment of the plan: the cases that ask for it, the seeds of its first look, why it cannot be trained."""

    experiment: Experiment
    cases: list[str] = field(default_factory=list)
    first: int = 0
    unreadable: str = ""


def experiments_of(group: list[Demand]) -> list[Experiment]:
    """The experiments of a group that can be trained."""
    return [demand.experiment for demand in group if not demand.unreadable]
