"""A whole report: history first, index last, summary once; a history that cannot be used costs nothing else."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from reports import history
from reports.history import BadHistory
from reports.load import BadRecords, Loaded, load_run
from reports.publish import publish


@pytest.fixture
def loaded(records: Path) -> Loaded:
    return load_run(records)


def test_everything_is_written_and_the_index_last(loaded: Loaded, tmp_path: Path, monkeypatch) -> None:
    written, rename = [], os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (written.append(str(b)), rename(a, b)))
    index = publish(loaded, tmp_path / "report", tmp_path / "h")
    assert index == tmp_path / "report" / "index.html"
    assert written[-1] == str(index)
    names = {path.name for path in (tmp_path / "report").iterdir()}
    pages = {"index.html", "cases.html", "gallery.html", "papers", "claims", "figures", "history"}
    assert names == pages | {
        "records.json",
        "junit.xml",
        "summary.md",
        "badge.svg",
        "ro-crate-metadata.json",
    }
    assert [one.run.run for one in history.latest(tmp_path / "h")] == [loaded.run.run]


def test_changes_are_since_the_runs_before(loaded: Loaded, tmp_path: Path) -> None:
    first = replace(loaded, cases=loaded.cases[:-1])
    publish(first, tmp_path / "report", tmp_path / "h")
    assert "| new |" not in (tmp_path / "report" / "summary.md").read_text(encoding="utf-8")  # all are
    assert "Since the runs before" not in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    broken = [replace(c, verdict="ERROR") if c.case == "gd" else c for c in loaded.cases]
    later = Loaded(replace(loaded.run, run="later", started="2026-01-03T00:00:00+00:00"), broken)
    for _ in range(2):
        publish(later, tmp_path / "report", tmp_path / "h")
        text = (tmp_path / "report" / "summary.md").read_text(encoding="utf-8")
        assert (text.count("| broken |"), text.count("| new |")) == (1, 1)


def test_without_a_history_there_are_no_pages_over_runs(loaded: Loaded, tmp_path: Path) -> None:
    publish(loaded, tmp_path / "report", tmp_path / "h")
    publish(loaded, tmp_path / "report", None)
    assert list((tmp_path / "report" / "history").iterdir()) == []
    assert "| new |" not in (tmp_path / "report" / "summary.md").read_text(encoding="utf-8")


def test_a_history_that_cannot_be_used_is_refused_before_anything_is_written(loaded: Loaded, tmp_path: Path) -> None:
    (tmp_path / "h").write_text("mine, and no database " * 100)
    with pytest.raises(BadHistory):
        publish(loaded, tmp_path / "report", tmp_path / "h")
    assert not (tmp_path / "report").exists()


def test_the_summary_is_appended_once(loaded: Loaded, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step"))
    for _ in range(2):
        publish(loaded, tmp_path / "report", None)
    said = (tmp_path / "report" / "summary.md").read_text(encoding="utf-8")
    assert (tmp_path / "step").read_text(encoding="utf-8") == said
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    with pytest.raises(BadRecords, match="GITHUB_STEP_SUMMARY"):
        publish(loaded, tmp_path / "report", None)


def test_every_record_is_in_the_file_of_all(loaded: Loaded, tmp_path: Path, cases) -> None:
    publish(loaded, tmp_path, None)
    document = json.loads((tmp_path / "records.json").read_text(encoding="utf-8"))
    assert {case["nodeid"] for case in document["cases"]} == {case.nodeid for case in cases}
