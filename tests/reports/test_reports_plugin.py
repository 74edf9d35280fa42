"""The link to pytest: renders at the end of a run, and never costs it."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from reports import plugin


class Config:
    """What the plugin uses of `pytest.Config`, invoked in `tmp_path`."""

    def __init__(self, folder: Path, report_dir: str = "report") -> None:
        self.invocation_params = SimpleNamespace(dir=folder)
        self.report_dir, self.out = report_dir, io.StringIO()

    def getoption(self, name: str) -> str:
        assert name == "report_dir"
        return self.report_dir

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


def test_it_loads_without_the_plugin_that_declares_the_hook() -> None:
    manager = pytest.PytestPluginManager()
    manager.register(plugin)
    manager.check_pending()
