"""Folders of runs: what is merged, what is left out, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gen_core.records import CaseRecord, plain, write_json
from reports.load import BadRecords, load_run


def test_attempts_are_laid_over_the_selected_cases(records: Path, cases: list[CaseRecord]) -> None:
    loaded = load_run(records)
    assert loaded.problems == []
    assert {c.nodeid: c.verdict for c in loaded.cases} == {c.nodeid: c.verdict for c in cases}
    assert [c.case for c in loaded.cases if c.verdict is None] == ["resnet"]
    assert loaded.run.seeds_from == 1700
    figure = next(c.figure for c in loaded.cases if c.figure)
    assert figure.panels[0].marks[0].label == "tolerance"
    assert figure.panels[1].right[0].label == "a quarter"
    assert figure.reported[0].here == "2e-10"


@pytest.mark.parametrize("times", [(100, 200), (200, 100), (100, 100)])
@pytest.mark.parametrize("names", [("0900-b", "1000-a"), ("900-b", "1000-a"), ("1000-a", "1000-b"), ("x", "1000-a")])
def test_the_latest_attempt_by_its_name_stands(tmp_path: Path, run, case, names, times) -> None:
    write_json(tmp_path / "run.json", run)
    write_json(tmp_path / "cases.json", [case("norm", "gd")])
    for name, verdict, time in zip(names, ("HOLDS", "REFUTED"), times, strict=True):
        path = tmp_path / "attempts" / f"{name}.json"
        write_json(path, case("norm", "gd", verdict=verdict))
        os.utime(path, (time, time))
    (read,) = load_run(tmp_path).cases
    assert read.verdict == "REFUTED"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"nodeid": "claims/t', "not a whole JSON file"),
        ("", "not a whole JSON file"),
        ("[]", "holds a list; expected a dict"),
        ('{"hello": 1}', "not a CaseRecord"),
        ("[" * 100_000, "not a record of a run"),
        ("\udcff", "not a whole JSON file"),
    ],
)
def test_a_file_that_is_no_record_is_named_and_skipped(records: Path, cases, text: str, complaint: str) -> None:
    bad = records / "attempts" / "9999.json"
    bad.write_bytes(text.encode("utf-8", "surrogateescape"))
    loaded = load_run(records)
    assert len(loaded.cases) == len(cases)
    (problem,) = loaded.problems
    assert str(bad) in problem
    assert complaint in problem


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"title": 5}, "CaseRecord.title holds a int; expected str"),
        ({"values": [1.0, "2"]}, "CaseRecord.values holds a str; expected float"),
        ({"values": [10**400]}, "CaseRecord.values holds a int; expected float"),
        ({"looks": 7}, "not a record of a run"),
        ({"looks": [3]}, "holds a int where a Look is expected"),
        ({"figure": {"title": "t", "panels": None}}, "not a record of a run"),
        ({"figure": "none"}, "CaseRecord.figure holds a str"),
        ({"keys": {"run": "abc"}}, "CaseRecord.keys holds a str; expected list[str]"),
        ({"limits": [None]}, "CaseRecord.limits holds a NoneType; expected float"),
        ({"seconds": None}, "CaseRecord.seconds holds a NoneType; expected float"),
        ({"verdict": "MAYBE"}, "CaseRecord.verdict holds 'MAYBE'; expected one of 'HOLDS', 'REFUTED', 'INCONCLUSIVE'"),
        ({"kind": "other"}, "CaseRecord.kind holds 'other'; expected one of 'setting', 'control', 'mutation'"),
        ({"statistic": "mode"}, "CaseRecord.statistic holds 'mode'; expected one of 'mean', 'worst'"),
        ({"kind": None}, "CaseRecord.kind holds 'None'; expected one of"),
        ({"looks": [{"seeds": 8, "estimate": 1, "low": 1, "high": 1, "verdict": 3}]}, "looks.verdict holds '3'"),
        ({"schema": 4}, "schema 4; expected 1 to 3"),
        ({"schema": 0}, "schema 0; expected 1 to 3"),
    ],
)
def test_a_record_with_a_wrong_value_is_named_and_skipped(records: Path, case, change, complaint: str) -> None:
    entry = plain(case("foreign", "x")) | change
    (records / "attempts" / "9999.json").write_text(json.dumps(entry), encoding="utf-8")
    loaded = load_run(records)
    assert not any(c.claim.endswith("foreign") for c in loaded.cases)
    (problem,) = loaded.problems
    assert complaint in problem
    assert "9999.json" in problem


def test_values_that_were_not_finite_are_read(records: Path, case) -> None:
    write_json(records / "attempts" / "9999.json", case("nan", "x", verdict="ERROR", values=[1.0, float("nan")]))
    loaded = load_run(records)
    assert loaded.problems == []
    assert loaded.cases[-1].values == [1.0, None]


def test_a_damaged_selection_leaves_the_attempts(records: Path, cases) -> None:
    (records / "cases.json").write_text("[{", encoding="utf-8")
    loaded = load_run(records)
    assert len(loaded.cases) == len(cases) - 1
    assert "never reached are missing" in loaded.problems[0]


def test_a_folder_that_is_not_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        BadRecords, match=r"absent: no such folder; expected the folder of a run, the one with run\.json"
    ):
        load_run(tmp_path / "absent")
    with pytest.raises(BadRecords, match=r"holds no run\.json; expected the folder of a run"):
        load_run(tmp_path)
    (tmp_path / "run.json").write_text('{"run": "x"', encoding="utf-8")
    with pytest.raises(BadRecords, match=r"run\.json: not a whole JSON file .*; expected the record of a run"):
        load_run(tmp_path)
