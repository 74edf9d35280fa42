"""Pages over runs, from a history: `history/index.html` lists the runs, and each claim has a page of its values."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gen_core.records import STANDINGS, CaseRecord, RunRecord, Standing, standing, standing_counts

from .changes import COUNTED, KINDS, Change, drift
from .drift import Watch
from .drift_pictures import SumsPicture, sums_picture
from .history import RUNS, WATCHED
from .load import Loaded
from .rows import PAGE, page_name
from .templating import make_folder, template_environment, write
from .trends import Trend, trend
from .wording import number, plural

TURNED = "another verdict"
"""What a change of the verdict is listed under, whatever its kind."""

LISTED = 30
"""Number of latest runs whose values are listed below a figure."""


@dataclass(frozen=True)
class Series:
    """One case at one scale, over the runs at that scale that hold its claim, oldest first.

    Attributes:
        points: the case in each run; None where the run does not hold it.
        drift: how its last interval has left the range of the earlier ones; empty if it has not.
        alarm: its lasting shift in words, empty without one; `sums` the picture of what it is told from, if anything.
        spread: its estimates over the runs, and the values of all seeds, in words; empty without any.
        page: the case's page in the report beside; empty where that does not hold it.
    """

    case: CaseRecord
    scale: str
    points: list[tuple[RunRecord, CaseRecord | None]]
    trend: Trend
    drift: str
    alarm: str
    sums: SumsPicture | None
    spread: str
    page: str

    @property
    def held(self) -> list[tuple[RunRecord, CaseRecord, Standing]]:
        """The last `LISTED` runs that hold the case, latest first, with what came out."""
        return [(run, case, standing(case)) for run, case in reversed(self.points) if case][:LISTED]


@dataclass(frozen=True)
class Past:
    """One claim over runs: its page, its series, and the worst standing in each run at the report's scale."""

    name: str
    title: str
    paper: str
    page: str
    series: list[Series]
    strip: list[tuple[RunRecord, Standing]]

    @property
    def drifts(self) -> int:
        """Number of its cases that have drifted."""
        return sum(bool(series.drift) for series in self.series)

    @property
    def drifting(self) -> list[Series]:
        """Its cases with an alarm that lasts."""
        return [series for series in self.series if series.alarm]


def write_history(
    runs: Sequence[Loaded],
    now: Loaded,
    folder: Path,
    watched: Mapping[tuple[str, str], Watch] | None = None,
    changes: Mapping[str, Change] | None = None,
) -> list[tuple[str, str]]:
    """Write the pages over runs into `history` in a report's folder, the index last; those of an earlier one go.

    Args:
        runs: oldest first; without any, no page is written.
        now: the run of the report, whose pages are linked to and whose scale comes first.
        folder: of the report.
        watched: (node id, scale) -> the case's watch for drift.
        changes: node id -> what is different about a case of the run since those before it.

    Returns:
        (node id, the shift in words) of the cases that drift at this report's scale.

    Raises:
        OSError: if the folder cannot be made or written to.
    """
    pages, written, past = folder / "history", set(), []
    if runs:
        make_folder(pages)
        templates, past = template_environment(), _claims(runs, now, watched or {})
        template = templates.get_template("history_claim.html")
        for claim in past:
            write(pages / claim.page, template.render(claim=claim, most=RUNS, watched=WATCHED))
            written.add(claim.page)
        changed = _changed(now, changes or {})
        counts = {loaded.run.run: list(standing_counts(loaded.cases).items()) for loaded in runs}
        listed = [loaded.run for loaded in reversed(runs)]
        text = templates.get_template("history_index.html").render(
            runs=listed,
            counts=counts,
            claims=past,
            scale=now.run.scale,
            most=RUNS,
            here=now.run.run,
            turned=[group for group in changed if group[0] == TURNED],
            changed=[group for group in changed if group[0] != TURNED],
        )
        write(pages / "index.html", text)
    else:
        (pages / "index.html").unlink(missing_ok=True)
    for page in pages.glob("*.html"):
        if PAGE.fullmatch(page.name) and page.name not in written:
            page.unlink()
    drifting = [series for claim in past for series in claim.drifting if series.scale == now.run.scale]
    return [(series.case.nodeid, series.alarm) for series in drifting]


