"""The history: all runs in one SQLite file, for comparison with later runs and for the pages over runs.

A run is written in one transaction, so that writers at the same time wait for each other and a killed one leaves whole
runs only. Of a case is kept what can be compared; statement, looks and figure stay in the run's records, and of the
recipes a digest is kept, which tells whether they are the same.
Lists and mappings are JSON; everything else is a column, for queries by hand.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gen_core.records import CaseRecord, RunRecord, plain, standing, upgraded_case, upgraded_run

from .load import Loaded

VERSION = 3
"""SQLite's user_version of a history; a file of a later one is refused.

Earlier versions lack some of `NEW` and are read as they are. The first run that is appended adds the columns; in rows
of before they are NULL, and what they would hold is read out of the other columns, as out of records of that time.
"""

APPLICATION = 0x67656E63
"""SQLite's application_id of a history ("genc"), which tells it from other databases."""

RUNS = 90
"""Number of latest runs at each scale that are compared and drawn."""

WATCHED = 400
"""Number of latest runs at each scale that are watched for drift.

A window of the last 90 would be watched anew each night, with other runs as the first: .010 to .015 of all cases would
then have had a false alarm in some of 400 nights, where from one beginning it is .002.
"""

WAIT = 120.0
"""Seconds that a writer waits for other writers."""

RUN = (
    *("run", "started", "command", "arguments", "repeat", "scale", "device", "seeds_from", "fresh"),
    *("budget", "shares", "environment", "seconds", "exit_status", "trainings"),
)
CASE = (
    *("nodeid", "claim", "case", "kind", "paper", "title", "control", "drops", "not_reproduced", "work"),
    *("verdict", "as_expected", "reason", "measured", "tolerance", "statistic", "limits", "direction", "share"),
    *("seed_limit", "seed_direction", "estimate", "low", "high", "values", "seeds", "headroom", "trained", "seconds"),
    "recipes",
)
SEALED = {"run": (*RUN, "cases", "digest"), "case": ("run", *CASE, "standing", "digest")}
"""All columns: of a run with the number of its cases, and of every row a digest, which tells whether it is damaged."""

NEW = {
    "run": ("arguments", "cases", "digest"),
    "case": ("kind", "work", "statistic", "share", "seed_limit", "seed_direction", "recipes", "digest"),
}
"""Columns that a history of an earlier version may lack."""

JSON = ("arguments", "environment", "limits", "values", "seeds", "recipes")
BOOLEAN = ("fresh", "control", "as_expected")
KEPT = set(CASE) - set(CaseRecord.DERIVED)
NOT_KEPT: dict[str, Any] = {"citation": "", "statement": ""}
LONGEST_REASON = 500  # characters


class BadHistory(ValueError):
    """A file that is not a history, or a run that is not in it; the message names it and what was expected."""


def default_history(root: Path) -> Path:
    """Where the history of a root directory is kept: in its folder `reports` where it has one, as this project has."""
    return root / ("reports" if (root / "reports").is_dir() else ".gen-core") / "history.sqlite"


