"""`python -m reports` from the outside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def reports(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reports", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")


def test_the_path_of_the_index_is_printed_and_damage_is_named(records: Path, tmp_path: Path) -> None:
    (records / "attempts" / "0003.json").write_text('{"nodeid"', encoding="utf-8")
    done = reports(records, "-o", tmp_path / "report")
    assert done.returncode == 0
    assert done.stdout == f"{tmp_path / 'report' / 'index.html'}\n"
    assert done.stderr.startswith(f"reports: left out: {records / 'attempts' / '0003.json'}: not a whole JSON file")
    assert (tmp_path / "report" / "index.html").is_file()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("absent", "records: no such folder; expected the folder of a run"),
        ("empty", "records: holds no run.json; expected the folder of a run"),
        ("cut", "run.json: not a whole JSON file"),
        ("foreign", "run.json: not a RunRecord"),
    ],
)
def test_bad_input_is_one_line_and_status_2(tmp_path: Path, damage: str, said: str) -> None:
    records = tmp_path / "records"
    if damage != "absent":
        records.mkdir()
    if damage in ("cut", "foreign"):
        (records / "run.json").write_text({"cut": '{"run"', "foreign": '{"name": 1}'}[damage], encoding="utf-8")
    done = reports(records, "-o", tmp_path / "report")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert str(records) in done.stderr
    assert not (tmp_path / "report").exists()


def test_an_output_folder_that_cannot_be_written_is_status_2(records: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = reports(records, "-o", tmp_path / "file" / "report")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"reports: {tmp_path / 'file' / 'report'}: cannot write the report there" in done.stderr
    assert done.stderr.count("\n") == 1


def test_help_names_its_arguments() -> None:
    done = reports("--help")
    assert done.returncode == 0
    assert "RECORDS" in done.stdout
    assert "run.json" in done.stdout
