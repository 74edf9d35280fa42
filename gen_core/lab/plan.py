"""The plan of a session, as pure values: experiments, the cases that need them, and blocks of seeds."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import pairwise

import torch

from gen_core import training
from gen_core.code.findings import UNKNOWN
from gen_core.code.fingerprint import code_of, reached
from gen_core.errors import DataDamaged, DataMissing
from gen_core.experiment import Experiment
from gen_core.recipe import digest
from gen_core.training import cost
from gen_core.training.device import numbers_of_torch
from gen_core.training.seeding import SEEDS_PER_BASE, seed_numbers
from gen_core.training.states import files_of

BLOCKS = (0, 4, 8, 16, 32, 64, 128, 256, 512, SEEDS_PER_BASE)
"""Boundaries of the seed blocks: the looks of every claim, so that claims share blocks and no look retrains seeds."""

PARTS = 64
"""No group that takes less than all of a plan over this number is cut."""

DEARER = 1.5
"""The most that two halves of a group may take together, times what it takes whole."""

SHORTEST = {"cpu": 8.0, "cuda": 600.0}
"""Seconds below which no group is cut, by kind of device: a GPU takes many rows at a time in little more than one."""


@cache
def training_modules() -> tuple[str, ...]:
    """The modules that every result depends on: all of `gen_core.training` but the choice among equal devices."""
    names = [module.name for module in pkgutil.iter_modules(training.__path__)]
    return tuple(f"{training.__name__}.{name}" for name in names if name != "slots")


@dataclass(frozen=True)
class Block:
    """Seeds of one experiment on one kind of device: the unit of planning, training and storage."""

    experiment: Experiment
    seeds: tuple[int, ...]
    device: str = "cpu"

    @cached_property
    def key(self) -> str:
        """Digest of all that the result depends on: recipe, seeds, code, data files, torch, device kind, thread count.

        Raises:
            DataMissing, DataDamaged: if a data file of the recipe cannot be read.
        """
        return digest(self.experiment, self.seeds, *self.surroundings.values())

    @cached_property
    def surroundings(self) -> dict[str, str | int]:
        """What the result depends on besides recipe and seeds, by name; raises as `key`."""
        return {
            "code": code_of(self.experiment, *training_modules()),
            "data files": files_of(self.experiment),
            "torch": str(torch.__version__),
            "type of numbers": numbers_of_torch(),
            "device": self.device,
            "number of threads": torch.get_num_threads(),
            "lookups": UNKNOWN if self.reads else "",
        }

    @cached_property
    def reads(self) -> list[str]:
        """What its code looks up whenever it runs; see `looked_up`."""
        return looked_up(self.experiment)


def looked_up(experiment: Experiment) -> list[str]:
    """What its model, rule, loss or observables look up whenever they run, in words; no key can tell what they find.

    What its data and start look up is not among it: their draws are compared.
    """
    parts = (experiment.model, experiment.rule, experiment.loss, *experiment.watch)
    before = [] if experiment.after is None else looked_up(experiment.after)
    found = reached(parts)
    untold = [f"{name}, of which it cannot be told what it holds" for name in sorted(found.untold)]
    return list(dict.fromkeys([*before, *found.reads, *untold]))


def blocks_of(experiment: Experiment, base: int, seeds: int, device: str, *, untrained: bool = False) -> list[Block]:
    """The blocks that the first seeds of a base fall into; where nothing is trained none, unless `untrained`."""
    edges = [edge for edge in BLOCKS if edge < seeds] + [seeds]
    parts = pairwise(edges) if experiment.steps or untrained else ()
    return [Block(experiment, seed_numbers(base, start, stop), device) for start, stop in parts]


@dataclass
class Demand:
    """One experiment of the plan: the cases that need it, their first look, and why its data cannot be read, if so."""

    experiment: Experiment
    cases: list[str] = field(default_factory=list)
    first_look: int = 0
    data_error: str = ""


@dataclass
class Plan:
    """All that a session needs.

    Attributes:
        demands: experiment key -> demand.
        groups: demands that need training, of one batch key and first look each, longest first. Long ones are cut, for
            several processes: whoever trains a plan from an empty store trains the same batches, with results that
            agree to the bit. Where some of a group are stored, fail or lack their data, the others are trained without
            them, and agree to rounding.
    """

    demands: dict[str, Demand] = field(default_factory=dict)
    groups: list[list[Demand]] = field(default_factory=list)

    @classmethod
    def of(cls, wanted: Iterable[tuple[str, Experiment, int]], device: str) -> Plan:
        """The plan for (case, experiment, seeds of its first look).

        Equal experiments become one demand; demands with the same batch key and first look become a group, in an order
        that does not depend on that of the cases, which is cut where it is long. The teachers that label an
        experiment's data are demanded with it, in whole blocks of `BLOCKS`; where one is also asked for by itself with
        another number of seeds, what that takes beside them is trained once it is asked for.
        """
        demands: dict[str, Demand] = {}
        for case, asked, first_look in wanted:
            for experiment in with_teachers(asked):
                demand = demands.setdefault(experiment.key, Demand(experiment))
                demand.cases += [case] if experiment is asked or case not in demand.cases else []
                seeds = first_look if experiment is asked else whole(first_look)
                demand.first_look = max(demand.first_look, seeds)
        groups: dict[tuple[str, int], list[Demand]] = {}
        for _, demand in sorted(demands.items()):
            try:
                files_of(demand.experiment)  # it raises where they are missing or damaged
            except (DataMissing, DataDamaged) as error:
                demand.data_error = str(error)
            if demand.experiment.steps:
                groups.setdefault((demand.experiment.batch_key(), demand.first_look), []).append(demand)

        def seconds(group: list[Demand]) -> float:
            return cost.group_seconds([(demand.experiment, demand.first_look) for demand in group], device)

        most = max(SHORTEST[device], sum(map(seconds, groups.values())) / PARTS)
        parts = [part for group in groups.values() for part in _cut(group, seconds, most)]
        return cls(demands, sorted(parts, key=seconds, reverse=True))

    @cached_property
    def parts(self) -> list[tuple[list[Experiment], int]]:
        """The experiments of each group whose data can be read, and the number of their seeds."""
        readable = ([demand for demand in group if not demand.data_error] for group in self.groups)
        return [([demand.experiment for demand in group], group[0].first_look) for group in readable if group]

    def together(self, experiment: Experiment, seeds: int) -> tuple[list[Experiment], int]:
        """The experiments to train with this one, and of how many seeds.

        Up to the first look its group with all seeds of it, whoever asks first; itself alone at later looks.
        """
        for members, look in self.parts:
            if seeds <= look and any(member.key == experiment.key for member in members):
                return members, look
        return [experiment], seeds


def _cut(group: list[Demand], seconds: Callable[[list[Demand]], float], most: float) -> list[list[Demand]]:
    """A group in halves, and so on, as long as it takes more than so many seconds and the halves little more together.

    What the rows of a batch share, such as the launches of a step, each half would take again.
    """
    took, middle = seconds(group), len(group) // 2
    halves = group[:middle], group[middle:]
    if not middle or took <= most or sum(map(seconds, halves)) > DEARER * took:
        return [group]
    return [part for half in halves for part in _cut(half, seconds, most)]


def whole(seeds: int) -> int:
    """A number of seeds, rounded up to the end of a block of `BLOCKS`: a teacher's, whose blocks all looks share."""
    return next((edge for edge in BLOCKS if edge >= seeds), seeds)


def with_teachers(experiment: Experiment) -> list[Experiment]:
    """The experiment, and before it those that label its data, and theirs."""
    return [*(each for teacher in experiment.teachers for each in with_teachers(teacher)), experiment]
