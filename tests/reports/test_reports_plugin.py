"""The link to pytest: renders at the end of a run, and never costs it."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from reports import history, plugin


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
    assert plugin.pytest_gen_core_finished(config, records) == tmp_path / "report" / "index.html"
    assert config.out.getvalue() == ""


def test_a_failure_is_one_line_of_warning(tmp_path: Path) -> None:
    config = Config(tmp_path)
    assert plugin.pytest_gen_core_finished(config, tmp_path / "absent") is None
    said = config.out.getvalue()
    assert said.startswith(f"warning: no report of {tmp_path / 'absent'}: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(("given", "place"), [(None, "root/reports/history.sqlite"), ("kept/h", "kept/h")])
def test_the_run_is_appended_where_the_option_says(records: Path, tmp_path: Path, given, place) -> None:
    plugin.pytest_gen_core_finished(Config(tmp_path, history=given), records)
    assert len(history.latest(tmp_path / place)) == 1
    assert (tmp_path / "report" / "history" / "index.html").is_file()


def test_a_history_that_cannot_be_used_is_one_line_and_the_report_is_there(records: Path, tmp_path: Path) -> None:
    (tmp_path / "h").write_text("no history " * 100)
    config = Config(tmp_path, history="h")
    assert plugin.pytest_gen_core_finished(config, records) == tmp_path / "report" / "index.html"
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


def test_a_run_that_collects_only_is_no_run(suite) -> None:
    suite.claims("@claim(**TOY)\ndef test_small(run):\n    expect(loss(run), 'loss').at_most(2)\n")
    suite.run("-p", "reports.plugin", "--history", "runs.sqlite", "--plan")
    assert not (suite.pytester.path / "runs.sqlite").exists()


def test_it_loads_without_the_plugin_that_declares_the_hook() -> None:
    manager = pytest.PytestPluginManager()
    manager.register(plugin)
    manager.check_pending()
