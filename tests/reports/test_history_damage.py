"""Rows of a history that are not as a run has written them are named, and left out."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from reports import history
from reports.history import BadHistory
from reports.load import Loaded, load_run
from reports.publish import publish


@pytest.fixture
def loaded(records: Path) -> Loaded:
    return load_run(records)


def test_no_changed_value_of_a_row_is_believed(loaded: Loaded, tmp_path: Path) -> None:
    """Every column of a case's row, changed by hand: the case is left out and named, on the page too."""
    path = tmp_path / "h"
    history.append(path, loaded)
    with sqlite3.connect(path) as connection:
        columns = [row[1] for row in connection.execute('PRAGMA table_info("case")') if row[1] not in ("run", "digest")]
        row = connection.execute('SELECT min(rowid) FROM "case"').fetchone()[0]
    connection.close()
    whole = path.read_bytes()
    for column in columns:
        with sqlite3.connect(path) as connection:
            connection.execute(f'UPDATE "case" SET "{column}" = ifnull("{column}", 1) || \'1\' WHERE rowid = ?', [row])
        connection.close()
        (read,) = history.latest(path)
        assert len(read.cases) == len(loaded.cases) - 1, column
        assert len(read.problems) == 1
        assert read.problems[0].endswith("is damaged")
        path.write_bytes(whole)


def test_a_case_whose_run_is_changed_and_a_changed_run_are_named(loaded: Loaded, tmp_path: Path) -> None:
    path = tmp_path / "h"
    history.append(path, loaded)
    with sqlite3.connect(path) as connection:
        connection.execute('UPDATE "case" SET run = \'other\' WHERE rowid = (SELECT min(rowid) FROM "case")')
    connection.close()
    (read,) = history.latest(path)
    count = len(loaded.cases)
    assert read.problems == [f"history: the run {loaded.run.run} is damaged, it has {count - 1} of {count} cases"]
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE run SET budget = 0.02")
    connection.close()
    with pytest.raises(BadHistory, match=rf"the row of the run '{loaded.run.run}' is damaged"):
        history.latest(path)


def test_the_page_names_what_is_damaged(loaded: Loaded, tmp_path: Path) -> None:
    path = tmp_path / "h"
    history.append(path, loaded)
    with sqlite3.connect(path) as connection:
        connection.execute('UPDATE "case" SET high = 1 WHERE "case" = \'gd\'')
        connection.execute("UPDATE run SET run = 'before', digest = NULL")
        connection.execute("UPDATE \"case\" SET run = 'before', digest = NULL WHERE \"case\" != 'gd'")
        connection.execute("UPDATE \"case\" SET run = 'before' WHERE \"case\" = 'gd'")
    connection.close()
    publish(loaded, tmp_path / "report", path)
    said = "history: claims/test_norm.py::test_norm[gd] of the run before is damaged"
    assert said in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
