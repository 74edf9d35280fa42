"""What a run leaves behind: typed records of builtin values, one JSON file each.

Records are all that a report reads. A run's folder holds

    run.json             the run: options, environment, error budget          (`RunRecord`)
    cases.json           every case that was selected, before any has run     (list of `CaseRecord`, undecided)
    attempts/*.json      one file per test attempt, written before the assertion   (`CaseRecord`)

Every file is written to a temporary name and renamed, so that a killed run leaves whole files only.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

SCHEMA = 2
"""Version of the fields below. 1 had no `formula` and `traceback` of a case, and no `store` of a run."""

HOLDS, REFUTED, INCONCLUSIVE, ERROR, NOT_RUN = "HOLDS", "REFUTED", "INCONCLUSIVE", "ERROR", "NOT RUN"


@dataclass(kw_only=True)
class Curve:
    """One line of a figure. `y` may hold None for a gap; `low` and `high` draw a band around it."""

    x: list[float]
    y: list[float | None]
    label: str = ""
    style: str = "line"  # "line", "dashed", "points", "faint" (one of many seeds)
    low: list[float | None] = field(default_factory=list)
    high: list[float | None] = field(default_factory=list)


@dataclass(kw_only=True)
class Mark:
    """A straight reference line across a panel: at a height (`axis="y"`) or at a place (`axis="x"`)."""

    at: float
    label: str
    axis: str = "y"


@dataclass(kw_only=True)
class Tick:
    """A label at a height of a panel's right side."""

    at: float
    label: str


@dataclass(kw_only=True)
class Panel:
    """One pair of axes. Scales are "linear" or "log"; `right` names heights in other units, where a paper does."""

    xlabel: str
    ylabel: str
    curves: list[Curve]
    title: str = ""
    xscale: str = "linear"
    yscale: str = "linear"
    marks: list[Mark] = field(default_factory=list)
    right: list[Tick] = field(default_factory=list)
    right_label: str = ""


@dataclass(kw_only=True)
class Reported:
    """One line beside a figure: a quantity, what the paper reports of it, and what this run has."""

    what: str
    paper: str
    here: str


@dataclass(kw_only=True)
class Figure:
    """What a paper draws, as numbers of this run; `paper` says what its figure shows, `reported` its numbers."""

    title: str
    panels: list[Panel]
    paper: str = ""
    reported: list[Reported] = field(default_factory=list)


@dataclass(kw_only=True)
class Look:
    """One judgement: after how many seeds, with what interval, to what verdict."""

    seeds: int
    estimate: float
    low: float
    high: float
    verdict: str


@dataclass(kw_only=True)
class Hypothesis:
    """A declared hypothesis and the value it was checked with. `dropped` marks the one that a control drops.

    The control of an identity has its mutated measure in the place of a dropped hypothesis.
    """

    name: str
    statement: str
    checked: str = ""
    holds: bool | None = None
    dropped: bool = False


@dataclass(kw_only=True)
class CaseRecord:
    """One claim case (a setting of a claim, or a control of it) and what came out.

    Attributes:
        nodeid: pytest's id of the case; `claim` is the part before the bracket and `case` the part inside it.
        paper: key of the paper (also the pytest marker); `citation` its full reference with the place in it.
        title: the statement in one sentence; `statement` the whole of it, as the claim's docstring gives it.
        formula: the paper's formula in LaTeX; empty where it gives none.
        control: whether this is a control; then `drops` names the hypothesis that it drops, or the mutation of the
            measure that it runs with, and REFUTED is what it must be.
        not_reproduced: why the paper's statement does not come out here; empty for all other claims.
        verdict: HOLDS, REFUTED, INCONCLUSIVE, ERROR or NOT RUN; None where the case was selected and never reached.
        as_expected: whether the run may be green with this verdict (a refuted control is as expected).
        reason: what failed, in one line; for NOT RUN the command that gets the data.
        traceback: for ERROR and REFUTED the lines of the claim's own file that led there, and what they raised.
        measured: name of the measured quantity; `tolerance` the expectation in words, for example "<= 1e-10".
        limits: the limits of the expectation: [c], [a, b]; `direction` is "at most", "at least" or "between".
        estimate, low, high: the judged value and its interval at the level that the error budget leaves it.
        values: one value per seed, in the order of `seeds`.
        headroom: limit minus estimate in standard deviations of a seed, positive inside; None if not defined.
        seeds_needed: seeds that this headroom needs for a decision; None if not defined.
        level: this case's share of the error budget, per side, over all looks.
        recipes: name -> recipe of each experiment (nested builtins); `keys` -> the keys of the stored results.
        settings: checked facts of the run worth a line in the report (name -> text), for example what ended a training.
        trained: seeds of its experiments that were trained in this run (0 where all were in the store before).
        seconds: wall-clock time of the case.
        repeat: the command that repeats exactly this case.
    """

    nodeid: str
    claim: str
    case: str
    paper: str
    citation: str
    title: str
    statement: str
    formula: str = ""
    control: bool = False
    drops: str = ""
    not_reproduced: str = ""
    verdict: str | None = None
    as_expected: bool = False
    reason: str = ""
    traceback: str = ""
    measured: str = ""
    tolerance: str = ""
    limits: list[float] = field(default_factory=list)
    direction: str = ""
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    values: list[float] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    headroom: float | None = None
    seeds_needed: int | None = None
    level: float | None = None
    looks: list[Look] = field(default_factory=list)
    hypotheses: list[Hypothesis] = field(default_factory=list)
    recipes: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    figure: Figure | None = None
    trained: int = 0
    seconds: float = 0.0
    repeat: str = ""
    worker: str = ""
    schema: int = SCHEMA


