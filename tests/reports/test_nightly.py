"""The nightly workflow: what it runs exists, what it keeps is kept whatever happens, and when it speaks."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from gen_core.records import CaseRecord, write_json
from reports import history
from reports.load import Loaded
from tests.run_records import judged

ROOT = Path(__file__).parents[2]
NIGHTLY = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text(encoding="utf-8"))
(JOB,) = NIGHTLY["jobs"].values()
STEPS = {step.get("name", step.get("uses")): step for step in JOB["steps"]}


def test_it_runs_each_night_and_by_hand_on_a_gpu_one_at_a_time():
    when = NIGHTLY[True]  # YAML 1.1 reads `on` so
    assert "workflow_dispatch" in when
    assert re.fullmatch(r"\d+ \d+ \* \* \*", when["schedule"][0]["cron"])
    assert {"self-hosted", "gpu"} <= set(JOB["runs-on"])
    assert NIGHTLY["permissions"] == {"contents": "read", "issues": "write"}
    assert NIGHTLY["concurrency"] == {"group": "nightly", "cancel-in-progress": False}
    assert JOB["timeout-minutes"] > 0


def test_the_options_of_the_claims_are_pytests(pytestconfig: pytest.Config):
    (arguments,) = re.findall(r'make claims ARGS="(.*)"', STEPS["Claims"]["run"], re.DOTALL)
    arguments = arguments.replace("$(date -u +%Y%m%d)", "20260103").replace("\\\n", " ")
    given = pytestconfig._parser.parse_known_args(shlex.split(arguments))
    assert (given.scale, given.seeds_from, given.device) == ("paper", "20260103", "cuda")
    assert given.require_data
    assert 60 * given.within < JOB["timeout-minutes"]
    assert given.history == "history.sqlite"


def test_the_history_is_that_of_the_site_and_is_kept_for_it():
    assert "FETCH_HEAD:history.sqlite > history.sqlite" in STEPS["History of the nights before"]["run"]
    assert "history.sqlite" in STEPS["Keep the report"]["with"]["path"].split()


def test_the_report_is_kept_always():
    kept = STEPS["Keep the report"]
    assert kept["if"] == "always()"
    assert kept["with"]["path"].split() == ["night", "history.sqlite"]


def test_the_report_that_is_kept_has_the_records_of_this_night_alone(tmp_path: Path):
    for name in ("index.html", "records/before/run.json", "records/tonight/run.json"):
        (tmp_path / "report" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "report" / name).write_text("{}")
    (tmp_path / "begun").touch()
    os.utime(tmp_path / "begun", (1000, 1000))
    os.utime(tmp_path / "report/records/before", (900, 900))
    step = STEPS["This night's report"]["run"]
    assert subprocess.run(["bash", "-eo", "pipefail", "-c", step], cwd=tmp_path, check=False).returncode == 0
    kept = {str(path.relative_to(tmp_path / "night")) for path in (tmp_path / "night").rglob("*") if path.is_file()}
    assert kept == {"index.html", "records/tonight/run.json"}


BROKEN = {"gd": judged("REFUTED", 2e-9, 1e-9, 3e-9)}
MENDED = {"ridge": judged("HOLDS", -1.0, -1.1, -0.9, seeds=16)}


def turned(case: CaseRecord, news: dict) -> CaseRecord:
    return replace(case, **news.get(case.case, {}))


@pytest.fixture
def night(tmp_path: Path, run, cases):
    """The steps after the claims, as bash runs them on a runner: what `diff` says, and what `gh` is called with."""

    def call(step: str, **outputs: str) -> subprocess.CompletedProcess:
        path = f"{tmp_path}:{os.environ['PATH']}"
        environment = {"PATH": path, "PYTHONPATH": str(ROOT), "GITHUB_OUTPUT": "output", "RUN": "https://x", **outputs}
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[step]["run"]]
        return subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    def go(before: list[CaseRecord] | None, now: list[CaseRecord] | None) -> tuple[str, str]:
        (tmp_path / ".venv/bin").mkdir(parents=True)
        programs = {
            ".venv/bin/python": f'exec {sys.executable} "$@"',
            "gh": 'echo "$@" > called; cat body.md >> called',
        }
        for name, does in programs.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
            (tmp_path / name).chmod(0o755)
        (tmp_path / "report/records").mkdir(parents=True)
        (tmp_path / "begun").touch()
        os.utime(tmp_path / "begun", (1000, 1000))
        if before is not None:
            history.append(tmp_path / "history.sqlite", Loaded(run, before))
        if now is not None:
            tonight = Loaded(replace(run, run="tonight", started="2026-01-03T00:00:00+00:00"), now)
            history.append(tmp_path / "history.sqlite", tonight)
            write_json(tmp_path / "report/records/tonight/run.json", tonight.run)
            write_json(tmp_path / "report/records/tonight/cases.json", now)
        call("What has changed since the night before")
        output = tmp_path / "output"
        status = output.read_text().strip() if output.exists() else ""
        if status == "status=3":
            assert call("Open an issue").returncode == 0
        called = tmp_path / "called"
        return status, called.read_text(encoding="utf-8") if called.exists() else ""

    return go


def test_an_issue_is_opened_for_a_verdict_that_has_turned(night, cases, tmp_path: Path):
    status, called = night(cases, [turned(case, BROKEN | MENDED) for case in cases])
    assert status == "status=3"
    assert called.startswith("issue create --title Nightly: 1 fixed, 1 broken, of 11 cases --body-file body.md\n")
    assert "HOLDS 3.1e-15 [2.2e-15, 4.4e-15] -> REFUTED" in called
    assert (tmp_path / "report/diff.html").is_file()


def test_no_issue_for_what_was_red_before_or_is_mended(night, cases):
    slower = [replace(case, seconds=900.0) for case in cases]  # and two of them are red, as they were
    assert night(cases, [turned(case, MENDED) for case in slower]) == ("status=0", "")


def test_no_issue_in_the_first_night(night, cases):
    assert night(None, cases) == ("status=2", "")


def test_no_issue_of_an_earlier_night_where_this_one_has_no_records(night, cases):
    assert night([turned(case, BROKEN) for case in cases], None) == ("", "")


def test_the_issue_waits_for_what_diff_says():
    diff = STEPS["What has changed since the night before"]
    assert STEPS["Open an issue"]["if"] == f"always() && steps.{diff['id']}.outputs.status == '3'"
    assert diff["if"].startswith("always()")


def test_actions_are_of_a_version_and_every_step_says_what_it_is():
    for step in JOB["steps"]:
        assert ("uses" in step) != ("run" in step)
        assert step.get("uses", "actions/").startswith(("actions/", "astral-sh/setup-uv@"))
