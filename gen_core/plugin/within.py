"""`--within HOURS`: what claims take by the plan and by earlier records, and which of them are NOT RUN tonight."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from gen_core.lab import Lab
from gen_core.plugin.journal import Journal
from gen_core.plugin.nights import Machine, Need, number_of_night, place, rotation
from gen_core.plugin.planning import in_time, spared
from gen_core.plugin.session import Session
from gen_core.records import NOT_RUN, RunRecord, last_attempts, read_run
from gen_core.training.cost import group_seconds


@dataclass
class Earlier:
    """What earlier runs took.

    Attributes:
        seconds: experiment key -> seconds of training for one seed, in the last run that trained it.
        judging: case -> the least seconds, beside its own trainings, of the runs that judged it.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    judging: dict[str, float] = field(default_factory=dict)


def earlier_runs(records: Path, run: RunRecord) -> Earlier:
    """What the runs in a folder of records took at the scale and on the device of another one."""
    found = Earlier()
    for folder, _ in _alike(records, run):
        took, seeds, blocks = defaultdict[str, float](float), defaultdict[str, int](int), defaultdict[str, float](float)
        for event in Journal(folder, "").events():
            took[event.experiment] += event.seconds
            seeds[event.experiment] += event.seeds
            blocks[event.key] += event.seconds
        found.seconds |= {key: took[key] / seeds[key] for key in took if seeds[key]}
        for case in last_attempts(folder)[0]:
            if case.verdict in (None, NOT_RUN):
                continue
            trained = sum(blocks[key] for keys in case.keys.values() for key in keys)
            judging = case.seconds - trained if case.seconds >= trained else case.seconds
            found.judging[case.nodeid] = min(judging, found.judging.get(case.nodeid, judging))
    return found


def _alike(records: Path, run: RunRecord) -> Iterator[tuple[Path, RunRecord]]:
    """The other runs with the scale and the device of one, oldest first."""
    for path in sorted(records.glob("*/run.json")):
        try:
            other = read_run(path)
        except ValueError:
            continue
        if other.run != run.run and (other.scale, other.device) == (run.scale, run.device):
            yield path.parent, other


def needs_of(lab: Lab, cases: list[str], earlier: Earlier) -> dict[str, Need]:
    """What each claim of some cases takes: trainings that are in the store take nothing."""
    trainings: dict[str, dict[tuple[int, str], float]] = {claim_of(case): {} for case in cases}
    for number, group in enumerate(lab.planned.groups):
        left = [demand for demand in group if not spared(lab, demand)]
        rows = [(demand.experiment, demand.first_look) for demand in left]
        each = group_seconds(rows, lab.device.type) / len(rows) if rows else 0.0
        for demand in left:
            key = demand.experiment.key
            seconds = earlier.seconds[key] * demand.first_look if key in earlier.seconds else each
            for case in demand.cases:
                trainings[claim_of(case)][number, key] = seconds
    judging = defaultdict[str, float](float)
    for case in cases:
        judging[claim_of(case)] += earlier.judging.get(case, 0.0)
    return {claim: Need(own, judging[claim]) for claim, own in trainings.items()}


def claim_of(case: str) -> str:
    """The claim of a case's node id: its settings and controls go together."""
    return case.partition("[")[0]


def not_tonight(ours: Session, lab: Lab, hours: float) -> dict[str, str]:
    """Case -> why it is not run within some hours, for those that are not.

    Which claims' turn it is follows from the base of the seeds, the hours, the store, earlier records and the workers.
    """
    cases = list(ours.items)
    needs = needs_of(lab, cases, earlier_runs(ours.journal.folder.parent, ours.run_record()))
    machine, limit = _machine(ours.config, lab), hours * 3600
    nights, night = rotation(needs, machine, limit), number_of_night(ours.base)
    tonight = nights[place(night, len(nights))]
    why: dict[str, str] = {}
    for claim, need in needs.items():
        if claim in tonight:
            continue
        takes = f"--within {hours:g} h: its claim takes an estimated {in_time(machine.seconds([need]))}"
        later = [n for n in range(1, 2 * len(nights)) if claim in nights[place(night + n, len(nights))]]
        turn = f"its turn comes in {later[0]} night{'s' * (later[0] > 1)}" if later else "it never fits; expected more"
        why[claim] = f"{takes}, and {turn}"
    return {case: why[claim_of(case)] for case in cases if claim_of(case) in why}


def _machine(config: pytest.Config, lab: Lab) -> Machine:
    """The processes of this run."""
    sent = getattr(config, "workerinput", {})
    workers = int(sent.get("workercount", 1))
    return Machine(workers if lab.device.type == "cpu" else torch.cuda.device_count(), workers)
