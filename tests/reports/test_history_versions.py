"""A history of an earlier version: read as it is, and widened by the first run that is appended."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from reports import history
from reports.load import Loaded, load_run


def named(loaded: Loaded, run: str, **changes) -> Loaded:
    return replace(loaded, run=replace(loaded.run, run=run, **changes))


# What each version lacks, and what is then unknown of a case.
LACKING = {
    1: (history.NEW, {"work": "", "recipes": {}}),
    2: ({"run": ("cases", "digest"), "case": ("recipes", "digest")}, {"recipes": {}}),
}


@pytest.mark.parametrize("version", LACKING)
def test_a_history_of_an_earlier_version_is_read_and_widened(records: Path, tmp_path: Path, version: int) -> None:
    lacking, unknown = LACKING[version]
    loaded = load_run(records)
    path = tmp_path / "h"
    history.append(path, named(loaded, "old"))
    with sqlite3.connect(path) as connection:
        for table, columns in lacking.items():
            for column in columns:
                connection.execute(f'ALTER TABLE "{table}" DROP COLUMN "{column}"')
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    before = path.read_bytes()
    (old,) = history.latest(path)
    assert path.read_bytes() == before  # reading changes nothing
    history.append(path, named(loaded, "new", started="2026-01-03"))
    again, new = history.latest(path)
    assert again == old
    assert new.run.arguments == old.run.arguments == ["claims", "-n", "auto"]
    assert old.cases == [replace(case, **unknown) for case in new.cases]
    assert {case.kind for case in old.cases} == {"setting", "control"}
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (history.VERSION,)
    connection.close()
