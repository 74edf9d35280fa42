"""Evidence tables, one per paper, from several runs with seeds of their own: each claim's spread and headroom.

A tolerance is only as good as the runs behind it. The tables are Markdown, to be kept beside the claims.
"""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from gen_core.records import CaseRecord, RunRecord, standing_counts
from reports.load import BadRecords, Loaded
from reports.templating import template_environment, write


@dataclass(frozen=True)
class Spread:
    """One case over the runs of one scale.

    Attributes:
        verdicts: how often which verdict came out, the most frequent first.
        mean: of all seeds of all runs; None where no seed has a value.
        sd: standard deviation of these seeds.
        seeds: how many they are.
        headroom: the least of the runs, in standard deviations of a seed, on the side where the case has to be; None
            where it is not defined.
    """

    verdicts: str
    mean: float | None
    sd: float | None
    seeds: int
    headroom: float | None


@dataclass(frozen=True)
class EvidenceRow:
    """One case: its name, its tolerance, and its spread at each scale."""

    claim: str
    case: str
    control: bool
    measured: str
    tolerance: str
    spreads: dict[str, Spread]


def evidence(runs: list[Loaded], folder: Path, command: str) -> Path:
    """Write the tables of several runs, each with the runs themselves and the machine above it.

    Args:
        runs: their records.
        folder: where they go, made if it is not there: a file for each paper, named by its key. Other files stay.
        command: what makes the tables again.

    Returns:
        The folder.

    Raises:
        BadRecords: if two runs of one scale have the same seeds, one has not ended, or a paper's key is no file's name.
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
    }
    template = template_environment().get_template("evidence.md")
    folder.mkdir(parents=True, exist_ok=True)
    for paper, rows in papers.items():
        write(folder / f"{paper}.md", template.render(paper=paper, rows=rows, **shared))
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


def _tally(loaded: Loaded) -> dict[str, int]:
    """How the cases of a run stand, and how many of them are not as they have to be."""
    counts = standing_counts(loaded.cases)
    bad = sum(count for place, count in counts.items() if place.tone == "bad")
    return {**{place.name: count for place, count in counts.items()}, "bad": bad}


def _papers(runs: list[Loaded], scales: list[str]) -> dict[str, list[EvidenceRow]]:
    """Paper -> its cases in the order of claims, controls behind what they belong to."""
    cases: dict[str, dict[str, list[CaseRecord]]] = {}
    for loaded in runs:
        for case in loaded.cases:
            cases.setdefault(case.nodeid, {}).setdefault(loaded.run.scale, []).append(case)
    papers: dict[str, list[EvidenceRow]] = {}
    for _, at in sorted(cases.items()):
        one = next(iter(at.values()))[0]
        spreads = {scale: _spread(at[scale]) for scale in scales if scale in at}
        name = one.claim.rpartition("::")[2].removeprefix("test_").replace("_", " ")
        tolerance = next((case.tolerance for found in at.values() for case in found if case.tolerance), "")
        measured = next((case.measured for found in at.values() for case in found if case.measured), "")
        papers.setdefault(one.paper, []).append(EvidenceRow(name, one.case, one.control, measured, tolerance, spreads))
    for lines in papers.values():
        lines.sort(key=lambda line: (line.claim, line.control))
    return papers


def _spread(cases: list[CaseRecord]) -> Spread:
    verdicts = Counter(case.verdict or "not reached" for case in cases)
    values = [value for case in cases for value in case.values if value is not None]
    # A case that must be refuted is the safer the farther it is outside.
    rooms = [
        -case.headroom if case.control or case.not_reproduced else case.headroom
        for case in cases
        if case.headroom is not None
    ]
    return Spread(
        ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common()),
        statistics.fmean(values) if values else None,
        statistics.stdev(values) if len(values) > 1 else None,
        len(values),
        min(rooms, default=None),
    )
