"""The link to pytest: renders at the end of a run, and never costs it."""

from __future__ import annotations

import io
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from reports import history, plugin
from reports.diff import compare, two_runs


class Config:
    """What the plugin uses of `pytest.Config`, invoked in `tmp_path`."""

    def __init__(self, folder: Path, report_dir: str = "report", history: str | None = None) -> None:
        self.invocation_params, self.rootpath = SimpleNamespace(dir=folder), folder / "root"
        self.options, self.out = {"report_dir": report_dir, "history": history}, io.StringIO()

    def getoption(self, name: str) -> str | None:
        return self.options[name]

    def get_terminal_writer(self) -> Config:
        return self

    def line(self, text: str, **_: bool) -> None:
        self.out.write(text + "\n")


def test_the_report_is_rendered_where_the_option_says(records: Path, tmp_path: Path) -> None:
    config = Config(tmp_path)
    assert plugin.pytest_gen_core_finished(config, records, []) == tmp_path / "report" / "index.html"
    assert config.out.getvalue() == ""


def test_a_failure_is_one_line_of_warning(tmp_path: Path) -> None:
    config = Config(tmp_path)
    assert plugin.pytest_gen_core_finished(config, tmp_path / "absent", []) is None
    said = config.out.getvalue()
    assert said.startswith(f"warning: no report of {tmp_path / 'absent'}: ")
    assert said.count("\n") == 1


def test_the_history_lies_among_the_reports_where_there_are_any(records: Path, tmp_path: Path) -> None:
    (tmp_path / "root" / "reports").mkdir(parents=True)
    plugin.pytest_gen_core_finished(Config(tmp_path), records, [])
    assert len(history.latest(tmp_path / "root" / "reports" / "history.sqlite")) == 1


@pytest.mark.parametrize(("given", "place"), [(None, "root/.gen-core/history.sqlite"), ("kept/h", "kept/h")])
def test_the_run_is_appended_where_the_option_says(records: Path, tmp_path: Path, given, place) -> None:
    plugin.pytest_gen_core_finished(Config(tmp_path, history=given), records, [])
    assert len(history.latest(tmp_path / place)) == 1
    assert (tmp_path / "report" / "history" / "index.html").is_file()


def test_a_history_that_cannot_be_used_is_one_line_and_the_report_is_there(records: Path, tmp_path: Path) -> None:
    (tmp_path / "h").write_text("no history " * 100)
    config = Config(tmp_path, history="h")
    assert plugin.pytest_gen_core_finished(config, records, []) == tmp_path / "report" / "index.html"
    said = config.out.getvalue()
    assert said.startswith(f"warning: the run is not in the history: {tmp_path / 'h'}: not usable as a history of runs")
    assert said.count("\n") == 1


def test_runs_of_pytest_build_a_history(suite) -> None:
    suite.claims("@claim(**TOY)\ndef test_small(run):\n    expect(loss(run), 'loss').at_most(2)\n")
    command = ("-p", "reports.plugin", "--history", "runs.sqlite")
    first = suite.run(*command)
    first.assert_outcomes(passed=1, xfailed=1)
    first.stdout.no_fnmatch_line("warning:*")
    suite.claims("@claim(**TOY)\ndef test_small(run):\n    expect(loss(run), 'loss').at_most(1e-9)\n")
    suite.run(*command, "-n", "2").assert_outcomes(failed=1, xfailed=1)
    runs = history.latest(suite.pytester.path / "runs.sqlite")
    assert [(one.run.exit_status, len(one.cases)) for one in runs] == [(0, 2), (1, 2)]
    said = (suite.pytester.path / "report" / "summary.md").read_text(encoding="utf-8")
    assert "| broken | test\\_claims.py::test\\_small\\[given\\] | HOLDS" in said


MEASURES = """
from toy import loss

def plain(run):
    return loss(run)

def root(run):
    return loss(run) ** 0.5

def above(run):
    return plain(run) + 1
"""
THREE = """
import measures

@claim(**TOY)
def test_plain(run):
    expect(measures.plain(run), "loss").at_most(9)

@claim(**TOY)
def test_root(run):
    expect(measures.root(run), "root of the loss").at_most(9)

@claim(**TOY)
def test_above(run):
    expect(measures.above(run), "loss and one").at_most(9)
"""


def test_a_broken_line_of_a_measure_shows_as_the_claims_that_it_touches(suite) -> None:
    kept = suite.pytester.path / "runs.sqlite"
    suite.claims(THREE)
    for line in ("return loss(run)\n", "return loss(run) * 1.001\n"):
        suite.pytester.path.joinpath("measures.py").write_text(MEASURES.replace("return loss(run)\n", line))
        suite.run("-p", "reports.plugin", "--history", str(kept))
    assert suite.record.trainings == 0
    found = compare(*two_runs("previous", "latest", kept))
    assert {change.kind for change in found.values()} == {"changed"}
    assert {nodeid.partition("[")[0].rpartition("::")[2] for nodeid in found} == {"test_plain", "test_above"}
    assert len(found) == 4  # each with its control


def test_five_runs_with_seeds_of_their_own_show_their_spread(suite) -> None:
    suite.claims("@claim(**TOY)\ndef test_small(run):\n    expect(loss(run), 'loss').at_most(2)\n")
    for base in range(301, 306):
        suite.run("-p", "reports.plugin", "--history", "runs.sqlite", "--seeds-from", str(base))
    (page,) = (suite.pytester.path / "report" / "history").glob("test-small-*.html")
    text = page.read_text(encoding="utf-8")
    figures = re.findall(r'<svg class="trend".*?</svg>', text, re.DOTALL)
    assert len(figures) == 2
    for figure in figures:
        assert figure.count("<circle") == 5
        heights = [float(y) for y in re.findall(r"M[\d.]+ ([\d.]+)h0", figure)]
        assert len(heights) >= 40
        assert max(heights) - min(heights) > 20  # of the 108 of the plot


def test_a_run_that_collects_only_is_no_run(suite) -> None:
    suite.claims("@claim(**TOY)\ndef test_small(run):\n    expect(loss(run), 'loss').at_most(2)\n")
    suite.run("-p", "reports.plugin", "--history", "runs.sqlite", "--plan")
    assert not (suite.pytester.path / "runs.sqlite").exists()


def test_it_loads_without_the_plugin_that_declares_the_hook() -> None:
    manager = pytest.PytestPluginManager()
    manager.register(plugin)
    manager.check_pending()
