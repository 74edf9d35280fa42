"""What the run says on the terminal: the plan, the list of claims, and one line per case at the end."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gen_core.claim import Case
from gen_core.experiment import cost
from gen_core.lab import Lab
from gen_core.records import ERROR, HOLDS, INCONCLUSIVE, NOT_RUN, REFUTED, CaseRecord, read_case, read_cases

WORST_FIRST = (ERROR, REFUTED, INCONCLUSIVE, HOLDS, None, NOT_RUN)


def plan_lines(lab: Lab) -> list[str]:
    """The experiments of the plan: which are trained together, which cases share them, and what they are expected to cost."""
    lines = [
        f"plan: {len(lab.demands)} experiments in {len(lab.groups)} groups, longest first (estimates: orders of magnitude)"
    ]
    total = 0.0
    for number, group in enumerate(lab.groups, 1):
        seconds = sum(lab.seconds(d.experiment, d.first) for d in group)
        total += seconds
        memory = max(cost(d.experiment).memory for d in group)
        lines.append(f"group {number}: about {_time(seconds)}, {memory / 2**20:.0f} MiB a seed")
        for demand in group:
            stored = (
                sum(lab.store.has(k) for k in lab.keys(demand.experiment, demand.first)) if not demand.unreadable else 0
            )
            state = (
                f"NOT RUN, {demand.unreadable}"
                if demand.unreadable
                else "in the store"
                if stored
                else f"{demand.first} seeds"
            )
            lines.append(
                f"  {demand.experiment.label()} ({demand.experiment.key[:8]}): {demand.experiment.steps} steps, {state}"
            )
            lines.extend(f"    {case}" for case in demand.cases)
    return [*lines, f"in all about {_time(total)} on one process"]


def claim_lines(items: dict[str, Case]) -> list[str]:
    """A table of the claims: paper, place, statement, cases and controls."""
    claims: dict[str, list[Case]] = {}
    for nodeid, case in items.items():
        claims.setdefault(nodeid.partition("[")[0], []).append(case)
    rows = [("PAPER", "PLACE", "CASES", "CONTROLS", "STATE", "STATEMENT")]
    for cases in claims.values():
        claim = cases[0].claim
        controls = sum(case.drops is not None for case in cases)
        state = "not reproduced" if claim.not_reproduced else "claimed"
        rows.append(
            (claim.cite.paper.key, claim.cite.place, str(len(cases) - controls), str(controls), state, claim.title)
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return ["  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]]) for row in rows]


def merged(records: Path) -> list[CaseRecord]:
    """Every selected case with its last attempt, worst first."""
    cases = {record.nodeid: record for record in read_cases(records / "cases.json")}
    for path in sorted((records / "attempts").glob("*.json")):
        try:
            record = read_case(path)
        except ValueError:
            continue  # the report names it
        cases[record.nodeid] = record
    return sorted(cases.values(), key=lambda r: (r.as_expected, WORST_FIRST.index(r.verdict), r.control, r.nodeid))


def case_lines(records: Iterable[CaseRecord]) -> list[str]:
    """One line per case: verdict, value with interval, tolerance, headroom, seeds, time."""
    rows = [_row(record) for record in records]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(4)]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=False)) + f"  {row[4]}" for row in rows]


def state(record: CaseRecord) -> str:
    """A case's verdict as a word: what it came to, and for controls and the not reproduced what that means."""
    if record.verdict is None:
        return "NOT REACHED"
    if record.control:
        return {REFUTED: "control refuted", HOLDS: "CONTROL HOLDS"}.get(record.verdict, f"control {record.verdict}")
    if record.not_reproduced:
        return {REFUTED: "not reproduced", HOLDS: "NOW REPRODUCED"}.get(record.verdict, record.verdict)
    return record.verdict


def _row(record: CaseRecord) -> tuple[str, ...]:
    name = f"{record.claim.rpartition('::')[2].removeprefix('test_')}[{record.case}]"
    if record.estimate is None:
        return state(record), name, "", "", record.reason
    value = f"{record.estimate:.4g}"
    if record.low is not None and record.high is not None and record.low != record.high:
        value += f" [{record.low:.4g}, {record.high:.4g}]"
    headroom = f"headroom {record.headroom:.3g} sd, " if record.headroom is not None else ""
    needed = f" (needs {record.seeds_needed})" if record.verdict == INCONCLUSIVE and record.seeds_needed else ""
    said = f"; {record.reason}" if record.verdict == ERROR else ""
    return (
        state(record),
        name,
        value,
        record.tolerance,
        f"{headroom}{len(record.seeds)} seeds{needed}, {record.seconds:.1f} s{said}",
    )


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
