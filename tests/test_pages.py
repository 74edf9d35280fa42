"""The steps of the workflows that publish the site and take the history from it, run by bash against a repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

WORKFLOWS = Path(__file__).parents[1] / ".github/workflows"


def git(*arguments: str, at: Path) -> str:
    return subprocess.run(["git", *arguments], cwd=at, check=True, capture_output=True, text=True).stdout


class Remote:
    """A bare repository, which each run of the workflow clones afresh."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bare = folder / "bare"
        self.runs = 0
        git("init", "--quiet", "--bare", "--initial-branch", "main", str(self.bare), at=folder)
        first = folder / "first"
        git("clone", "--quiet", str(self.bare), str(first), at=folder)
        (first / ".gitignore").write_text("/build/\n*.sqlite\n", encoding="utf-8")
        git("add", "-A", at=first)
        author = ("-c", "user.name=a", "-c", "user.email=a@b")
        git(*author, "commit", "--quiet", "-m", "first", at=first)
        git("push", "--quiet", "origin", "HEAD:main", at=first)

    def publish(self, files: dict[str, str]) -> dict[str, str]:
        """Publish what the steps before leave in build; returns the files of gh-pages."""
        self.run("pages", "Publish", {f"build/{name}": text for name, text in files.items()})
        names = git("ls-tree", "-r", "--name-only", "gh-pages", at=self.bare).splitlines()
        return {name: git("show", f"gh-pages:{name}", at=self.bare) for name in names}

    def run(self, workflow: str, step: str, files: dict[str, str]) -> Path:
        """Run a step of a workflow in a clone with some more files; returns the clone."""
        self.runs += 1
        clone = self.folder / f"run-{self.runs}"
        git("clone", "--quiet", "--depth", "1", f"file://{self.bare}", str(clone), at=self.folder)
        for name, text in files.items():
            file = clone / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        (job,) = yaml.safe_load((WORKFLOWS / f"{workflow}.yml").read_text(encoding="utf-8"))["jobs"].values()
        (command,) = [each["run"] for each in job["steps"] if each.get("name") == step]
        ran = subprocess.run(["bash", "-eo", "pipefail", "-c", command], cwd=clone, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return clone


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    return Remote(tmp_path)


def test_docs_the_report_of_the_last_night_and_the_history_are_published(remote: Remote):
    night = {"last/night/index.html": "night 1", "last/night/old.html": "", "last/history.sqlite": "history 1"}
    assert remote.publish({"docs/index.html": "docs 1", "docs/gone.html": "", **night}) == {
        ".nojekyll": "",
        "gone.html": "",
        "history.sqlite": "history 1",
        "index.html": "docs 1",
        "nightly/index.html": "night 1",
        "nightly/old.html": "",
    }
    kept = {".nojekyll": "", "history.sqlite": "history 1", "nightly/index.html": "night 1", "nightly/old.html": ""}
    assert remote.publish({"docs/index.html": "docs 2"}) == {**kept, "index.html": "docs 2"}
    assert remote.publish({"docs/index.html": "docs 2", "last/night/index.html": "night 2"}) == {
        ".nojekyll": "",
        "history.sqlite": "history 1",
        "index.html": "docs 2",
        "nightly/index.html": "night 2",
    }


def test_a_site_that_is_the_same_is_not_committed_again(remote: Remote):
    for _ in range(2):
        remote.publish({"docs/index.html": "docs"})
    assert git("rev-list", "--count", "gh-pages", at=remote.bare).strip() == "1"


def test_a_night_begins_with_the_history_that_the_site_has(remote: Remote):
    step = ("nightly", "History of the nights before")
    assert not (remote.run(*step, {"history.sqlite": "of another night"}) / "history.sqlite").exists()
    remote.publish({"docs/index.html": "docs"})
    assert not (remote.run(*step, {}) / "history.sqlite").exists()
    remote.publish({"docs/index.html": "docs", "last/night/index.html": "", "last/history.sqlite": "history 1"})
    assert (remote.run(*step, {"history.sqlite": "old"}) / "history.sqlite").read_text("utf-8") == "history 1"
