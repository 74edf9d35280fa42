"""A folder with a toy paper in it, for tests that run pytest on claims."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import gen_core.plugin.claims  # noqa: F401  # pytester forgets what runs within it import; torch can be imported once
from gen_core.records import CaseRecord, RunRecord, last_attempts, read_run
from tests.browsing import browser, open_page  # noqa: F401
from tests.run_records import case, cases, figure, no_step_summary, records, run  # noqa: F401

# A machine of any speed passes: Hypothesis fails by default what takes 200 ms, or is slow to draw.
settings.register_profile("any speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any speed")

BARE = ("-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:benchmark", "-p", "no:gen_core.report.plugin")


@dataclass
class Suite:
    """Claims of a toy paper (`toy.py`) and what running them leaves behind."""

    pytester: pytest.Pytester

    def claims(self, body: str, name: str = "test_claims.py") -> Path:
        path = self.pytester.path / name
        path.write_text(f'"""The loss is small.\n\nMeasured: the training loss."""\nfrom toy import *\n\n{body}\n')
        return path

    def run(self, *arguments: str) -> pytest.RunResult:
        return self.pytester.runpytest_inprocess(*BARE, *arguments)

    @property
    def folder(self) -> Path:
        return max((self.pytester.path / "report" / "records").iterdir())

    @property
    def record(self) -> RunRecord:
        return read_run(self.folder / "run.json")

    @property
    def cases(self) -> dict[str, CaseRecord]:
        return {record.nodeid.rpartition("::")[2]: record for record in last_attempts(self.folder)[0]}


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    pytester.makepyfile(toy=Path(__file__).with_name("toy.py").read_text())
    return Suite(pytester)


@pytest.fixture
def real_data():
    if not os.environ.get("GEN_CORE_DATA"):
        pytest.skip("GEN_CORE_DATA is not set; set it to a folder that `make data` has filled")
