"""Faults, and what becomes of the claims once one is planted in a copy of the tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gen_core.records import ERROR, HOLDS, NOT_RUN, REFUTED, CaseRecord, last_attempts

ROOT = Path(__file__).parents[2]
COPIED = ("gen_core", "fixtures", "claims", "reports", "tests", "conftest.py", "pyproject.toml")
LONGEST = 900
"""Seconds after which a run is ended: a fault may make a loop endless."""


class DoesNotApply(Exception):
    """The text of a fault is not in its file exactly once."""


@dataclass(frozen=True)
class Fault:
    """A fault: one edit of one file, and what must turn red with it.

    Attributes:
        name: what is wrong, in a few words; `-k` selects by them.
        file: the file, from the root of the repository.
        old: text that occurs in it exactly once.
        new: what it is replaced by.
        red: node ids of claims, or of tests of the suite, each of which must turn red. One without a case in brackets
            is red if one of its cases is. Name single cases that are cheap.
        short: whether it is on the short list, which CI runs.
    """

    name: str
    file: str
    old: str
    new: str
    red: tuple[str, ...]
    short: bool = False

    def plant(self, tree: Path) -> None:
        """Make the edit in a copy of the tree.

        Raises:
            DoesNotApply: if the text is not there exactly once; the message names file and text.
        """
        path = tree / self.file
        source = path.read_text(encoding="utf-8") if path.is_file() else ""
        if (times := source.count(self.old)) != 1:
            raise DoesNotApply(f"{self.file} has {self.old!r} {times} times; expected once (fault {self.name!r})")
        path.write_text(source.replace(self.old, self.new), encoding="utf-8")


@dataclass(frozen=True)
class Outcome:
    """What became of one node id: "red", "green" or "not run", and how, in words."""

    state: str
    how: str


@dataclass(frozen=True)
class Settings:
    """How claims are run: the base of their seeds, and the number of cases that the error budget is split over."""

    seeds_from: str = "0"
    cases: int = 1


def copy_tree(tree: Path) -> None:
    """Copy what claims and tests need, without compiled code, which could be that of another file of the same time."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            tree.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)


def link_store(store: Path, tree: Path) -> None:
    """Give a tree the trainings of another one.

    A fault in what a training depends on changes its key, so that they are found only where they are still right; if a
    key misses it, they hide the fault, and the fault is reported as passed.
    """
    if store.is_dir():
        shutil.copytree(store, tree / "store", copy_function=os.link, ignore=shutil.ignore_patterns("locks"))


def outcomes(tree: Path, nodes: Sequence[str], settings: Settings) -> dict[str, Outcome]:
    """Run nodes in a tree at the quick scale; node -> outcome."""
    claims = [node for node in nodes if node.startswith("claims/")]
    found = {node: _test(tree, node) for node in nodes if node not in claims}
    if claims:
        options = ["--scale", "quick", "--seeds-from", settings.seeds_from, "--budget-over", str(settings.cases)]
        folder = tree / "report"
        shutil.rmtree(folder, ignore_errors=True)
        said = _pytest(tree, *claims, "-p", "no:reports.plugin", *options, "--report-dir", "report", "--store", "store")
        records = [record for run in (folder / "records").glob("*") for record in last_attempts(run)[0]]
        found |= {node: _claim(node, records, said) for node in claims}
    return {node: found[node] for node in nodes}


def _claim(node: str, records: list[CaseRecord], said: str) -> Outcome:
    own = [r for r in records if r.nodeid == node or ("[" not in node and r.nodeid.startswith(f"{node}["))]
    if not own or any(record.verdict is None for record in own):
        return Outcome("not reached", said)
    for record in own:
        if not record.as_expected and record.verdict in (ERROR, REFUTED, HOLDS):
            how = "control holds" if record.control and record.verdict == HOLDS else record.verdict
            return Outcome("red", f"{how}: {_numbers(record)}")
    if all(record.verdict == NOT_RUN for record in own):
        return Outcome("not run", own[0].reason)
    return Outcome("green", "; ".join(dict.fromkeys(f"{record.verdict}: {_numbers(record)}" for record in own)))


def _numbers(record: CaseRecord) -> str:
    if record.verdict == ERROR or record.estimate is None:
        return record.reason
    return f"{record.measured} {record.estimate:.3g}, claimed {record.tolerance}"


def _test(tree: Path, node: str) -> Outcome:
    said = _pytest(tree, node, "-x")
    if " passed" in said and " failed" not in said and " error" not in said:
        return Outcome("green", said)
    return Outcome("red" if " failed" in said or " error" in said else "not reached", said)


def _pytest(tree: Path, *arguments: str) -> str:
    """Run pytest in a tree; returns its last line."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "--color=no", *arguments]
    environment = {"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ended = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        return f"ended after {LONGEST} s"
    lines = [line for line in (ended.stdout + ended.stderr).splitlines() if line and not line.startswith("records:")]
    return lines[-1] if lines else f"exit status {ended.returncode}"
