"""`python -m reports`: what it prints, and its exit status."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gen_core.records import write_json
from reports import history
from reports.__main__ import main
from reports.load import Loaded, load_run
from tests.run_records import judged


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


@pytest.mark.parametrize(("command", "names"), [("diff", ["RUN_A", "RUN_B", "--history", "latest", "exit status"]),
                                                ("evidence", ["RECORDS", "--command"])])  # fmt: skip
def test_help_of_the_other_commands(capsys, command: str, names: list[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    said = capsys.readouterr().out
    assert [name for name in names if name not in said] == []


def test_a_run_is_appended_to_the_history_that_is_named(records: Path, tmp_path: Path, capsys) -> None:
    for _ in range(2):
        assert main([str(records), "-o", str(tmp_path / "report"), "--history", str(tmp_path / "h")]) == 0
    assert len(history.latest(tmp_path / "h")) == 1
    assert (tmp_path / "report" / "history" / "index.html").is_file()


def test_a_history_that_is_none_is_status_2_and_nothing_is_written(records: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "h").write_text("no history " * 100)
    assert main([str(records), "-o", str(tmp_path / "report"), "--history", str(tmp_path / "h")]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"reports: {tmp_path / 'h'}: not usable as a history of runs")
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "report").exists()


@pytest.fixture
def changed(records: Path, tmp_path: Path, run, cases) -> tuple[str, str]:
    """Two folders of records: `gd` is broken in the second, `ridge` is fixed, `sgd` is slower, `lasso` has moved."""
    later = tmp_path / "later"
    write_json(later / "run.json", replace(run, run="later", started="2026-01-03T00:00:00+00:00"))
    news = {
        "gd": {"verdict": "ERROR"},
        "ridge": judged("HOLDS", -1.0, -1.1, -0.9, seeds=16),
        "sgd": {"seconds": 60.0},
        "lasso": {"values": [0.0] * 64},
    }
    write_json(later / "cases.json", [replace(case, **news.get(case.case, {})) for case in cases])
    return str(records), str(later)


def test_diff_of_two_folders(changed, tmp_path: Path, capsys) -> None:
    assert main(["diff", *changed, "-o", str(tmp_path / "d.html")]) == 0
    said = capsys.readouterr().out
    assert said.endswith("1 fixed, 1 broken, 1 changed, 1 slower, of 11 cases\n")
    assert "1 fixed, 1 broken" in (tmp_path / "d.html").read_text(encoding="utf-8")


def test_diff_of_verdicts_alone_with_an_exit_status(changed, tmp_path: Path, capsys) -> None:
    assert main(["diff", *changed, "--verdicts", "--exit-code"]) == 3
    assert capsys.readouterr().out.endswith("1 fixed, 1 broken, of 11 cases\n")
    assert main(["diff", *reversed(changed), "--verdicts", "--exit-code"]) == 3  # ridge is broken that way round
    assert main(["diff", changed[0], changed[0], "--verdicts", "--exit-code"]) == 0


def test_diff_that_only_fixes_is_status_0(records: Path, tmp_path: Path, run, cases, capsys) -> None:
    better = [replace(c, verdict="HOLDS") if c.case == "ridge" else c for c in cases]
    history.append(tmp_path / "h", load_run(records))
    history.append(tmp_path / "h", Loaded(replace(run, run="later", started="2026-01-03"), better))
    assert main(["diff", "previous", "latest", "--history", str(tmp_path / "h"), "--verdicts", "--exit-code"]) == 0
    assert capsys.readouterr().out.endswith("1 fixed, of 11 cases\n")


@pytest.mark.parametrize("given", [["absent", "latest"], ["latest", "previous"], ["{records}", "absent"]])
def test_diff_of_what_is_no_run_is_status_2(records: Path, tmp_path: Path, capsys, given) -> None:
    names = [name.format(records=records) for name in given]
    assert main(["diff", *names, "--history", str(tmp_path / "h"), "-o", str(tmp_path / "d.html")]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert str(tmp_path / "h") in printed.err
    assert not (tmp_path / "d.html").exists()


def test_diff_names_records_that_are_damaged(changed, capsys) -> None:
    (Path(changed[0]) / "attempts" / "0003.json").write_text("{", encoding="utf-8")
    assert main(["diff", *changed]) == 0
    assert capsys.readouterr().err.startswith("reports: left out: ")


def test_diff_prints_in_any_encoding(changed, case) -> None:
    write_json(Path(changed[1]) / "attempts" / "new.json", case("norm", "汉 é", verdict="HOLDS"))
    command = [sys.executable, "-m", "reports", "diff", *changed]
    done = subprocess.run(command, capture_output=True, check=False, env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert b"new (1)" in done.stdout
