"""Sentences are for people alone: with every one of them reworded, pages and files for programs say the same."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import pytest

import gen_core
from gen_core.records import CaseRecord, Direction, Kind, Statistic, Verdict, Work
from reports.changes import changes
from reports.evidence import evidence
from reports.load import Loaded, load_run
from reports.publish import publish
from reports.rows import page_name
from reports.wording import tolerance
from tests.reports.markup import Page
from tests.run_records import no_step_summary  # noqa: F401

REWORDED = ("expectation.py", "judgement.py", "declaration.py", "papers.py", "plugin/judging.py")
VOCABULARY = {word for words in (Direction, Kind, Statistic, Verdict, Work) for word in get_args(words)}
NAMES_OF_CONTROLS = {"mutated", "without"}  # in claim.py: how the id of a control begins
PUNCTUATION = str.maketrans({",": ";", "(": "[", ")": "]", "<": ">", ">": "<", "“": "«"})
CLAIMS = """
from gen_core import Mutation

SHIFTED = Mutation("shifted", "1 is added to the loss.")
X = (1.0, 2.0, 4.0)
GIVEN = replace(clean, rule=GD(rate=0.2))

def near(run):
    return torch.linspace(0.9, 1.1, len(run.seeds), dtype=torch.float64)

def along(run):
    return torch.stack([x ** (run.experiment.data.noise - near(run)) for x in X])

@claim(**{**TOY, "cite": TOY["cite"].paper.at("section 3, Figure 2"), "figure": None})
def test_mean(run):
    expect(loss(run), "loss").at_most(0.5)

@claim(**{**TOY, "without": {SHIFTED: clean}})
def test_worst(run):
    expect(loss(run) + run.mutated_by(SHIFTED), "loss").always_at_most(0.5)

@claim(**TOY)
def test_share(run):
    expect(near(run) + run.experiment.data.noise, "q").mostly_at_most(1.25, share=0.15)

@claim(**TOY)
def test_exponent(run):
    expect(along(run), "q").decays_in(X, exponent_at_most=-0.5)

@claim(**TOY)
def test_trend(run):
    expect(along(run), "q").decreases_in(X)

@claim(**{**TOY, "given": replace(clean, steps=0, rule=None, loss=None)})
def test_refuted(run):
    expect(near(run), "q").between(2, 3)

@claim(**TOY)
def test_undecided(run):
    expect(near(run), "q").at_least(1.001)

@claim(**{**TOY, "not_reproduced": "too small"})
def test_not_reproduced(run):
    expect(near(run), "q").at_most(0.5)

@claim(**{**TOY, "without": {noiseless: clean}})
def test_wrong_control(run):
    expect(near(run), "q").at_most(2)
