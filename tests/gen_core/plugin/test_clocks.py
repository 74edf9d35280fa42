"""A clock that is wrong costs no records."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from gen_core.plugin import identity, journal
from gen_core.plugin.journal import RUNS_KEPT

HOLDS = """
@claim(**TOY)
def test_small(run):
    expect(loss(run), "loss").at_most(2)
"""


def unfinished(run: str) -> str:
    """The record of a run as it was before its end, without a seal."""
    return run.replace('"exit_status": 0', '"exit_status": null').partition(',\n "digest"')[0] + "}"


@pytest.fixture
def clock(monkeypatch):
    def at(moment: datetime) -> None:
        for module in (journal, identity):
            monkeypatch.setattr(module, "utc_now", lambda: moment)

    return at


def test_a_clock_that_is_behind_removes_neither_the_own_records_nor_those_of_a_run_that_goes_on(suite, clock):
    suite.claims(HOLDS)
    suite.run()
    records, ended = suite.folder.parent, (suite.folder / "run.json").read_text()
    going_on = suite.folder.name
    (suite.folder / "run.json").write_text(unfinished(ended))
    for i in range(RUNS_KEPT + 5):
        (records / f"29990101-{i:06d}").mkdir()
        (records / f"29990101-{i:06d}" / "run.json").write_text(ended)
    clock(datetime.now(UTC) - timedelta(days=3000))
    result = suite.run()
    assert result.ret == 0
    own = result.outlines[-1].removeprefix("records: ")
    assert os.path.exists(f"{own}/run.json")
    result.stdout.fnmatch_lines(["HOLDS *", "CONTROL REFUTED *"])
    kept = {path.name for path in records.iterdir()}
    assert going_on in kept
    assert len(kept) == RUNS_KEPT + 1


def test_a_run_that_was_killed_days_ago_is_removed_as_others_are(suite):
    suite.claims(HOLDS)
    suite.run()
    ended = (suite.folder / "run.json").read_text()
    killed = suite.folder.parent / "19990101-000000"
    killed.mkdir()
    (killed / "run.json").write_text(unfinished(ended))
    for path in (killed / "run.json", killed):
        os.utime(path, (time.time() - 2 * 24 * 3600,) * 2)
    for i in range(RUNS_KEPT):
        (suite.folder.parent / f"20000101-{i:06d}").mkdir()
        (suite.folder.parent / f"20000101-{i:06d}" / "run.json").write_text(ended)
    suite.run()
    assert not killed.exists()


def test_two_runs_of_one_instant_have_a_folder_each(suite, clock):
    clock(datetime(2026, 1, 2, tzinfo=UTC))
    suite.claims(HOLDS)
    suite.run("-k", "given")
    suite.run("-k", "without")
    folders = sorted(suite.folder.parent.iterdir())
    assert len(folders) == 2
    assert all(len(list((folder / "attempts").iterdir())) == 1 for folder in folders)
