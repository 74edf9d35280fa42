"""Killed workers and killed runs lose nothing but what they were at."""

from __future__ import annotations

import signal
import sys

import pytest

KILLED = """
@claim(**TOY)
def test_killed(run):
    if not run.experiment.data.noise:
        os.kill(os.getpid(), 9)
    expect(loss(run), "loss").at_most(2)

@claim(**TOY)
def test_one(run):
    expect(loss(run), "loss").at_most(2)

@claim(**TOY)
def test_two(run):
    expect(loss(run), "loss").at_most(2)
"""
KILLING = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Deadly(Points):
    def draw(self, generator):
        if os.environ.get("DEADLY"):
            os.kill(os.getpid(), 9)
        return super().draw(generator)

@claim(**TOY)
def test_before(run):
    expect(loss(run), "loss").at_most(2)

@claim(**{**TOY, "given": replace(clean, data=Deadly(d=4))})
def test_deadly(run):
    expect(loss(run), "loss").at_most(2)
"""
REPORT = """
from gen_core.records import read_run

def pytest_gen_core_finished(config, records):
    with open("told", "a") as out:
        print(read_run(records / "run.json").exit_status, file=out)
    return records / "index.html"
"""


def test_a_killed_worker_is_one_error_and_the_report_is_made_once(suite):
    suite.claims(KILLED)
    suite.pytester.makeconftest(REPORT)
    result = suite.run("-n", "2", "-v")

    assert result.ret == 1
    assert suite.record.exit_status == 1
    cases = suite.cases
    killed = cases.pop("test_killed[given]")
    assert (killed.verdict, killed.reason) == (
        "ERROR",
        "the worker process was killed or crashed while this case ran",
    )
    assert len(cases) == 5
    assert all(case.as_expected for case in cases.values())
    result.stdout.fnmatch_lines(["*ERROR test_claims.py::test_killed?given?*"])
    assert (suite.pytester.path / "told").read_text() == "1\n"
    assert result.outlines[-1] == f"report: {suite.folder / 'index.html'}"
    assert not (suite.folder / "progress").exists()


def test_a_killed_run_goes_on_from_what_it_has_trained(suite, monkeypatch):
    suite.claims(KILLING)
    monkeypatch.setenv("DEADLY", "1")
    killed = suite.pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:randomly")
    assert killed.ret == -signal.SIGKILL
    assert suite.record.exit_status is None
    verdicts = {name: case.verdict for name, case in suite.cases.items()}
    assert verdicts["test_before[given]"] == "HOLDS"
    assert verdicts["test_deadly[given]"] is None

    monkeypatch.delenv("DEADLY")
    result = suite.run()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["trained: 2 blocks of seeds of 1 experiment, *"])  # the one that is missing


def test_a_debugger_stops_on_the_expect_line(suite):
    suite.claims("""
@claim(**TOY)
def test_false(run):
    expect(loss(run), "loss").at_most(-1)  # here
""")
    result = suite.pytester.run(
        *(sys.executable, "-m", "pytest", "--pdb", "-p", "no:cacheprovider", "-k", "given"),
        stdin=b"p run.experiment.steps\nq\n",
    )
    stop = next(i for i, line in enumerate(result.outlines) if line.startswith("> /"))
    assert "test_claims.py(9)test_false()" in result.outlines[stop]
    assert result.outlines[stop + 1] == '-> expect(loss(run), "loss").at_most(-1)  # here'
    result.stdout.fnmatch_lines(["(Pdb) 20"])


@pytest.mark.parametrize("spread", [("-x",), ("-x", "-n", "2")])
def test_what_comes_after_the_first_failure_is_not_reached(suite, spread):
    suite.claims("""
@claim(**{**TOY, "given": {f"rate {i}": replace(clean, rule=GD(rate=0.1 + i / 100)) for i in range(12)}})
def test_false(run):
    import time
    time.sleep(0.2)
    expect(loss(run), "loss").at_most(-1)
""")
    result = suite.run(*spread)
    assert result.ret in (1, 2)
    verdicts = [case.verdict for case in suite.cases.values()]
    assert "REFUTED" in verdicts
    assert verdicts.count(None) > 5
    assert suite.record.exit_status == result.ret