@dataclass(kw_only=True)
class RunRecord:
    """One run of the suite: how it was called, where, and what it promises.

    Attributes:
        started: UTC time, ISO 8601. `seconds`, `exit_status` and `trainings` are 0, None and 0 until the run has ended.
        seeds_from: the base of the seeds; `repeat` is the command with it.
        budget: chance of any false verdict per side in this run; `shares` the number of cases that it is split over.
        store: folder of the stored results, from the root directory.
        environment: name -> version or setting (python, torch, device, threads, ...).
    """

    run: str
    started: str
    command: str
    repeat: str
    scale: str
    device: str
    seeds_from: int
    fresh: bool
    budget: float
    shares: int = 0
    store: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    exit_status: int | None = None
    trainings: int = 0
    schema: int = SCHEMA


def write_json(path: Path, value: Any) -> None:
    """Write a record (a dataclass, or builtins) as JSON, whole or not at all. NaN and infinities become None."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    record = plain([asdict(v) for v in value] if isinstance(value, list) else asdict(value))
    part.write_text(json.dumps(record, indent=1, allow_nan=False, ensure_ascii=False), encoding="utf-8")
    os.replace(part, path)


def read_case(path: Path) -> CaseRecord:
    """Read one case record.

    Raises:
        ValueError: if the file is truncated or is not such a record; the message names the file and the defect.
    """
    return _case(_load(path, dict), path)


def read_cases(path: Path) -> list[CaseRecord]:
    """Read `cases.json`. Raises as `read_case`."""
    return [_case(entry, path) for entry in _load(path, list)]


def read_run(path: Path) -> RunRecord:
    """Read `run.json`. Raises as `read_case`."""
    return _build(RunRecord, _load(path, dict), path)


def _load(path: Path, kind: type) -> Any:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: not a whole JSON file ({error})") from error
    if not isinstance(value, kind):
        raise ValueError(f"{path}: holds a {type(value).__name__}; expected a {kind.__name__}")
    return value


def _case(entry: Any, path: Path) -> CaseRecord:
    record = _build(CaseRecord, entry, path)
    record.looks = [_build(Look, look, path) for look in record.looks]
    record.hypotheses = [_build(Hypothesis, h, path) for h in record.hypotheses]
    if isinstance(record.figure, dict):
        figure = _build(Figure, record.figure, path)
        figure.panels = [_build(Panel, p, path) for p in figure.panels]
        for panel in figure.panels:
            panel.curves = [_build(Curve, c, path) for c in panel.curves]
            panel.marks = [_build(Mark, m, path) for m in panel.marks]
            panel.right = [_build(Tick, tick, path) for tick in panel.right]
        figure.reported = [_build(Reported, line, path) for line in figure.reported]
        record.figure = figure
    return record


def _build(kind: type[T], entry: Any, path: Path) -> T:
    """A dataclass from a mapping; names that this version does not know are left out, missing ones are an error."""
    if not isinstance(entry, dict):
        raise ValueError(f"{path}: holds a {type(entry).__name__} where a {kind.__name__} is expected")
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    try:
        return kind(**{name: value for name, value in entry.items() if name in known})
    except TypeError as error:
        raise ValueError(f"{path}: not a {kind.__name__} ({error})") from error


def plain(value: Any) -> Any:
    """JSON-ready copy: tuples, arrays and tensors become lists, their scalars numbers, NaN and infinities None."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return value if abs(value) != float("inf") and value == value else None
    return value
