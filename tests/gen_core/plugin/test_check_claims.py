"""`--check-claims`: a line for each defect of form, and nothing is run."""

from __future__ import annotations

import pytest

CLAIM = """
LIMIT = 2  # at the start it is 1

@claim(cite=TOY["cite"], given=clean, assuming=(noiseless,), without={noiseless: noisy})
def test_small(run):
    expect(loss(run), "loss").at_most(LIMIT)
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_good_claims_are_counted_and_not_run(suite, workers):
    suite.claims(CLAIM, "test_toy_small.py")
    result = suite.run("--check-claims", "-n", workers)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["1 claim file is well formed"])
    assert not (suite.pytester.path / "report").exists()
    assert not (suite.pytester.path / ".gen-core").exists()


def test_each_defect_is_a_line_with_its_place(suite):
    suite.claims(CLAIM, "test_toy_small.py")
    bad = CLAIM.replace("  # at the start it is 1", "").replace("without={noiseless: noisy}", "**CONTROL")
    suite.claims(f"CONTROL = {{'without': {{noiseless: noisy}}}}\n{bad}", "test_other.py")
    suite.pytester.makepyfile(test_plain="def test_plain():\n    assert False\n")
    result = suite.run("--check-claims")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "test_other.py:1: named test_other.py; expected one of test_toy_<claim>.py",
            "test_other.py:11: test_small has no control; expected `without`",
            "test_other.py:12: test_small: tolerance LIMIT has no comment with its origin",
            "1 of 2 claim files are well formed",
        ]
    )


def test_a_selection_is_checked_alone(suite):
    suite.claims(CLAIM, "test_toy_small.py")
    suite.claims(CLAIM.replace("test_small", "test_large"), "test_other.py")
    assert suite.run("--check-claims", "-k", "test_small").ret == 0
    assert suite.run("--check-claims", "-k", "test_large").ret == pytest.ExitCode.TESTS_FAILED


def test_where_there_are_no_claims_nothing_is_run_either(suite):
    suite.pytester.makepyfile(test_plain="def test_plain():\n    assert False\n")
    result = suite.run("--check-claims")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["0 claim files are well formed"])
