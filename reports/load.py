"""A run's folder -> its records. What is damaged is named and left out; the rest is kept."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from gen_core.records import (
    ERROR,
    HOLDS,
    INCONCLUSIVE,
    NOT_RUN,
    REFUTED,
    SCHEMA,
    CaseRecord,
    RunRecord,
    read_case,
    read_cases,
    read_run,
)

T = TypeVar("T")

VERDICTS = (HOLDS, REFUTED, INCONCLUSIVE, ERROR, NOT_RUN)


class BadRecords(ValueError):
    """A folder that is no run's folder; the message names the path and what was expected there."""


@dataclass(frozen=True)
class Loaded:
    """One run, as its folder holds it. `problems` names every file that could not be used, one line each."""

    run: RunRecord
    cases: list[CaseRecord]
    problems: list[str] = field(default_factory=list)


def load_run(folder: Path) -> Loaded:
    """Read a run's folder, in the layout of `gen_core.records`.

    The latest attempt at a case (by modification time, then by name) stands for it. A case without an attempt is kept
    as it was selected, with no verdict.

    Raises:
        BadRecords: if there is no folder, or no whole `run.json` in it.
    """
    if not folder.is_dir():
        raise BadRecords(f"{folder}: no such folder; expected the folder of a run, the one with run.json")
    if not (folder / "run.json").is_file():
        raise BadRecords(f"{folder}: holds no run.json; expected the folder of a run")
    try:
        run = _read(read_run, folder / "run.json")
    except ValueError as error:
        raise BadRecords(f"{error}; expected the record of a run") from error
    problems: list[str] = []
    cases: dict[str, CaseRecord] = {}
    try:
        cases = {case.nodeid: case for case in _read(read_cases, folder / "cases.json")}
    except ValueError as error:
        problems.append(f"{error}; cases that were never reached are missing below")
    attempts = sorted((folder / "attempts").glob("*.json"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    for path in attempts:
        try:
            attempt = _read(read_case, path)
        except ValueError as error:
            problems.append(str(error))
        else:
            cases[attempt.nodeid] = attempt
    return Loaded(run, list(cases.values()), problems)


def _read(reader: Callable[[Path], T], path: Path) -> T:
    """Read and check one file; whatever is wrong with it comes out as a ValueError that names it."""
    try:
        records = reader(path)
    except (AttributeError, TypeError, RecursionError) as error:
        # A foreign file may hold anything at all where the readers expect a list or a mapping.
        raise ValueError(f"{path}: not a record of a run ({error})") from error
    for record in records if isinstance(records, list) else [records]:
        if defect := _defect(record, type(record), type(record).__name__) or _unknown(record):
            raise ValueError(f"{path}: {defect}")
    return records


def _unknown(record: Any) -> str:
    """What a well-formed record says that this version does not understand, or ""."""
    if record.schema not in range(1, SCHEMA + 1):
        return f"schema {record.schema}; expected 1 to {SCHEMA}"
    if isinstance(record, CaseRecord) and record.verdict is not None and record.verdict not in VERDICTS:
        return f"verdict {record.verdict[:40]!r}; expected one of {', '.join(VERDICTS)}"
    return ""


def _defect(value: Any, hint: Any, where: str) -> str:
    """The first place where a value is not what its annotation says, or "". A float may be None: it was not finite."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any or (hint is float and value is None):
        return ""
    if origin in (Union, types.UnionType):
        return "" if any(not _defect(value, option, where) for option in inner) else _mismatch(value, hint, where)
    if origin is list and isinstance(value, list):
        return next((d for item in value if (d := _defect(item, inner[0], where))), "")
    if origin is dict and isinstance(value, dict):
        return next((d for item in value.values() if (d := _defect(item, inner[1], where))), "")
    if is_dataclass(hint) and isinstance(value, hint):  # type: ignore[arg-type]
        hints = get_type_hints(hint)
        found = (_defect(getattr(value, f.name), hints[f.name], f"{where}.{f.name}") for f in fields(hint))
        return next((d for d in found if d), "")
    if hint is float and isinstance(value, int) and abs(value) < 10**300:
        return ""
    if isinstance(hint, type) and isinstance(value, hint):
        return ""
    return _mismatch(value, hint, where)


def _mismatch(value: Any, hint: Any, where: str) -> str:
    expected = hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
    return f"{where} holds a {type(value).__name__}; expected {expected}"
