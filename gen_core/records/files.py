"""Reading and writing of record files: writes are atomic, and reads report defects."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from gen_core.errors import InvalidFigure
from gen_core.records.case import SCHEMA, CaseRecord, Hypothesis, Look, RunRecord
from gen_core.records.checks import MOST_PANELS, defect
from gen_core.records.figure import Curve, Figure, Mark, Panel, Reported, Tick
from gen_core.records.seal import broken_seal, sealed
from gen_core.records.standing import urgency
from gen_core.records.statement import PaperRecord, Statement
from gen_core.records.upgrade import upgraded_case, upgraded_run

T = TypeVar("T")

LARGEST, DEEPEST = 32 * 2**20, 50
"""Size in bytes, and levels of nesting, up to which a file is read as a record."""


def write_json(path: Path, record: CaseRecord | RunRecord | list[CaseRecord]) -> None:
    """Write a record, or several, as JSON with their seals, atomically. NaN and infinities become None."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    value = [sealed(plain(one)) for one in record] if isinstance(record, list) else sealed(plain(record))
    text = json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False)
    try:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_attempt(folder: Path, record: CaseRecord) -> None:
    """Write the record of one attempt into a run's folder; of several attempts at a case the last one counts."""
    name = hashlib.sha256(record.nodeid.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    write_json(folder / "attempts" / f"{time.time_ns():020}-{name}.json", record)


def read_case(path: Path) -> CaseRecord:
    """Read one case record, of any schema up to the current one.

    Raises:
        ValueError: if the file is truncated or is not a case record; the message names the file and the defect.
    """
    return _whole(path, dict, built_case)


def read_cases(path: Path) -> list[CaseRecord]:
    """Read `cases.json`. Raises as `read_case`."""
    return _whole(path, list, lambda entries, path: [built_case(entry, path) for entry in entries])


def read_run(path: Path) -> RunRecord:
    """Read `run.json`. Raises as `read_case`."""
    return _whole(path, dict, _run)


def last_attempts(folder: Path) -> tuple[list[CaseRecord], list[str]]:
    """The last attempt at every case of a run; a case without an attempt has no verdict.

    Attempts are ordered by their files' names, which begin with the time of writing: copies and archives preserve
    names, but not always modification times.

    Returns:
        The cases in the order of their selection, and a line for each file that could not be used.
    """
    cases: dict[str, CaseRecord] = {}
    problems: list[str] = []
    try:
        cases = {case.nodeid: case for case in read_cases(folder / "cases.json")}
    except ValueError as error:
        problems.append(f"{error}; cases that were never reached are missing below")
    for path in sorted((folder / "attempts").glob("*.json"), key=_written):
        try:
            attempt = read_case(path)
        except ValueError as error:
            problems.append(str(error))
        else:
            cases[attempt.nodeid] = attempt
    return list(cases.values()), problems


def worst_first(cases: list[CaseRecord]) -> list[CaseRecord]:
    """Cases in the order of their urgency, controls last among equals."""
    return sorted(cases, key=lambda case: (urgency(case), case.control, case.nodeid))


def _written(path: Path) -> tuple[int, str]:
    """When an attempt was written, by its file name; names without a time come first."""
    stamp = path.stem.partition("-")[0]
    return (int(stamp) if stamp.isdecimal() else -1, path.name)


def _whole(path: Path, kind: type, build: Callable[[Any, Path], T]) -> T:
    """Read, build and check the records of a file; any defect raises a ValueError that names it."""
    try:
        records = build(_load(path, kind), path)
    except (AttributeError, TypeError, RecursionError) as error:
        # A foreign file may hold anything where a list or a mapping is expected.
        raise ValueError(f"{path}: not a record of a run ({error})") from error
    whole: list[Any] = records if isinstance(records, list) else [records]
    for record in whole:
        if found := defect(record):
            raise ValueError(f"{path}: {found}")
    return records


def _load(path: Path, kind: type) -> Any:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            raise ValueError(f"no file of at most {LARGEST // 2**20} MiB")  # a pipe or a device may never end
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: not a whole JSON file ({error})") from error
    if _deeper(value, DEEPEST):
        raise ValueError(f"{path}: not a record of a run, it is nested more than {DEEPEST} deep")
    if not isinstance(value, kind):
        raise ValueError(f"{path}: holds a {type(value).__name__}; expected a {kind.__name__}")
    return value


def _deeper(value: Any, levels: int) -> bool:
    """Whether nested lists and mappings have more levels."""
    level = [value]
    for _ in range(levels):
        outer = [one for one in level if isinstance(one, (dict, list))]
        level = [inner for one in outer for inner in (one.values() if isinstance(one, dict) else one)]
    return any(isinstance(one, (dict, list)) for one in level)


def built_case(entry: Any, path: Path) -> CaseRecord:
    """The record of a case from the mapping that a file holds; its values are not checked. Raises as `read_case`."""
    _require_seal(entry, path)
    record = _build(CaseRecord, upgraded_case(entry) if _old(entry) else entry, path)
    record.looks = [_build(Look, look, path) for look in record.looks]
    record.hypotheses = [_build(Hypothesis, h, path) for h in record.hypotheses]
    if isinstance(record.figure, dict):
        try:
            record.figure = built_figure(record.figure, path)
        except InvalidFigure as error:  # of a version that checked none
            record.figure, record.settings["figure"] = None, f"not drawn: {error}"
    return record


def sound_figure(figure: object) -> Figure:
    """What a claim's figure function returned, as it will be read from the record, whatever has been done to its parts.

    Raises:
        InvalidFigure: if it is no figure, or none that a report shows.
        TypeError, ValueError: if its parts cannot be written.
    """
    if not isinstance(figure, Figure):
        raise InvalidFigure(f"figure gave a {type(figure).__name__}; expected a gen_core.records.Figure")
    entry = plain(figure)
    size = len(json.dumps(entry, allow_nan=False))
    if size > LARGEST // 2 or len(figure.panels) > MOST_PANELS:
        found = f"{len(figure.panels)} panels and {size / 2**20:.1f} MiB"
        raise InvalidFigure(f"figure of {found}; expected at most {MOST_PANELS} and {LARGEST // 2**21}")
    return built_figure(entry)


def built_figure(entry: dict[str, Any], path: Path = Path("figure")) -> Figure:
    """A figure from the mapping that a file holds; raises as its parts, or a ValueError that names the file."""

    def parts(kind: type, entry: Any, name: str) -> list[Any]:
        return [_build(kind, part, path) for part in entry.get(name, [])]

    panels = []
    for panel in entry["panels"]:
        inner = {name: parts(kind, panel, name) for name, kind in (("curves", Curve), ("marks", Mark), ("right", Tick))}
        panels.append(_build(Panel, panel | inner, path))
    return _build(Figure, entry | {"panels": panels, "reported": parts(Reported, entry, "reported")}, path)


def _run(entry: Any, path: Path) -> RunRecord:
    _require_seal(entry, path)
    record = _build(RunRecord, upgraded_run(entry) if _old(entry) else entry, path)
    record.papers = [_build(PaperRecord, paper, path) for paper in record.papers]
    for paper in record.papers:
        paper.statements = [_build(Statement, statement, path) for statement in paper.statements]
    return record


def _require_seal(entry: Any, path: Path) -> None:
    if broken_seal(entry):
        raise ValueError(f"{path}: damaged, its digest is not that of its fields")


def _old(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("schema") in range(1, SCHEMA)


def _build(kind: type[T], entry: Any, path: Path) -> T:
    """A dataclass from a mapping; unknown names are ignored, missing ones are an error."""
    if not isinstance(entry, dict):
        raise ValueError(f"{path}: holds a {type(entry).__name__} where a {kind.__name__} is expected")
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    try:
        return kind(**{name: value for name, value in entry.items() if name in known})
    except TypeError as error:
        raise ValueError(f"{path}: not a {kind.__name__} ({error})") from error


def plain(value: Any) -> Any:
    """JSON-ready copy: records become mappings, tuples, arrays and tensors lists, NaN and infinities None."""
    if is_dataclass(value) and not isinstance(value, type):
        names = [*(field.name for field in fields(value)), *getattr(value, "DERIVED", ())]
        return {name: plain(getattr(value, name)) for name in names}
    if not isinstance(value, type) and hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return value if abs(value) != float("inf") and value == value else None
    return value
