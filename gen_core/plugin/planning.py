"""The table of `--plan`: what would be trained, group by group, and what it takes here and on an H100."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from gen_core.experiment import Experiment
from gen_core.lab import Demand, Lab
from gen_core.training.cost import cost, group_memory, group_seconds
from gen_core.training.device import SLOTS, memory_budget
from gen_core.types import Nothing

H100_BYTES = 79 * 2**30
"""Memory of an H100, of which a batch of trainings may take the share that `memory_budget` gives it."""

HEAD = ("GROUP", "ROWS", "STEPS", "MULTIPLY-ADDS", "A ROW", "BATCHES", "TIME", "ON H100: BATCHES", "TIME", "WHAT")


@dataclass(frozen=True)
class Estimate:
    """What the trainings of one group take: rows are experiments times seeds, as they are trained.

    Attributes:
        rows: experiments, each with its number of seeds; none where nothing is left to train.
        device: "cpu" or "cuda".
        budget: memory that a batch may take on it, in bytes.
    """

    rows: Sequence[tuple[Experiment, int]]
    device: str
    budget: int

    @property
    def number(self) -> int:
        """Number of rows."""
        return sum(seeds for _, seeds in self.rows)

    @property
    def operations(self) -> float:
        """Multiply-adds of all rows."""
        return sum(seeds * cost(experiment).operations for experiment, seeds in self.rows)

    @cached_property
    def row(self) -> int:
        """Memory of the largest row, in bytes."""
        return max((group_memory([(experiment, 1)], self.device) for experiment, _ in self.rows), default=0)

    @property
    def batches(self) -> int:
        """Number of batches, of as many rows as the budget allows, but one at least."""
        return math.ceil(self.number / max(1, self.budget // self.row)) if self.rows else 0

    @cached_property
    def seconds(self) -> float:
        """Time in one process."""
        return group_seconds(self.rows, self.device) if self.rows else 0.0


def plan_lines(lab: Lab) -> list[str]:
    """The table of a lab's plan, longest group first, its totals, and what does not fit into memory."""
    plan, kind = lab.planned, lab.device.type
    rows: list[tuple[str, ...]] = [HEAD]
    notes, here, there = [], [], []
    for number, group in enumerate(plan.groups, 1):
        reasons = [spared(lab, demand) for demand in group]
        left = [(d.experiment, d.first_look) for d, why in zip(group, reasons, strict=True) if not why]
        own, other = Estimate(left, kind, memory_budget(lab.device)), Estimate(left, "cuda", H100_BYTES // (2 * SLOTS))
        here.append(own)
        there.append(other)
        numbers = (own.number, group[0].experiment.steps_in_all, f"{own.operations:.1e}", in_bytes(own.row))
        times = (own.batches, in_time(own.seconds), other.batches, in_time(other.seconds))
        rows.append((str(number), *map(str, numbers), *map(str, times), _what(group, len(left))))
        notes += [f"group {number}: {why}" for why in dict.fromkeys(reasons) if why and why != STORED]
    trained = sum(map(len, plan.groups))
    head = f"plan: {trained} experiments in {len(plan.groups)} groups, longest first"
    if drawn := len(plan.demands) - trained:
        head += f", and {drawn} that train nothing"
    work = sum(each.operations for each in here)
    return [
        head,
        *_aligned(rows),
        *notes,
        f"in all {work:.1e} multiply-adds: about {in_time(sum(each.seconds for each in here))} on one process of this "
        f"{kind}, {in_time(sum(each.seconds for each in there))} on an H100 (estimates are orders of magnitude; what "
        "measures take is not in them)",
        _fitting(here, lab.device),
    ]


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return ["  ".join([*(cell.rjust(w) for cell, w in zip(row, widths, strict=False)), row[-1]]) for row in rows]


def _what(group: list[Demand], left: int) -> str:
    """The experiments of a group in one line: names, sizes, seeds, and how many are left to train."""
    names = list(dict.fromkeys(demand.experiment.label() for demand in group))
    label = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    count = f"{len(group)} x {group[0].first_look} seeds"
    stored = f", {len(group) - left} of them spared" if left < len(group) else ""
    return f"{label}: {sizes(group[0].experiment)}; {count}{stored}"


def sizes(experiment: Experiment) -> str:
    """The sizes of an experiment, in one line."""
    inputs = "x".join(map(str, experiment.data.inputs))
    held_out = f", {experiment.n_test} held out" if experiment.n_test else ""
    none = isinstance(experiment.data, Nothing)
    parts = ["no data" if none else f"n={experiment.data.n} of {inputs}{held_out}"]
    if experiment.model:
        parts.append(f"{experiment.model.size(experiment.data.inputs).parameters} parameters")
    if experiment.rule:
        parts.append(f"batches of {experiment.rule.batch}" if experiment.rule.batch else "all points a step")
    return ", ".join([*parts, experiment.dtype])


STORED = "in the store"


def spared(lab: Lab, demand: Demand) -> str:
    """Why an experiment of the plan is not trained; empty if it is."""
    if demand.data_error:
        return f"NOT RUN, {' '.join(demand.data_error.split())}"
    stored = all(lab.store.has(key) for key in lab.keys(demand.experiment, demand.first_look))
    return STORED if stored else ""


def _fitting(estimates: list[Estimate], device: torch.device) -> str:
    """Which groups' rows fit into the memory of this machine, or of its GPU, one process beside nothing else."""
    whole = machine_memory(device)
    larger = [f"{number} ({in_bytes(each.row)})" for number, each in enumerate(estimates, 1) if each.row > whole]
    largest = max((each.row for each in estimates), default=0)
    of = "this machine's memory" if device.type == "cpu" else "this GPU's memory"
    fits = f"a row of every group fits into {of}, {in_bytes(whole)}: the largest takes {in_bytes(largest)}"
    return f"a row of groups {', '.join(larger)} does not fit into {of}, {in_bytes(whole)}" if larger else fits


def machine_memory(device: torch.device) -> int:
    """Memory of a GPU, or of this machine, in bytes."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def in_time(seconds: float) -> str:
    """A time in s, min or h."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def in_bytes(memory: float) -> str:
    """A memory in MiB or GiB."""
    return f"{memory / 2**20:.1f} MiB" if memory < 2**30 else f"{memory / 2**30:.1f} GiB"
