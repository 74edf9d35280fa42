"""`gen-core store` in a process of its own: what it lists, what it removes, and when it removes nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CLAIM = """
@claim(**{**TOY, "given": AtScale(standard=clean, quick=replace(clean, steps=10))})
def test_small(run):
    expect(loss(run), "loss").at_most(2)
"""
OTHER = """
@claim(**{**TOY, "given": replace(clean, rule=GD(rate=0.2))})
def test_other(run):
    expect(loss(run), "loss").at_most(2)
"""


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as its script does."""
    code = "import sys; from gen_core.command import main; sys.exit(main())"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = {**kept, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def stored(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob(".gen-core/store/*/*.safetensors")}


@pytest.fixture
def folder(suite) -> Path:
    """A folder with two claims, and what they have trained."""
    suite.claims(CLAIM)
    suite.run("--scale", "quick", "--device", "cpu")  # 2 blocks of the quick setting, 2 of the control
    suite.claims(OTHER, "test_other.py")
    suite.run("test_other.py", "--device", "cpu")  # 2 blocks more; the control is there
    assert len(stored(suite.pytester.path)) == 6
    return suite.pytester.path


def test_the_script_is_installed_by_this_name():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"gen-core": "gen_core.command:main"}


def test_entries_are_listed_with_who_needs_them_and_pruned_if_nobody_does(folder):
    listed = command(folder, "store")
    assert (listed.returncode, listed.stderr) == (0, "")
    store, head, row, total = listed.stdout.splitlines()
    assert store == f"store: {folder / '.gen-core/store'}"
    assert head.split("  ")[0] == "EXPERIMENT"
    # four cases: the two settings, and the control that both claims have
    assert re.fullmatch(r"Linear on Points, GD  6 +24 +0\.\d  today +4 cases", row)
    assert re.fullmatch(r"in all: 6 results, 0.\d MiB; needed by none: 0 results, 0.0 MiB", total)
    before = stored(folder)
    assert "removed: 0 results" in command(folder, "store", "--prune").stdout
    assert stored(folder) == before

    (folder / "test_other.py").unlink()
    shown = command(folder, "store", "--prune", "--dry-run").stdout
    assert re.search(r"Linear on Points, GD  2 +8 .* none\nin all: 2 results, .* needed by none: 2 results", shown)
    assert stored(folder) == before
    assert "4 results" not in shown
    assert re.search(r"removed: 2 results, 0.\d MiB", command(folder, "store", "--prune").stdout)
    left = stored(folder)
    assert left < before
    assert len(left) == 4
    assert "removed: 0 results" in command(folder, "store", "--prune").stdout


def test_what_a_change_of_code_has_left_behind_is_needed_by_none(folder, suite):
    toy = folder / "toy.py"
    toy.write_text(toy.read_text().replace("X.sum(1)", "2 * X.sum(1)"))
    assert "needed by none: 6 results" in command(folder, "store").stdout
    assert "removed: 6 results" in command(folder, "store", "--prune").stdout
    assert stored(folder) == set()
    assert command(folder, "store").stdout.splitlines()[1:] == [
        "in all: 0 results, 0.0 MiB; needed by none: 0 results, 0.0 MiB"
    ]


def test_what_is_old_is_removed_needed_or_not(folder):
    old = sorted(stored(folder))[0]
    then = time.time() - 10 * 24 * 3600
    for path in folder.glob(f".gen-core/store/*/{old}.*"):
        os.utime(path, (then, then))
    assert "removed: 0 results" in command(folder, "store", "--older-than", "11").stdout
    shown = command(folder, "store", "--older-than", "9.5")
    assert re.search(r"1 +4 +0.0  10 days ago  \d cases?", shown.stdout)
    assert "removed: 1 results" in shown.stdout
    assert len(stored(folder)) == 5


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda folder: (folder / "test_broken.py").write_text("import no_such_module\n"), "no_such_module"),
        (lambda folder: [path.unlink() for path in folder.glob("test_*.py")], "there are none"),
        (lambda folder: (folder / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n"), "no-such-option"),
    ],
    ids=["broken", "none", "usage"],
)
def test_nothing_is_pruned_where_the_claims_cannot_be_collected(folder, change, why):
    before = stored(folder)
    change(folder)
    done = command(folder, "store", "--prune", "--older-than", "0")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("gen-core: claims cannot be collected (")
    assert why in line
    assert line.endswith("; nothing is pruned")
    assert stored(folder) == before
    listed = command(folder, "store")
    assert listed.returncode == 0
    assert re.search(r"Linear on Points, GD  6 .* \?\nin all: 6 results, 0.\d MiB\n", listed.stdout)


def test_a_damaged_note_is_listed_as_such(folder):
    note = next(folder.glob(".gen-core/store/*/*.json"))
    note.write_text(note.read_text().replace('"seeds"', '"sedes"'))
    listed = command(folder, "store")
    assert re.search(r"\(damaged\) +1 +0 .* none\n", listed.stdout), listed.stdout + listed.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["store", "--dry-run"], "gen-core: --dry-run alone; expected --prune or --older-than with it"),
        (["store", "--older-than", "soon"], "'soon'; expected a number of days, at least 0"),
        (["stores"], "invalid choice: 'stores' (choose from "),
    ],
)
def test_wrong_use_is_told_in_one_line(tmp_path, arguments, message):
    done = command(tmp_path, *arguments)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]


def test_help_names_the_subcommands_and_their_options(tmp_path):
    assert "List the stored trainings" in command(tmp_path, "--help").stdout
    shown = command(tmp_path, "store", "--help").stdout
    assert {"--store", "--prune", "--older-than", "--dry-run"} <= set(re.findall(r"--[a-z-]+", shown))


def test_a_store_that_is_not_there_is_refused(tmp_path):
    answer = command(tmp_path, "store", "--store", "nope")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == f"gen-core: --store {tmp_path / 'nope'}: no such folder; expected one of stored trainings\n"


MEASURED = """
from gen_core import measure

@measure
def size(run):
    return run.train_loss

@claim(**{**TOY, "given": replace(clean, rule=GD(rate=0.3))})
def test_measured(run):
    expect(size(run), "loss").at_most(2)
"""


def test_what_was_measured_goes_with_its_training(folder, suite):
    suite.claims(MEASURED, "test_measured.py")
    suite.run("test_measured.py", "--device", "cpu", "--keep-measures")
    listed = command(folder, "store").stdout
    count = int(re.search(r"^measured of them: (\d+) values, [\d.]+ MiB$", listed, re.M)[1])
    # Of the setting and of its control: two blocks each, what the hypothesis said of both, and what they draw, as data
    # for the hypothesis and with the start for each block.
    assert count == 2 * (2 + 1 + 1 + 2)
    (folder / "test_measured.py").unlink()
    (folder / "test_other.py").unlink()
    assert command(folder, "store", "--prune").returncode == 0
    after = int(re.search(r"^measured of them: (\d+) values", command(folder, "store").stdout, re.M)[1])
    assert after == 2  # of the control, which the claim that is left has too