def _changed(now: Loaded, changes: Mapping[str, Change]) -> list[tuple[str, int, list[tuple[str, str, str]]]]:
    """What a reader asks first: for other verdicts, other values and slower cases their number, and (name, page, text).

    Drift is listed by itself; of cases that could not be run before, or cannot now, the number alone is told.
    """
    here = {case.nodeid for case in now.cases}
    groups: dict[str, list[tuple[str, str, str]]] = {name: [] for name in (TURNED, *KINDS)}
    for nodeid, change in changes.items():
        page = f"../claims/{page_name(nodeid)}" if nodeid in here else ""
        groups[TURNED if change.verdict else change.kind].append((nodeid, page, change.text))
    return [
        (name, len(group), [] if name in COUNTED else group[:LISTED])
        for name, group in groups.items()
        if group and name != "drifted"
    ]


def _claims(runs: Sequence[Loaded], now: Loaded, watched: Mapping[tuple[str, str], Watch]) -> list[Past]:
    """Every claim of the runs, by paper and name, with its cases in the order settings first, controls last."""
    held: dict[str, dict[str, dict[str, CaseRecord]]] = {}
    for loaded in runs:
        for case in loaded.cases:
            held.setdefault(case.claim, {}).setdefault(loaded.run.run, {})[case.nodeid] = case
    here = {case.nodeid for case in now.cases}
    scales = sorted({loaded.run.scale for loaded in runs}, key=lambda scale: (scale != now.run.scale, scale))
    claims = []
    for name, of_run in held.items():
        latest = {nodeid: case for cases in of_run.values() for nodeid, case in cases.items()}
        cases = sorted(latest.values(), key=lambda case: (case.control, case.nodeid))
        at = {s: [loaded.run for loaded in runs if loaded.run.scale == s and loaded.run.run in of_run] for s in scales}
        series = [
            _series(
                case,
                scale,
                [(run, of_run[run.run].get(case.nodeid)) for run in at[scale]],
                watched.get((case.nodeid, scale), Watch()),
                case.nodeid in here,
            )
            for case in cases
            for scale in scales
            if any(case.nodeid in of_run[run.run] for run in at[scale])
        ]
        strip = [(run, min((standing(c) for c in of_run[run.run].values()), key=STANDINGS.index))
                 for run in at.get(now.run.scale, [])]  # fmt: skip
        claims.append(Past(name, cases[0].title, cases[0].paper, page_name(name), series, strip))
    return sorted(claims, key=lambda claim: (claim.paper, claim.name))


def _series(
    case: CaseRecord,
    scale: str,
    points: list[tuple[RunRecord, CaseRecord | None]],
    watch: Watch,
    here: bool,
) -> Series:
    known = [record for _, record in points if record and record.verdict]
    return Series(
        case=case,
        scale=scale,
        points=points,
        trend=trend(points),
        drift=drift(known[:-1], known[-1]) if known else "",
        alarm=str(watch.alarm or ""),
        sums=sums_picture(watch, [run for run, _ in points]),
        spread=_spread(known),
        page=page_name(case.nodeid) if here else "",
    )


def _spread(cases: list[CaseRecord]) -> str:
    estimates = [case.estimate for case in cases if case.estimate is not None]
    # Squares of larger values overflow.
    values = [value for case in cases for value in case.values if value is not None and abs(value) < 1e100]
    if not estimates or not values:
        return ""
    least, most = min(estimates), max(estimates)
    apart = f"from {number(least)} to {number(most)}"
    if least == most:
        apart = f"all {number(least)}"
    elif number(least) == number(most):
        apart = f"all about {number(least)}, {number(most - least, 2)} apart"
    deviation = f", standard deviation of a seed {number(statistics.stdev(values), 2)}" if len(values) > 1 else ""
    runs = plural(len(estimates), "run")
    mean = number(statistics.fmean(values))
    return f"Estimates of {runs} {apart}; mean of all {len(values)} values {mean}{deviation}."
