"""What README, CONTRIBUTING and the workflows say is there, is there, and works as they say."""

import importlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from fixtures import papers
from gen_core import Paper
from gen_core.declaration import cases_of
from gen_core.plugin.pages import NEEDED
from reports.table import BEGIN, END

ROOT = Path(__file__).parents[1]
DOCS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md", *DOCS)
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
NEEDS = {  # without the extras that `dev` includes
    extra: [need for line in lines if (need := Requirement(line)).name != PROJECT["name"]]
    for extra, lines in EXTRAS.items()
}
NEEDS[""] = [Requirement(line) for line in PROJECT["dependencies"]]
CLAIMS = [
    test
    for file in sorted((ROOT / "claims").glob("test_*.py"))
    for test in vars(importlib.import_module(f"claims.{file.stem}")).values()
    if cases_of(test)
]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_table_of_options_is_the_command_line(pytestconfig: pytest.Config):
    group = next(g for g in pytestconfig._parser._groups if g.name == "gen-core")
    there = {name for option in group.options for name in option.names()}
    options = (ROOT / "docs/running.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(--[a-z-]+)", options, re.MULTILINE)) == there


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_that_are_named_have_options_that_there_are(document: str, pytestconfig: pytest.Config):
    """Of pytest; those of the commands in `reports` and `gen_core` are tested beside these."""
    text = (ROOT / document).read_text(encoding="utf-8")
    commands = re.findall(r"(?:^ {4}.*?|`|^)\bpytest ([^`\n]*)", text, re.MULTILINE)
    there = {name for group in pytestconfig._parser._groups for option in group.options for name in option.names()}
    there |= {name for option in pytestconfig._parser._anonymous.options for name in option.names()}
    named = {each for command in commands for each in re.findall(r"(?<!\S)(--?[a-zA-Z][\w-]*)", command)}
    assert named - there == set()


@pytest.mark.parametrize(
    "document",
    [
        *DOCUMENTS,
        ".github/pull_request_template.md",
        ".ci/run",
        ".github/workflows/test.yml",
        ".github/workflows/nightly.yml",
        ".github/workflows/pages.yml",
    ],
)
def test_make_targets_that_are_named_are_there(document: str):
    text = (ROOT / document).read_text(encoding="utf-8")
    named = re.findall(r"(?:^ *|`|run: )make ([a-z.][\w./]*)", text, re.MULTILINE)
    assert set(named) <= TARGETS | {".venv/.ready"}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_are_named_are_there(document: str):
    text = (ROOT / document).read_text(encoding="utf-8")
    linked = re.findall(r"\]\((?!https?:)([^)]+)\)", text)
    named = {(ROOT / document).parent / link for link in linked}
    named |= {ROOT / path for path in re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", text)}
    planned = {ROOT / "claims/test_theory_iii_zero_start.py"}
    assert [path for path in sorted(named - planned) if not path.exists()] == []


def test_the_readme_is_short_and_its_pictures_are_small():
    assert len(README.splitlines()) <= 150
    pictures = [ROOT / path for path in re.findall(r"!\[[^\]]+\]\((?!https:)([^)]+)\)", README)]
    assert len(pictures) == 2
    assert sum(picture.stat().st_size for picture in pictures) <= 300_000


def test_the_ten_lines_of_the_readme_print_what_it_says(tmp_path: Path):
    example, *printed = re.findall(r"```(?:python|console)\n(.*?)```", README, re.DOTALL)
    for source, said in zip((example, example.replace("rate=0.1", "rate=0.0001")), printed, strict=True):
        file = tmp_path / "test_mine.py"
        file.write_text(source, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", file.name]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=900)
        lines = {_without_time(line) for line in ended.stdout.splitlines()}
        assert [line for line in said.splitlines() if _without_time(line) not in lines] == [], ended.stdout


def _without_time(line: str) -> str:
    """A line of the terminal without seconds, share of cases done, and what the width of the terminal cuts or pads."""
    return " ".join(re.sub(r", [\d.]+ s$|\[ *\d+%\]$| - gen_core.*", "", line).split())


def test_the_result_table_of_the_readme_is_that_of_the_lists_and_the_claims():
    """Statements without a claim, those that cannot be tested, and those declared as not reproduced; the rest holds."""
    table = README.partition(BEGIN)[2].partition(END)[0]
    rows = {row[0]: [int(number) for number in row[1:]] for row in
            (line.strip("| ").split(" | ") for line in table.splitlines() if re.search(r"\d \|$", line))}  # fmt: skip
    tested: dict[str, dict[str, bool]] = {}
    for case in (case for test in CLAIMS for case in cases_of(test).values() if case.drops is None):
        of_paper = tested.setdefault(case.claim.cite.paper.key, {})
        for name in case.claim.cite.statements:
            of_paper[name] = of_paper.get(name, True) and not case.not_reproduced("quick")
    total = [0] * 6
    for paper in (paper for paper in vars(papers).values() if isinstance(paper, Paper)):
        held = tested[paper.key]
        listed, untestable = len(paper.statements), sum(bool(one.not_testable) for one in paper.statements)
        holds = sum(held.values())
        expected = [listed, holds, len(held) - holds, listed - untestable - len(held), untestable, 0]
        assert rows[str(paper)] == expected
        total = [one + other for one, other in zip(total, expected, strict=True)]
    assert rows["**all**"] == total


def test_the_example_of_the_docs_is_green(tmp_path: Path):
    example = (
        (ROOT / "docs/writing-claims.md").read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    )
    file = tmp_path / "test_theory_iii_zero_start.py"
    file.write_text(example, encoding="utf-8")

    options = ["--scale", "quick", "--store", str(tmp_path / "store"), "--report-dir", str(tmp_path / "report")]
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-p", "no:cacheprovider", str(file), *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)

    assert ended.returncode == 0, ended.stdout
    assert "1 passed, 1 xfailed" in ended.stdout


def test_what_the_workflows_use_is_pinned_to_a_commit():
    used = [line for path in WORKFLOWS for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    assert used
    assert [line for line in used if not re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)] == []
    versions = {re.search(r"uses: ([\w-]+/[\w-]+)\S*@(.*)", line).groups() for line in used}  # type: ignore[union-attr]
    assert len(versions) == len({action for action, _ in versions})
    (update,) = read(ROOT / ".github/dependabot.yml")["updates"]
    assert (update["package-ecosystem"], update["directory"]) == ("github-actions", "/")


def test_ci_tests_the_versions_of_python_that_the_project_names():
    jobs = read(ROOT / ".github/workflows/test.yml")["jobs"]
    matrix = jobs["test"]["strategy"]["matrix"]["include"]
    named = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r"Python :: 3\.", c)]
    assert [entry["python"] for entry in matrix] == named
    assert PROJECT["requires-python"] == f">={named[0]}"
    assert {"coverage"} < {entry["tests"] for entry in matrix} <= TARGETS
    lowest = [
        step["with"]["python-version"] for step in jobs["lowest"]["steps"] if "setup-python" in step.get("uses", "")
    ]
    assert lowest == named[:1]