"""


class Reworder(ast.NodeTransformer):
    """Turns round every word of the strings that are sentences, or parts of one."""

    def __init__(self) -> None:
        self.count = 0

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.FormattedValue:
        node.value = self.visit(node.value)
        return node  # its format is no sentence

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.JoinedStr:
        for part in node.values:
            if isinstance(part, ast.Constant):
                self._reword(part)
            else:
                self.visit(part)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        said = node.value
        if isinstance(said, str) and said not in VOCABULARY and re.search("[a-z]", said):
            sentence = re.search(r"[^\w.]", said) or said in NAMES_OF_CONTROLS
            return self._reword(node) if sentence else node
        return node

    def _reword(self, node: ast.Constant) -> ast.Constant:
        turned = re.sub(r"[^\W_]+", lambda word: word.group()[::-1], node.value).translate(PUNCTUATION)
        self.count += turned != node.value
        node.value = turned
        return node


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Loaded]:
    """A run of some claims as the library is, and one with a copy of it in which all sentences are reworded."""
    root = tmp_path_factory.mktemp("rewording")
    package = Path(gen_core.__file__).parent
    shutil.copytree(package, root / "copy" / "gen_core", ignore=shutil.ignore_patterns("__pycache__"))
    for name in REWORDED:
        file, reworder = root / "copy" / "gen_core" / name, Reworder()
        file.write_text(ast.unparse(reworder.visit(ast.parse(file.read_text(encoding="utf-8")))), encoding="utf-8")
        assert reworder.count > 5, name
    found = {}
    for name, library in (("plain", package.parent), ("reworded", root / "copy")):
        folder = root / name
        folder.mkdir()
        shutil.copy(Path(__file__).parents[1] / "toy.py", folder)
        (folder / "test_claims.py").write_text(
            f'"""The loss is small.\n\nMeasured: it."""\nfrom toy import *\n{CLAIMS}'
        )
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-n", "0"]
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(library), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stdout + done.stderr
        (records,) = (folder / "report" / "records").iterdir()
        found[name] = timeless(load_run(records))
    return found


def timeless(loaded: Loaded) -> Loaded:
    """A run without what two runs of the same may differ in, and with numbers for the names of its settings."""
    assert loaded.problems == []
    run = replace(loaded.run, run="run", started="2026-01-02T03:04:05+00:00", seconds=1.0)
    return Loaded(run, [replace(case, seconds=1.0, settings=numbered(case)) for case in loaded.cases])


def numbered(case: CaseRecord) -> dict[str, str]:
    return {f"setting {place}": said for place, said in enumerate(case.settings.values())}


def identity(case: CaseRecord) -> tuple[str, str, str]:
    """Which case it is, whatever it is called."""
    return case.claim, case.kind, case.drops


def masked(text: str, cases: Iterable[CaseRecord]) -> str:
    """A text in which the sentences of records, and the names of controls, are blanked."""
    said: set[str] = set()
    for case in cases:
        said |= {case.tolerance, tolerance(case.tolerance), case.citation, case.reference, case.reason, case.repeat}
        said |= {case.traceback, case.case, case.nodeid, page_name(case.nodeid)}
    text = " ".join(text.split())
    for sentence in sorted((" ".join(one.split()) for one in said if one.strip()), key=len, reverse=True):
        text = text.replace(sentence, "·")
    return text


def test_the_copy_says_everything_otherwise(runs) -> None:
    one, other = ({identity(case): case for case in loaded.cases} for loaded in runs.values())
    assert one.keys() == other.keys()
    assert len(one) == 18
    for key, case in one.items():
        assert (case.tolerance == "") == (other[key].tolerance == ""), key
        assert case.tolerance != other[key].tolerance or not case.tolerance, key
        assert case.citation != other[key].citation, key
        assert case.case != other[key].case or not case.control, key


def test_records_hold_the_same_facts(runs) -> None:
    words = {"nodeid": "", "case": "", "citation": "", "reference": "", "reason": "", "traceback": "", "tolerance": ""}
    words |= {"repeat": ""}
    one, other = ({identity(case): replace(case, **words) for case in loaded.cases} for loaded in runs.values())
    assert one == other
    assert {case.kind for case in one.values()} == {"setting", "control", "mutation"}
    assert {case.verdict for case in one.values()} == {"HOLDS", "REFUTED", "INCONCLUSIVE", "ERROR"}
    statistics = {case.statistic for case in one.values()}
    assert statistics == {"mean", "worst", "share", "exponent", "trend", ""}
    assert {case.place for case in one.values()} == {"Theorem 1", "section 3, Figure 2"}


def test_pages_say_the_same_facts(runs, tmp_path: Path) -> None:
    pages: list[dict[tuple[str, str, str], str]] = []
    for name, loaded in runs.items():
        publish(loaded, tmp_path / name, None)
        claims = tmp_path / name / "claims"
        pages.append(
            {identity(case): masked(Page(claims / page_name(case.nodeid)).text, loaded.cases) for case in loaded.cases}
        )
    plain, reworded = pages
    for key, page in plain.items():
        assert reworded[key] == page, key
    said = {(key[0].rpartition("::test_")[2], key[1]): page for key, page in plain.items()}
    assert "bound" in said["mean", "setting"]
    assert "of the worst of 8 seeds" in said["worst", "setting"]
    assert "As it must be: this control mutates the measure, “shifted”" in said["worst", "mutation"]
    assert "shifted mutated here" in said["worst", "mutation"]
    assert "noiseless dropped here" in said["mean", "control"]
    assert re.search(r"of the share of \d+ seeds with a value ≤ 1.25", said["share", "setting"])
    assert "of the mean exponent over 8 seeds" in said["exponent", "setting"]
    assert re.search(r"of the median rank correlation over \d+ seeds", said["trend", "setting"])
    assert "Drawn, not trained." in said["refuted", "setting"]


def test_files_for_programs_and_tables_say_the_same_facts(runs, tmp_path: Path) -> None:
    junit, tables = [], []
    for name, loaded in runs.items():
        publish(loaded, tmp_path / name, None)
        root = ElementTree.parse(tmp_path / name / "junit.xml").getroot()
        cases = {(c.get("classname"), c.get("name")): c for c in root.iter("testcase")}
        junit.append(
            {
                identity(case): [
                    (one.get("name"), one.get("value"))
                    for one in cases["test_claims", case.nodeid.partition("::")[2]].iter("property")
                    if one.get("name") != "tolerance"
                ]
                for case in loaded.cases
            }
        )
        evidence([loaded], tmp_path / name / "evidence", "this test")
        text = (tmp_path / name / "evidence" / "toy.md").read_text(encoding="utf-8").replace("\\", "")
        tables.append(sorted(masked(line, loaded.cases) for line in text.splitlines()))
    assert junit[0] == junit[1]
    assert tables[0] == tables[1]


def test_a_run_with_other_sentences_is_no_change(runs) -> None:
    named = {identity(case): case.nodeid for case in runs["plain"].cases}
    same = [replace(case, nodeid=named[identity(case)]) for case in runs["reworded"].cases]
    assert changes([runs["plain"]], Loaded(runs["reworded"].run, same)) == {}
