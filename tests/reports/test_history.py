"""The history: what is kept, what is refused, and that writers at once and killed ones leave whole runs only."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from gen_core.records import write_json
from reports import history
from reports.history import BadHistory
from reports.load import Loaded, load_run

WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from reports import history
from reports.load import Loaded, load_run

path, records, name, many = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
one = load_run(records)
cases = [replace(case, nodeid=f"{case.nodeid}-{k}", reason="x" * 400) for k in range(40) for case in one.cases]
print("ready", flush=True)
sys.stdin.readline()
for k in range(many):
    history.append(path, Loaded(replace(one.run, run=f"{name}-{k}"), cases))
    print(k, flush=True)
"""

STOPPED = """
import sys, time
from pathlib import Path
from reports import history
from reports.load import load_run

insert, done = history._insert, []

def slow(connection, verb, table, values):
    insert(connection, verb, table, values)
    done.append(table)
    if len(done) == 2:
        connection.execute("PRAGMA cache_size = 1")  # so that pages of this transaction are in the file already
    if len(done) == 10:
        print("in the middle", flush=True)
        time.sleep(600)

history._insert = slow
one = load_run(Path(sys.argv[2]))
for case in one.cases:
    case.values = [0.1234567891 + k for k in range(3000)]
history.append(Path(sys.argv[1]), one)
"""


@pytest.fixture
def loaded(records: Path) -> Loaded:
    return load_run(records)


def named(loaded: Loaded, run: str, **changes) -> Loaded:
    return replace(loaded, run=replace(loaded.run, run=run, **changes))


def whole(path: Path, cases: int) -> list[str]:
    """Ids of the runs, after a check that the file is sound and each run has all of its cases."""
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        held = dict(connection.execute('SELECT "run", count(*) FROM "case" GROUP BY "run"').fetchall())
        runs = [row[0] for row in connection.execute('SELECT "run" FROM "run" ORDER BY "run"')]
    connection.close()
    assert held == dict.fromkeys(runs, cases)
    return runs


