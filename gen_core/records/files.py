"""Records as files: written whole or not at all, read with their defects named."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from gen_core.records.case import ERROR, HOLDS, INCONCLUSIVE, NOT_RUN, REFUTED, CaseRecord, Hypothesis, Look, RunRecord
from gen_core.records.figure import Curve, Figure, Mark, Panel, Reported, Tick

T = TypeVar("T")

WORST_FIRST = (ERROR, REFUTED, INCONCLUSIVE, HOLDS, None, NOT_RUN)


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
