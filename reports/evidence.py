"""Evidence, one table and one file per paper, from several runs with seeds of their own: spread, skewness and headroom.

A tolerance is only as good as the runs behind it. The tables are Markdown, to be kept beside the claims; the files for
programs are those of `reports.spreads`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gen_core.records import CaseRecord, RunRecord, standing_counts

from .load import BadRecords, Loaded
from .spreads import BEYOND, LAST_LOOK, SKEWED, Spread, decided_from, spread, write_spreads
from .templating import template_environment, write
from .wording import number

FIRST_LOOK = 8


@dataclass(frozen=True)
class EvidenceRow:
    """One case: its name, its tolerance, and its spread at each scale that it was run at."""

    claim: str
    case: str
    control: bool
    measured: str
    tolerance: str
    spreads: dict[str, Spread]


def evidence(runs: list[Loaded], folder: Path, command: str) -> Path:
    """Write the tables of several runs, each with the runs themselves and the machine above it, and their files.

    Args:
        runs: their records.
        folder: where they go, made if it is not there: PAPER.md and PAPER.json for the key of each. Other files stay.
        command: what makes the tables again.

    Returns:
        The folder.

    Raises:
        BadRecords: if two runs of one scale have the same seeds or judge a case by other limits, one has not ended, or
            a paper's key is no file's name.
        OSError: if the folder cannot be written to.
    """
    _check([loaded.run for loaded in runs])
    runs = sorted(runs, key=lambda loaded: (loaded.run.scale, loaded.run.seeds_from))
    scales = list(dict.fromkeys(loaded.run.scale for loaded in runs))
    papers = _papers(runs, scales)
    for paper in papers:
        if not paper.isidentifier():
            raise BadRecords(f"paper {paper[:60]!r}; expected the key of a paper, an identifier")
    shared = {
        "runs": [(loaded.run, _tally(loaded)) for loaded in runs],
        "scales": scales,
        "machine": sorted({f"{name}: {value}" for loaded in runs for name, value in loaded.run.environment.items()}),
        "command": command,
        "skewed": SKEWED,
        "beyond": BEYOND,
        "decided": [_decided(*budget) for budget in sorted({(one.run.budget, one.run.shares) for one in runs})],
    }
    template = template_environment().get_template("evidence.md")
    folder.mkdir(parents=True, exist_ok=True)
    for paper, rows in papers.items():
        write(folder / f"{paper}.md", template.render(paper=paper, rows=rows, **shared))
        write_spreads(folder / f"{paper}.json", [at for row in rows for at in row.spreads.values()])
    return folder


def _check(runs: list[RunRecord]) -> None:
    seen: dict[tuple[str, int], str] = {}
    for run in runs:
        if run.exit_status is None:
            raise BadRecords(f"run {run.run} has not ended; expected whole runs")
        other = seen.setdefault((run.scale, run.seeds_from), run.run)
        if other != run.run:
            raise BadRecords(
                f"runs {other} and {run.run} are both at scale {run.scale} with seeds from {run.seeds_from}; expected "
                "runs with seeds of their own (--seeds-from)"
            )


def _decided(budget: float, shares: int) -> str:
    """From which headroom a run's budget decides a mean at each look, in words."""
    looks = [seeds for k in range(8) if (seeds := FIRST_LOOK * 2**k) <= LAST_LOOK]
    level = budget / max(shares, 1) / len(looks)
    headrooms = ", ".join(f"{number(decided_from(level, seeds))} ({seeds} seeds)" for seeds in looks)
    return f"{number(100 * budget)} % over {shares} cases: {headrooms}"


def _tally(loaded: Loaded) -> dict[str, int]:
    """How the cases of a run stand, and how many of them are not as they have to be."""
    counts = standing_counts(loaded.cases)
    bad = sum(count for place, count in counts.items() if place.tone == "bad")
    return {**{place.name: count for place, count in counts.items()}, "bad": bad}


def _papers(runs: list[Loaded], scales: list[str]) -> dict[str, list[EvidenceRow]]:
    """Paper -> its cases in the order of claims, controls behind what they belong to."""
    cases: dict[str, dict[str, list[tuple[RunRecord, CaseRecord]]]] = {}
    for loaded in runs:
        for case in loaded.cases:
            cases.setdefault(case.nodeid, {}).setdefault(loaded.run.scale, []).append((loaded.run, case))
    papers: dict[str, list[EvidenceRow]] = {}
    for _, at in sorted(cases.items()):
        one = next(iter(at.values()))[0][1]
        spreads = {scale: spread(at[scale]) for scale in scales if scale in at}
        name = one.claim.rpartition("::")[2].removeprefix("test_").replace("_", " ")
        tolerance = next((found.tolerance for found in spreads.values() if found.tolerance), "")
        measured = next((found.measured for found in spreads.values() if found.measured), "")
        papers.setdefault(one.paper, []).append(EvidenceRow(name, one.case, one.control, measured, tolerance, spreads))
    for lines in papers.values():
        lines.sort(key=lambda line: (line.claim, line.control))
    return papers