def test_every_dependency_has_a_lowest_version():
    needs = [need for extra in NEEDS.values() for need in extra]
    assert [str(need) for need in needs if not any(s.operator == ">=" for s in need.specifier)] == []


def test_the_pages_ask_for_what_their_extra_installs():
    assert sorted(NEEDED) == sorted(need.name for need in NEEDS["report"])
    assert {extra for line in EXTRAS["dev"] for extra in Requirement(line).extras} >= {"report", "data", "docs"}


def test_the_lock_is_of_these_dependencies_and_names_public_hosts_alone():
    text = (ROOT / "uv.lock").read_text(encoding="utf-8")
    assert set(re.findall(r"\w+://([^/\"\s]+)", text)) == {"pypi.org", "files.pythonhosted.org"}
    packages = tomllib.loads(text)["package"]
    (ours,) = [package for package in packages if package["name"] == PROJECT["name"]]
    assert ours["version"] == PROJECT["version"]

    locked = {
        (
            need["name"],
            frozenset(need.get("extras", ())),
            Requirement("x" + need["specifier"]).specifier,
            need.get("marker"),
        )
        for need in ours["metadata"]["requires-dist"]
        if need["name"] != PROJECT["name"]
    }
    assert locked == {
        (need.name, frozenset(need.extras), need.specifier, f"extra == '{extra}'" if extra else None)
        for extra, needs in NEEDS.items()
        for need in needs
    }
    for need in (need for needs in NEEDS.values() for need in needs):
        versions = [package["version"] for package in packages if package["name"] == need.name]
        assert versions, need
        assert all(need.specifier.contains(version) for version in versions), need


def test_the_citation_is_of_this_version_and_of_the_papers_whose_claims_are_tested():
    citation = read(ROOT / "CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert (citation["cff-version"], citation["type"], citation["title"]) == ("1.2.0", "software", PROJECT["name"])
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])
    assert citation["repository-code"] == PROJECT["urls"]["Repository"]
    assert [author["name"] for author in citation["authors"]] == [author["name"] for author in PROJECT["authors"]]

    def named(author: dict[str, str]) -> str:
        return author.get("family-names") or author["name"]

    cited = {(r["title"], r["year"], ", ".join(map(named, r["authors"]))) for r in citation["references"]}
    known = [paper for paper in vars(papers).values() if isinstance(paper, Paper)]
    assert cited == {(paper.title, paper.year, paper.authors) for paper in known}
    assert len(citation["references"]) == len(known)


def test_zenodo_is_told_what_the_citation_says():
    citation = read(ROOT / "CITATION.cff")
    told = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    assert told == {
        "title": citation["title"],
        "description": citation["abstract"],
        "upload_type": citation["type"],
        "version": citation["version"],
        "license": citation["license"],
        "creators": citation["authors"],
        "keywords": citation["keywords"],
    }


def test_a_workflow_may_write_only_what_it_publishes():
    written = {
        (path.stem, scope)
        for path in WORKFLOWS
        for rights in [read(path)["permissions"], *(job.get("permissions", {}) for job in read(path)["jobs"].values())]
        for scope, right in rights.items()
        if right == "write"
    }
    assert written == {("nightly", "issues"), ("pages", "contents"), ("release", "contents"), ("release", "id-token")}


@pytest.mark.parametrize("path", [path for path in FORMS if path.stem != "config"], ids=lambda path: path.stem)
def test_an_issue_form_is_one_that_github_shows(path: Path):
    form = read(path)
    assert set(form) == {"name", "description", "title", "labels", "body"}
    assert all(field["type"] in ("input", "textarea") and field["attributes"]["label"] for field in form["body"])
    names = [field["id"] for field in form["body"]]
    assert len(set(names)) == len(names)


def test_the_address_of_the_repository_is_the_same_everywhere():
    address = PROJECT["urls"]["Repository"]
    site = "https://{}.github.io/{}/".format(*address.removeprefix("https://github.com/").split("/"))
    assert all(url.startswith((address, site)) for url in PROJECT["urls"].values())
    (link,) = read(ROOT / ".github/ISSUE_TEMPLATE/config.yml")["contact_links"]
    assert link["url"].startswith(f"{address}/security/")
    assert (ROOT / "SECURITY.md").is_file()