def append(path: Path, loaded: Loaded) -> None:
    """Write a run into a history, which is made if it is not there; the same run written again replaces itself.

    Raises:
        BadHistory: if the file is none, is damaged, is of another version, or cannot be written; it is left as it is.
    """
    with _opened(path, make=True) as history:
        if (found := history.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(found)
        history.execute("BEGIN IMMEDIATE")
        _widen(history)
        run = loaded.run
        history.execute('DELETE FROM "case" WHERE "run" = ?', [_plain("run", run.run)])
        cases = {case.nodeid: case for case in loaded.cases}.values()
        kept = {name: getattr(run, name) for name in RUN}
        _insert(history, "INSERT OR REPLACE", "run", {**kept, "cases": len(cases)})
        for case in cases:
            values = {name: getattr(case, name) for name in CASE}
            values["reason"] = case.reason[:LONGEST_REASON]
            values["recipes"] = {"digest": recipe_digest(case.recipes)}
            _insert(history, "INSERT", "case", {"run": run.run, "standing": standing(case).name, **values})
        history.execute("COMMIT")


def before(path: Path, run: RunRecord) -> list[Loaded]:
    """The runs at a run's scale that started before it, oldest first, at most `RUNS`. Raises as `append`."""
    where = '"scale" = ? AND ("started", "run") < (?, ?) ORDER BY "started" DESC, "run" DESC LIMIT ?'
    with _opened(path) as history:
        return _read(history, where, [run.scale, run.started, run.run, RUNS])


def latest(path: Path, most: int = RUNS, skip: int = 0) -> list[Loaded]:
    """The last `most` runs of every scale but the last `skip`, oldest first. Raises as `append`."""
    ranked = (
        'SELECT "run", row_number() OVER (PARTITION BY "scale" ORDER BY "started" DESC, "run" DESC) AS place FROM "run"'
    )
    where = (
        f'"run" IN (SELECT "run" FROM ({ranked}) WHERE place > ? AND place <= ?) ORDER BY "started" DESC, "run" DESC'
    )
    with _opened(path) as history:
        return _read(history, where, [skip, most])


def find(path: Path, name: str) -> Loaded:
    """The run whose id begins with a name.

    Raises:
        BadHistory: if it is no run's id or several ones'; and as `append`.
    """
    with _opened(path) as history:
        ids = [row[0] for row in history.execute('SELECT "run" FROM "run" ORDER BY "started", "run"')]
        found = [one for one in ids if one.startswith(name)]
        if name in found:
            found = [name]
        if len(found) != 1:
            held = f"{len(ids)} runs, the last of them {ids[-1]}" if ids else "no run"
            raise BadHistory(f"run {name!r}; expected the id of one run of {path}, which holds {held}"
                             + (f" and {len(found)} that begin so" if found else ""))  # fmt: skip
        return _read(history, '"run" = ?', found)[0]


def recipe_digest(recipes: Mapping[str, Any]) -> str:
    """A digest of a case's recipes: equal ones have the same. Those of a case from the history have it already."""
    if set(recipes) == {"digest"}:
        return recipes["digest"]
    return hashlib.sha256(json.dumps(plain(recipes), sort_keys=True).encode()).hexdigest()[:16]


@contextlib.contextmanager
def _opened(path: Path, make: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection to a history; any defect of the file raises `BadHistory`, and nothing is changed."""
    if not make and not path.is_file():
        raise BadHistory(f"{path}: no such file; expected a history of runs, as pytest's --history writes one")
    connection = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
        _check(connection, path, make)
        yield connection
    except (OSError, sqlite3.Error, OverflowError, json.JSONDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadHistory(
            f"{path}: not usable as a history of runs ({reason}); expected an SQLite file that pytest's --history has "
            "written, in a folder that can be written to"
        ) from error
    finally:
        if connection is not None:
            connection.close()


def _check(history: sqlite3.Connection, path: Path, make: bool) -> None:
    """Reject files that are not a history of this version; with `make`, an empty file becomes one."""
    if make and not history.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        history.execute("BEGIN IMMEDIATE")
        # Another process may have created it meanwhile.
        if not history.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            history.execute(f"PRAGMA application_id = {APPLICATION}")
            history.execute(f"PRAGMA user_version = {VERSION}")
            for table, key in (("run", '"run"'), ("case", '"run", "nodeid"')):
                history.execute(f'CREATE TABLE "{table}" ({_columns(SEALED[table])}, PRIMARY KEY ({key}))')
        history.execute("COMMIT")
    if history.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise BadHistory(f"{path}: not a history of runs; expected a file that pytest's --history has written")
    version = _version(history)
    if not 1 <= version <= VERSION:
        raise BadHistory(f"{path}: a history of version {version}; expected version {VERSION}, or a newer gen-core")


def _version(history: sqlite3.Connection) -> int:
    return history.execute("PRAGMA user_version").fetchone()[0]


def _widen(history: sqlite3.Connection) -> None:
    """Give a history of an earlier version the columns of this version, within the transaction that appends a run."""
    if _version(history) == VERSION:
        return
    for table, names in NEW.items():
        there = _there(history, table)
        for name in (name for name in names if name not in there):
            history.execute(f'ALTER TABLE "{table}" ADD COLUMN "{name}"')
    history.execute(f"PRAGMA user_version = {VERSION}")


def _columns(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _insert(history: sqlite3.Connection, verb: str, table: str, values: dict[str, Any]) -> None:
    row = {name: _plain(name, value) for name, value in values.items()}
    row["digest"] = _digest(row)
    marks = ", ".join("?" * len(row))
    history.execute(f'{verb} INTO "{table}" ({_columns(tuple(row))}) VALUES ({marks})', list(row.values()))


def _plain(name: str, value: Any) -> Any:
    """A value of a record as SQLite holds it: UTF-8, and JSON in which what is not finite is null."""
    if name in JSON:
        return json.dumps(plain(value), separators=(",", ":"))
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return int(value) if isinstance(value, bool) else plain(value)


def _digest(row: dict[str, Any]) -> str:
    """Of all that a row holds; columns that a later version has added to it hold nothing."""
    held = {name: value for name, value in row.items() if value is not None and name != "digest"}
    return hashlib.sha256(json.dumps(held, sort_keys=True, default=repr).encode()).hexdigest()[:16]


def _read(history: sqlite3.Connection, where: str, values: list[Any]) -> list[Loaded]:
    """The runs that a condition, given latest first, selects; oldest first. Damaged cases are left out and named."""
    history.execute("BEGIN")
    found = []
    for row in reversed(_rows(history, "run", f"WHERE {where}", values)):
        name = row["run"]
        if _damaged(row):
            raise sqlite3.DatabaseError(f"the row of the run {name!r} is damaged")
        run = {name: _value(name, row[name]) for name in RUN if name in row}
        run = upgraded_run(run) if run.get("arguments") is None else run
        rows = _rows(history, "case", 'WHERE "run" = ? ORDER BY rowid', [name])
        problems = [f"history: {c['nodeid']} of the run {name} is damaged" for c in rows if _damaged(c)]
        if row.get("cases") not in (None, len(rows)):
            problems.append(f"history: the run {name} is damaged, it has {len(rows)} of {row['cases']} cases")
        whole = [{name: _value(name, row[name]) for name in CASE if name in row} for row in rows if not _damaged(row)]
        cases = [upgraded_case(case) if case.get("kind") is None else case for case in whole]
        kept = [{name: value for name, value in case.items() if name in KEPT} for case in cases]
        for case in kept:
            case["recipes"] = case.get("recipes") or {}
        found.append(Loaded(RunRecord(**run), [CaseRecord(**(NOT_KEPT | case)) for case in kept], problems))
    history.execute("COMMIT")
    return found


def _damaged(row: dict[str, Any]) -> bool:
    return row.get("digest") not in (None, _digest(row))


def _rows(history: sqlite3.Connection, table: str, condition: str, values: list[Any]) -> list[dict[str, Any]]:
    """Name -> what is held, for each row, with the columns that this history has."""
    there = _there(history, table)
    rows = history.execute(f'SELECT {_columns(there)} FROM "{table}" {condition}', values).fetchall()
    return [dict(zip(there, row, strict=True)) for row in rows]


def _there(history: sqlite3.Connection, table: str) -> tuple[str, ...]:
    return tuple(row[1] for row in history.execute(f'PRAGMA table_info("{table}")'))


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    return json.loads(value) if name in JSON else bool(value) if name in BOOLEAN else value
