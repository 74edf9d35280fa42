"""Terminal output of a run: its conditions, the list of claims, and one line per case at the end."""

from __future__ import annotations

from collections.abc import Iterable

from gen_core.declaration import Case
from gen_core.plugin.outcomes import state
from gen_core.records import ERROR, HOLDS, INCONCLUSIVE, CaseRecord, RunRecord, in_deviations
from gen_core.statistics import deciding_headroom, looks, spend


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
        "for means, that assumes normal values, or values of one mode and a truth half a seed's sd beyond the limit; "
        f"{schedule[0]} seeds decide from a headroom of {room:.2f} sd",
    ]


def claim_lines(items: dict[str, Case], scale: str) -> list[str]:
    """A table of the claims: paper, place, numbers of settings and of controls, the test's name for `-k`, statement."""
    claims: dict[str, list[Case]] = {}
    for nodeid, case in items.items():
        claims.setdefault(nodeid.partition("[")[0], []).append(case)
    rows = [("PAPER", "PLACE", "SETTINGS", "CONTROLS", "KIND", "NAME", "STATEMENT")]
    for nodeid, cases in claims.items():
        claim = cases[0].claim
        controls = sum(case.drops is not None for case in cases)
        kinds = {"not reproduced" if case.not_reproduced(scale) else "claimed" for case in cases if not case.drops}
        kind = " or ".join(sorted(kinds))
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