def start(source: str, *arguments: object) -> subprocess.Popen:
    command = [sys.executable, "-c", source, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_what_is_kept_comes_back(loaded: Loaded, tmp_path: Path) -> None:
    path = tmp_path / "new" / "history.sqlite"
    history.append(path, loaded)
    (back,) = history.latest(path)
    assert [getattr(back.run, name) for name in history.RUN] == [getattr(loaded.run, name) for name in history.RUN]
    assert back.run == loaded.run
    same = [replace(case, recipes={"digest": history.recipe_digest(case.recipes)}) for case in loaded.cases]
    kept = [[getattr(case, name) for name in history.CASE] for case in same]
    assert [[getattr(case, name) for name in history.CASE] for case in back.cases] == kept


def test_a_column_says_how_a_case_stands(loaded: Loaded, tmp_path: Path) -> None:
    history.append(tmp_path / "h", loaded)
    with sqlite3.connect(tmp_path / "h") as connection:
        found = dict(connection.execute('SELECT standing, count(*) FROM "case" GROUP BY standing').fetchall())
    connection.close()
    assert (found["holds"], found["control refuted"], found["not reached"]) == (2, 2, 1)


def test_the_same_run_again_replaces_itself(loaded: Loaded, tmp_path: Path) -> None:
    path = tmp_path / "h"
    history.append(path, loaded)
    history.append(path, named(loaded, "other"))
    history.append(path, Loaded(replace(loaded.run, exit_status=0), loaded.cases[:3]))
    found = {one.run.run: (one.run.exit_status, len(one.cases)) for one in history.latest(path)}
    assert found == {loaded.run.run: (0, 3), "other": (1, len(loaded.cases))}


def test_two_attempts_at_a_case_are_one_line(loaded: Loaded, tmp_path: Path, case) -> None:
    twice = [case("norm", "gd", verdict="ERROR"), case("norm", "gd", verdict="HOLDS")]
    history.append(tmp_path / "h", Loaded(loaded.run, twice))
    assert [c.verdict for c in history.latest(tmp_path / "h")[0].cases] == ["HOLDS"]


def test_runs_come_by_scale_and_in_their_order(loaded: Loaded, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "h"
    for day in (3, 1, 4, 2):
        for scale in ("quick", "paper"):
            at = f"2026-01-0{day}T00:00:00+00:00"
            history.append(path, Loaded(replace(loaded.run, run=f"{scale}-{day}", started=at, scale=scale), []))
    assert [one.run.run for one in history.latest(path, 1)] == ["paper-4", "quick-4"]
    assert len(history.latest(path)) == 8
    (three,) = (one.run for one in history.latest(path) if one.run.run == "quick-3")
    assert [one.run.run for one in history.before(path, three)] == ["quick-1", "quick-2"]
    monkeypatch.setattr(history, "RUNS", 1)
    assert [one.run.run for one in history.before(path, three)] == ["quick-2"]


def test_a_run_is_found_by_how_its_id_begins(loaded: Loaded, tmp_path: Path) -> None:
    path = tmp_path / "h"
    for run in ("2026-a", "2026-ab", "2025-c"):
        history.append(path, named(loaded, run))
    assert history.find(path, "2025").run.run == "2025-c"
    assert history.find(path, "2026-a").run.run == "2026-a"
    with pytest.raises(
        BadHistory, match=r"run '2026'; expected the id of one run of .*, which holds 3 runs.* and 2 that"
    ):
        history.find(path, "2026")
    with pytest.raises(BadHistory, match=r"run 'x'; expected .* holds 3 runs, the last of them 2026-ab$"):
        history.find(path, "x")


def test_hostile_values_are_kept_as_text(loaded: Loaded, tmp_path: Path, case) -> None:
    text = '\'); DROP TABLE "run"; -- \x00 \ud800 <b>汉'
    record = case(text, text, verdict="ERROR", reason="r" * 10_000, values=[float("nan"), None, 2.0], seeds=[1, 2, 3])
    run = replace(loaded.run, run=text, environment={text: text})
    history.append(tmp_path / "h", Loaded(run, [record]))
    history.append(tmp_path / "h", Loaded(run, [record]))
    (back,) = history.latest(tmp_path / "h")
    assert back.run.run == text.replace("\ud800", "?")
    assert back.cases[0].values == [None, None, 2.0]
    assert len(back.cases[0].reason) == history.LONGEST_REASON


@pytest.mark.parametrize("damage", ["text", "foreign", "later", "cut", "folder", "number", "values"])
def test_a_file_that_is_no_history_is_named_and_left_as_it_is(loaded: Loaded, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "h"
    if damage == "text":
        path.write_text("not a database, but long enough to be read as one\n" * 50)
    elif damage == "foreign":
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE mine (a)")
        connection.close()
    elif damage == "folder":
        path.mkdir()
    else:
        history.append(path, loaded)
    if damage == "later":
        with sqlite3.connect(path) as connection:
            connection.execute(f"PRAGMA user_version = {history.VERSION + 1}")
        connection.close()
    if damage == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    if damage == "values":
        with sqlite3.connect(path) as connection:
            connection.execute('UPDATE "case" SET "digest" = NULL, "values" = \'[1,\'')
        connection.close()
        with pytest.raises(BadHistory, match=r"h: .*expected"):
            history.latest(path)
        return
    if damage == "number":
        loaded = named(loaded, "large", seeds_from=2**70)
    before = b"" if damage == "folder" else path.read_bytes()
    with pytest.raises(BadHistory, match=r"h: .*expected") as caught:
        history.append(path, loaded)
    assert "\n" not in str(caught.value)
    assert damage == "folder" or path.read_bytes() == before
    if damage == "later":
        assert f"version {history.VERSION + 1}; expected version {history.VERSION}" in str(caught.value)


def test_a_file_that_is_not_there_is_not_made_by_a_reader(tmp_path: Path) -> None:
    with pytest.raises(BadHistory, match="no such file"):
        history.latest(tmp_path / "h")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_becomes_a_history(loaded: Loaded, tmp_path: Path) -> None:
    (tmp_path / "h").touch()
    history.append(tmp_path / "h", loaded)
    assert len(history.latest(tmp_path / "h")) == 1


def test_writers_at_the_same_time_lose_nothing(records: Path, loaded: Loaded, tmp_path: Path) -> None:
    for attempt in range(3):
        path = tmp_path / f"{attempt}.sqlite"
        writers = [start(WRITER, path, records, name, 4) for name in ("a", "b", "c")]
        for writer in writers:
            assert writer.stdout.readline() == "ready\n"
        for writer in writers:
            writer.stdin.write("\n")
            writer.stdin.close()
        for writer in writers:
            assert writer.stdout.read() == "0\n1\n2\n3\n"
            writer.stdout.close()
            assert writer.wait() == 0
        expected = [f"{name}-{k}" for name in "abc" for k in range(4)]
        assert whole(path, 40 * len(loaded.cases)) == expected


def test_a_writer_killed_in_the_middle_leaves_whole_runs(records: Path, loaded: Loaded, tmp_path: Path, run) -> None:
    path = tmp_path / "h"
    history.append(path, named(loaded, "first"))
    write_json(records / "run.json", replace(run, run="killed"))
    writer = start(STOPPED, path, records)
    assert writer.stdout.readline() == "in the middle\n"
    size = path.stat().st_size
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    assert size > 100_000
    assert path.with_name("h-journal").exists()  # what was half written is in the file, and is taken back by it
    assert [one.run.run for one in history.latest(path)] == ["first"]
    history.append(path, named(loaded, "second"))
    assert whole(path, len(loaded.cases)) == ["first", "second"]


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03, 0.06, 0.1])
def test_a_writer_killed_at_any_time_leaves_what_it_has_finished(
    records: Path, loaded: Loaded, tmp_path: Path, delay: float
) -> None:
    path = tmp_path / "h"
    writer = start(WRITER, path, records, "a", 1000)
    assert writer.stdout.readline() == "ready\n"
    writer.stdin.write("\n")
    writer.stdin.flush()
    assert writer.stdout.readline() == "0\n"
    time.sleep(delay)
    writer.kill()
    finished = 1 + len(writer.communicate()[0].split())
    runs = whole(path, 40 * len(loaded.cases))
    assert finished <= len(runs) <= finished + 1
    history.append(path, named(loaded, "after"))
    assert len(history.latest(path)) == len(runs) + 1
