"""`--train-only`: processes that only train, and the run that judges after them."""

from __future__ import annotations

import errno

import pytest

CLAIMS = """
@claim(**TOY)
def test_small(run):
    expect(loss(run), "loss").at_most(2)
"""

FAILS = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Fails(GD):
    rate: float = 0.1

    def update(self, *args):
        raise RuntimeError("no such step")

@claim(**TOY | {"given": replace(TOY["given"], rule=Fails())})
def test_fails(run):
    expect(loss(run), "loss").at_most(2)
"""


def test_it_trains_what_is_missing_and_leaves_the_judging_to_a_run(suite):
    suite.claims(CLAIMS)
    result = suite.run("--train-only")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["train only: 4 blocks of seeds in *, 4 of them missing"])
    result.stdout.fnmatch_lines(["trained 4 blocks here in * s; nothing is missing of the first looks*"])
    assert not (suite.pytester.path / "report").exists()
    suite.run("--train-only").stdout.fnmatch_lines(["train only: 4 blocks of seeds in *, 0 of them missing"])
    assert suite.run().ret == 0
    verdicts = {name: (case.verdict, case.trained) for name, case in suite.cases.items()}
    assert list(verdicts.values()) == [("HOLDS", False), ("REFUTED", False)], verdicts


def test_a_selection_is_trained_alone(suite):
    suite.claims(CLAIMS)
    result = suite.run("--train-only", "-k", "given")
    result.stdout.fnmatch_lines(["train only: 2 blocks of seeds in *, 2 of them missing"])


def test_a_training_that_fails_is_said_and_the_others_are_trained(suite):
    suite.claims(CLAIMS + FAILS)
    result = suite.run("--train-only", "-k", "given")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["trained 2 blocks here in * s; 2 are missing", "ERROR: training of *: *no such step*"])


def test_workers_are_refused(suite):
    suite.claims(CLAIMS)
    result = suite.run("--train-only", "-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--train-only -n: it trains in one process; expected several of them to be started"])


def test_a_number_of_hours_is_refused(suite):
    suite.claims(CLAIMS)
    result = suite.run("--train-only", "--within", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--train-only --within: which claims fit changes as it trains; expected one of them"])


def test_leases_can_be_asked_for(suite):
    suite.claims(CLAIMS)
    assert suite.run("--train-only", "--locks", "lease").ret == 0
    assert (suite.pytester.path / ".gen-core/store/locks/leases").exists()


def test_a_store_that_cannot_be_written_is_one_line(suite, monkeypatch):
    suite.claims(CLAIMS)
    (suite.pytester.path / ".gen-core").write_text("")
    result = suite.run("--train-only")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--store *store cannot be written (Not a directory); expected a writable folder"])

    (suite.pytester.path / ".gen-core").unlink()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("gen_core.lab.locks.Locks.acquire", full)
    result = suite.run("--train-only")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["trained 0 blocks here in * s; 4 are missing", "ERROR: --store *No space left on device*"]
    )
