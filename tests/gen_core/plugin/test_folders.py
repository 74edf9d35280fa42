"""Where a run leaves its store and its report, and what git sees of them."""

from __future__ import annotations

import subprocess

import pytest

CLAIM = """
@claim(**TOY)
def test_small(run):
    expect(loss(run), "loss").at_most(2)
"""


def seen_by_git(folder) -> set[str]:
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    command = ["git", "status", "--porcelain", "--untracked-files=all"]
    lines = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.splitlines()
    return {line[3:] for line in lines if not line.endswith((".pyc", ".ini"))}


@pytest.mark.parametrize("workers", ["0", "2"])
def test_from_a_folder_below_both_lie_at_the_root_and_git_sees_neither(suite, monkeypatch, workers):
    suite.claims(CLAIM)
    root = suite.pytester.path
    (root / "pytest.ini").touch()
    (root / "below").mkdir()
    monkeypatch.syspath_prepend(root)
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.chdir(root / "below")
    result = suite.run("-n", workers, "--rootdir", str(root), str(root / "test_claims.py"))
    assert result.ret == 0
    assert result.outlines[-1].startswith(f"records: {root / 'report' / 'records'}/")
    assert list((root / "below").iterdir()) == []
    assert list((root / ".gen-core" / "store").glob("*/*.safetensors"))
    assert seen_by_git(root) == {"test_claims.py", "toy.py"}


def test_folders_that_are_there_or_are_asked_for_stay_as_they_are(suite, monkeypatch):
    suite.claims(CLAIM)
    root = suite.pytester.path
    (root / "report").mkdir()
    (root / "report" / "mine.txt").touch()
    (root / "kept").mkdir()
    suite.run("--store", "kept/new")
    assert not (root / "report" / ".gitignore").exists()
    assert not (root / "kept" / ".gitignore").exists()
    assert (root / "kept" / "new" / ".gitignore").read_text() == "*\n"

    (root / "below").mkdir()
    monkeypatch.chdir(root / "below")
    result = suite.run("--rootdir", str(root), "--report-dir", "published", str(root / "test_claims.py"))
    assert result.outlines[-1].startswith(f"records: {root / 'below' / 'published' / 'records'}/")
    assert not (root / "below" / "published" / ".gitignore").exists()
