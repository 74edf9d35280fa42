"""`python -m reports`: what it prints, and its exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reports.__main__ import main


def test_the_path_of_the_index_is_printed_and_damage_is_named(records: Path, tmp_path: Path) -> None:
    (records / "attempts" / "0003.json").write_text('{"nodeid"', encoding="utf-8")
    command = [sys.executable, "-m", "reports", str(records), "-o", str(tmp_path / "report")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")
    assert done.returncode == 0
    assert done.stdout == f"{tmp_path / 'report' / 'index.html'}\n"
    assert done.stderr.startswith(f"reports: left out: {records / 'attempts' / '0003.json'}: not a whole JSON file")
    assert (tmp_path / "report" / "index.html").is_file()


def test_bad_input_is_status_2_of_the_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "reports", str(tmp_path / "absent"), "-o", str(tmp_path / "report")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"reports: {tmp_path / 'absent'}: no such folder")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("absent", "records: no such folder; expected the folder of a run"),
        ("empty", "records: holds no run.json; expected the folder of a run"),
        ("cut", "run.json: not a whole JSON file"),
        ("foreign", "run.json: not a RunRecord"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(tmp_path: Path, capsys, damage: str, said: str) -> None:
    records = tmp_path / "records"
    if damage != "absent":
        records.mkdir()
    if damage in ("cut", "foreign"):
        (records / "run.json").write_text({"cut": '{"run"', "foreign": '{"name": 1}'}[damage], encoding="utf-8")
    assert main([str(records), "-o", str(tmp_path / "report")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert str(records) in printed.err
    assert not (tmp_path / "report").exists()


def test_an_output_folder_that_cannot_be_written_is_status_2(records: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main([str(records), "-o", str(tmp_path / "file" / "report")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"reports: {tmp_path / 'file' / 'report'}: cannot write the report there" in printed.err
    assert printed.err.count("\n") == 1


def test_help_names_its_arguments(capsys) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    said = capsys.readouterr().out
    assert "RECORDS" in said
    assert "run.json" in said
