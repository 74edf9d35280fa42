"""Records that were copied: times of files are scrambled, and every reader still takes the same attempt as the last."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gen_core.plugin.terminal import case_lines
from gen_core.records import last_attempts, worst_first, write_attempt
from reports import history
from reports.load import load_run
from reports.publish import publish
from reports.rows import page_name
from tests.reports.markup import Page


@pytest.fixture
def attempts(records: Path, cases, monkeypatch) -> Path:
    """The folder of a run in which each case was tried three times, the last time as `cases` says."""
    shutil.rmtree(records / "attempts")
    clock = itertools.count(time.time_ns())
    monkeypatch.setattr(time, "time_ns", lambda: next(clock))
    for verdict in ("ERROR", "NOT RUN", None):
        for case in cases:
            if case.verdict:
                write_attempt(records, replace(case, verdict=verdict or case.verdict))
    return records


def verdicts(folder: Path, report: Path) -> dict[str, dict[str, str]]:
    """Reader -> case -> what it says."""
    loaded = load_run(folder)
    publish(loaded, report, report / "history.sqlite")
    junit = ElementTree.parse(report / "junit.xml").iter("testcase")
    pages = {case.case: Page(report / "claims" / page_name(case.nodeid)).text for case in loaded.cases}
    document = json.loads((report / "records.json").read_text(encoding="utf-8"))
    (kept,) = history.latest(report / "history.sqlite")
    return {
        "terminal": {
            line.split("[")[1].split("]")[0]: line.split("  ")[0]
            for line in case_lines(worst_first(last_attempts(folder)[0]))
        },
        "page": {case: text.split(":")[0] for case, text in pages.items()},
        "junit": {
            one.get("name", "").partition("[")[2][:-1]: next(
                p.get("value", "") for p in one.iter("property") if p.get("name") == "standing"
            )
            for one in junit
        },
        "records.json": {case["case"]: case["verdict"] for case in document["cases"]},
        "history": {case.case: case.verdict or "" for case in kept.cases},
    }


@pytest.mark.parametrize("seed", range(3))
def test_copies_with_other_times_give_the_same_verdicts(attempts: Path, cases, tmp_path: Path, seed: int) -> None:
    said = verdicts(attempts, tmp_path / "one")
    assert said["records.json"] == {case.case: case.verdict for case in cases}
    shutil.copytree(attempts, tmp_path / "copy")
    files = list((tmp_path / "copy").rglob("*.json"))
    random.Random(seed).shuffle(files)
    for age, path in enumerate(files):
        os.utime(path, (1e9 - age, 1e9 - age))
    assert verdicts(tmp_path / "copy", tmp_path / "two") == said
    badges = {
        "wide": "NOT REPRODUCED",
        "ridge": "REFUTED",
        "mlp": "ERROR",
        "alexnet": "NOT RUN",
        "resnet": "NOT REACHED",
    }
    assert {case: said["page"][case] for case in badges} == {case: said["terminal"][case] for case in badges} == badges


def test_terminal_and_report_leave_out_the_same_files(attempts: Path, case) -> None:
    (attempts / "attempts" / "9999.json").write_text('{"nodeid": "claims/t', encoding="utf-8")
    foreign = case("norm", "gd", verdict="HOLDS", schema=99)
    write_attempt(attempts, foreign)
    loaded = load_run(attempts)
    assert len(loaded.problems) == 2
    assert last_attempts(attempts) == (loaded.cases, loaded.problems)
