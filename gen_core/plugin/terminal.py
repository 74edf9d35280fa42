"""Terminal output of a run: the plan, the list of claims, and one line per case at the end."""

from __future__ import annotations

from collections.abc import Iterable

from gen_core.declaration import Case
from gen_core.experiment import Experiment
from gen_core.lab import Demand, Lab
from gen_core.plugin.outcomes import state
from gen_core.records import ERROR, HOLDS, INCONCLUSIVE, CaseRecord, RunRecord, in_deviations
from gen_core.statistics import deciding_headroom, looks, spend
from gen_core.training import cost
from gen_core.types import Nothing


def conditions(run: RunRecord, cases: int) -> list[str]:
    """The conditions of a run's verdicts, and the guarantee of its error budget, for this number of cases."""
    share = run.budget / run.shares
    schedule = looks(8)
    split = f"{cases} cases (--budget-over {run.shares})" if cases > run.shares else f"{run.shares} cases"
    chance = run.chance(cases)
    room = deciding_headroom(schedule[0], level=spend(share, len(schedule)))
    return [
        f"gen-core: scale {run.scale}, device {run.device}, seeds from {run.seeds_from}; "
        f"at most {chance:.3g} chance of any false verdict per side, {share:.2g} for each of {split}",
        "for means this takes normal values, or one mode and a truth half a seed's sd beyond the limit; "
        f"{schedule[0]} seeds decide from a headroom of {room:.2f} sd",
    ]


def plan_lines(lab: Lab) -> list[str]:
    """The experiments of the plan: groups that are trained together, sizes, cases that share them, and cost."""
    lines, total, on_gpu, work, largest = [], 0.0, 0.0, 0.0, 0
    plan, kind = lab.planned, lab.device.type
    for number, group in enumerate(plan.groups, 1):
        spared = [_spared(lab, demand) for demand in group]
        left = [demand for demand, why in zip(group, spared, strict=True) if not why]
        seconds = cost.group_seconds([(d.experiment, d.first_look) for d in left], kind)
        operations = sum(cost.cost(d.experiment).operations * d.first_look for d in left)
        memory = max(cost.cost(d.experiment).memory for d in group)
        lines.append(f"group {number}: about {_time(seconds)}, {operations:.1e} multiply-adds, {_size(memory)} a seed")
        for demand, why in zip(group, spared, strict=True):
            name = f"{demand.experiment.label()} ({demand.experiment.key[:8]}), {demand.experiment.steps_in_all} steps"
            lines.append(f"  {name}: {why or f'{demand.first_look} seeds'}")
            lines.append(f"    {_sizes(demand.experiment)}")
            lines.extend(f"    {case}" for case in demand.cases)
        total, work = total + seconds, work + operations
        on_gpu += cost.group_seconds([(d.experiment, d.first_look) for d in left], "cuda")
        largest = max(largest, sum(cost.cost(d.experiment).memory * d.first_look for d in left))
    for demand in (demand for demand in plan.demands.values() if not demand.experiment.steps):
        work_left = "drawn" if demand.experiment.model else "computed"
        lines.append(f"  {demand.experiment.label()} ({demand.experiment.key[:8]}): {work_left}, not trained")
        lines.append(f"    {_sizes(demand.experiment)}")
        lines.extend(f"    {case}" for case in demand.cases)
    trained = sum(map(len, plan.groups))
    head = f"plan: {trained} experiments in {len(plan.groups)} groups, longest first"
    if drawn := len(plan.demands) - trained:
        head += f", and {drawn} that train nothing"
    return [
        head,
        *lines,
        f"a group that fits into memory is one batch: the largest takes {_size(largest)}, others are trained in parts",
        f"in all about {_time(total)} on one process of this {kind} ({_time(on_gpu)} on a GPU, by a guess "
        f"at its speed), {work:.1e} multiply-adds of training (estimates are orders of magnitude; what measures take "
        "is not in them)",
    ]


def _sizes(experiment: Experiment) -> str:
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


def _spared(lab: Lab, demand: Demand) -> str:
    """Why an experiment of the plan is not trained; empty if it is."""
    if demand.data_error:
        return f"NOT RUN, {' '.join(demand.data_error.split())}"
    stored = all(lab.store.has(key) for key in lab.keys(demand.experiment, demand.first_look))
    return "in the store" if stored else ""


def claim_lines(items: dict[str, Case]) -> list[str]:
    """A table of the claims: paper, place, numbers of settings and of controls, the test's name for `-k`, statement."""
    claims: dict[str, list[Case]] = {}
    for nodeid, case in items.items():
        claims.setdefault(nodeid.partition("[")[0], []).append(case)
    rows = [("PAPER", "PLACE", "SETTINGS", "CONTROLS", "KIND", "NAME", "STATEMENT")]
    for nodeid, cases in claims.items():
        claim = cases[0].claim
        controls = sum(case.drops is not None for case in cases)
        kind = "not reproduced" if claim.not_reproduced else "claimed"
        settings = str(len(cases) - controls)
        name = nodeid.rpartition("::")[2]
        rows.append((claim.cite.paper.key, claim.cite.place, settings, str(controls), kind, name, claim.title))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return ["  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]]) for row in rows]


def case_lines(records: Iterable[CaseRecord]) -> list[str]:
    """One line per case: verdict, value with interval, tolerance, headroom, seeds, time; or the reason for no value."""
    rows = [_row(record) for record in records]
    judged = [row for row in rows if len(row) > 3]
    widths = [max(len(row[i]) for row in (rows if i < 2 else judged)) for i in range(4 if judged else 2)]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=False)] for row in rows]
    return ["  ".join([*cells[: len(row) - 1], row[-1]]) for cells, row in zip(padded, rows, strict=True)]


def _row(record: CaseRecord) -> tuple[str, ...]:
    """Cells of a case's line: five for a case with a value, else three."""
    name = f"{record.claim.rpartition('::')[2].removeprefix('test_')}[{record.case}]"
    if record.estimate is None:
        return state(record), name, record.reason
    value = f"{record.estimate:.4g}"
    if record.low is not None and record.high is not None and record.low != record.high:
        value += f" [{record.low:.4g}, {record.high:.4g}]"
    if record.scaled:
        value += " ({}: {:.4g} [{:.4g}, {:.4g}])".format(record.scale, *record.scaled)
    headroom = f"headroom {in_deviations(record.headroom)}, " if record.headroom is not None else ""
    needed = f" (needs {record.seeds_needed})" if record.verdict == INCONCLUSIVE and record.seeds_needed else ""
    reason = f"; {record.reason}" if record.verdict in (ERROR, HOLDS) and record.reason else ""
    took = f"{headroom}{len(record.seeds)} seeds{needed}, {record.seconds:.1f} s{reason}"
    return state(record), name, value, record.tolerance, took


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _size(memory: float) -> str:
    return f"{memory / 2**20:.1f} MiB" if memory < 2**30 else f"{memory / 2**30:.1f} GiB"
