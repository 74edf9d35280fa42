"""Full disks: one line with the option, every verdict on the terminal, no litter. Disks are small ones in memory."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

FILLING = """
def fill():
    with open(os.environ["FILLED"] + "/filler", "ab", buffering=0) as out:
        try:
            while True:
                out.write(bytes(512))
        except OSError:
            pass

@claim(**TOY)
def test_before(run):
    expect(loss(run), "loss").at_most(2)
    fill()

@claim(**TOY)
def test_false(run):
    fill()
    expect(loss(run), "loss").at_most(-1)

@claim(**TOY)
def test_holds(run):
    fill()
    expect(loss(run), "loss").at_most(2)
"""
LARGE = """
@claim(**{**TOY, "given": {f"d {d}": replace(clean, data=Points(d=d)) for d in (3, 9000, 9001)}})
def test_large(run):
    expect(loss(run), "loss").at_least(0)
"""


@pytest.fixture
def disk(tmp_path: Path):
    """Mounts a disk of a size; a second call changes the size."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(size: str) -> Path:
        options = size if "ro" in size else f"size={size}"
        options = f"remount,{options}" if place.is_mount() else options
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"no disk can be mounted here: {done.stderr.decode().strip()}")
        return place

    yield mount
    if place.is_mount():
        subprocess.run(["umount", place], check=True)


def printed(result: pytest.RunResult) -> list[str]:
    lines = result.outlines + result.errlines
    assert not [line for line in lines if "Traceback" in line or "INTERNALERROR" in line]
    return lines


def litter(folder: Path) -> list[Path]:
    return list(folder.rglob("*.part"))


@pytest.mark.parametrize("workers", ["0", "2"])
def test_verdicts_are_on_the_terminal_though_their_records_are_not_on_the_disk(suite, disk, monkeypatch, workers):
    place = disk("256k")
    monkeypatch.setenv("FILLED", str(place))
    suite.claims(FILLING)
    result = suite.run("-n", workers, "--report-dir", str(place), "-k", "given")
    lines = printed(result)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["REFUTED  false?given? *", "HOLDS    before?given? *", "HOLDS    holds?given? *"])
    wanted = f"warning: --report-dir {place}: records cannot be written (No space left on device); "
    assert [line for line in lines if "No space" in line] == [f"{wanted}expected room there, or another folder"]
    assert litter(place) == []


def test_a_disk_that_is_full_makes_a_run_red_that_holds(suite, disk, monkeypatch):
    place = disk("256k")
    monkeypatch.setenv("FILLED", str(place))
    suite.claims(FILLING)
    result = suite.run("--report-dir", str(place), "-k", "given and not false")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["HOLDS  before?given? *", "HOLDS  holds?given? *", "warning: --report-dir *"])


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_disk_that_is_full_from_the_start_is_a_mistake_of_the_command_line(suite, disk, workers):
    place = disk("4k")
    suite.claims(FILLING)
    result = suite.run("-n", workers, "--report-dir", str(place))
    wanted = f"--report-dir {place}: records cannot be written (No space left on device); expected room there, or "
    assert len([line for line in printed(result) if wanted in line]) == 1
    assert result.ret != 0
    assert litter(place) == []


def test_a_full_store_is_an_error_of_its_cases_and_goes_on_once_there_is_room(suite, disk):
    place = disk("256k")
    suite.claims(LARGE)
    result = suite.run("--store", str(place))
    printed(result)
    assert result.ret == 1
    cases = suite.cases
    assert cases["test_large[d 3]"].verdict == "HOLDS"
    assert cases["test_large[d 9000]"].verdict == "ERROR"
    reason = cases["test_large[d 9000]"].reason
    assert reason.startswith(f"--store {place}: cannot keep a training (")
    assert "No space left on device" in reason
    assert reason.endswith("; expected room, or another folder")
    assert litter(place) == []
    kept = len(list(place.glob("??/*.json")))
    disk("16m")
    again = suite.run("--store", str(place))
    assert again.ret == 1  # of the control, which holds
    assert suite.cases["test_large[d 9000]"].verdict == "HOLDS"
    assert suite.record.trainings == 8 - kept


def test_a_store_that_can_only_be_read_suffices_if_it_has_all_trainings(suite, disk):
    place = disk("4m")
    suite.claims(FILLING.replace("fill()\n", "pass\n"))
    assert suite.run("--store", str(place), "-k", "holds").ret == 0
    disk("ro")
    assert suite.run("--store", str(place), "-k", "holds").ret == 0
    assert suite.record.trainings == 0
    refused = suite.run("--store", str(place), "-k", "holds", "--seeds-from", "5")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines([f"*--store {place} cannot be written (Read-only file system); expected a writable*"])


def test_a_full_disk_for_the_history_costs_the_history_alone(suite, disk):
    place = disk("16k")
    suite.claims(FILLING.replace("fill()\n", "pass\n"))
    result = suite.run("-p", "reports.plugin", "--history", str(place / "h"), "-k", "holds")
    lines = [line for line in printed(result) if "disk is full" in line]
    assert lines == [
        f"warning: --history {place / 'h'}: the run is not in it (database or disk is full); "
        "expected room there, or another folder"
    ]
    assert result.ret == 1
    assert result.outlines[-1].startswith("report: ")


def test_a_report_that_does_not_fit_is_one_line(suite, disk):
    place = disk("128k")  # the records of a case fit, its pages do not
    suite.claims(FILLING.replace("fill()\n", "pass\n"))
    result = suite.run("-p", "reports.plugin", "--report-dir", str(place), "-k", "holds")
    lines = [line for line in printed(result) if "No space" in line]
    wanted = (
        f"warning: --report-dir {place}: no report (No space left on device); expected room there, or another folder"
    )
    assert lines == [wanted]
    assert result.ret == 1
    assert litter(place) == []
