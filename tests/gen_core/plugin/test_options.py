"""The command line: what it lists without training, and what it refuses in one line."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from gen_core.plugin.options import writable

CLAIM = """
@claim(**TOY)
def test_small(run):
    expect(loss(run), "loss").at_most(2)
"""
REFUSED = {
    ("--seeds-from", "abc"): "argument --seeds-from: 'abc'; expected a whole number from 0 to 2^53, or 'fresh'",
    ("--seeds-from", "-1"): "argument --seeds-from: '-1'; expected a whole number from 0 to 2^53, or 'fresh'",
    ("--max-seeds", "1"): "argument --max-seeds: '1'; expected a whole number from 2 to 256",
    ("--max-seeds", "257"): "argument --max-seeds: '257'; expected a whole number from 2 to 256",
    ("--error-budget", "2"): "argument --error-budget: '2'; expected a number in (0, 0.5)",
    ("--error-budget", "x"): "argument --error-budget: 'x'; expected a number in (0, 0.5)",
    ("--budget-over", "0"): "argument --budget-over: '0'; expected a whole number of at least 1",
    ("--scale", "huge"): "argument --scale: invalid choice: 'huge' (choose from *",
    ("--report-dir", "toy.py/x"): "ERROR: --report-dir */toy.py/x cannot be written (Not a directory); expected *",
    ("--report-dir", "/proc/x"): "ERROR: --report-dir /proc/x cannot be written (*); expected a writable folder",
    ("--store", "toy.py"): "ERROR: --store */toy.py cannot be written (Not a directory); expected a writable folder",
    ("--data-dir", "nowhere"): "ERROR: --data-dir */nowhere is not there; expected a folder with data sets",
}
MISTAKES = {
    "Linear(init_std=-1)": "InvalidExperiment: * -1*",
    "claim(**{**TOY, 'without': None})(test)": "InvalidClaim: test has no control; expected `without`*",
    "claim(**{**TOY, 'given': {}})(test)": "InvalidClaim: test has an empty `given`; expected at least one setting",
    "claim(**{**TOY, 'given': 3})(test)": "InvalidClaim: setting 'given' is 3; expected an Experiment, Arms,*",
}


@pytest.mark.parametrize("options", REFUSED, ids=" ".join)
def test_options_that_cannot_be_are_refused_in_one_line(suite, options):
    suite.claims(CLAIM)
    result = suite.run("-n", "2", *options)  # refused before any worker starts
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{REFUSED[options]}"])
    assert "Traceback" not in "\n".join(result.errlines + result.outlines)
    assert not (suite.pytester.path / "report").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_before_workers_start(suite):
    suite.claims(CLAIM)
    result = suite.run("-n", "2", "--device", "cuda")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: device 'cuda'; expected a visible CUDA device*"])
    result.stdout.no_fnmatch_line("*workers*")


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_default_folder_that_cannot_be_written_is_said_once_there_are_claims(suite, workers):
    suite.claims(CLAIM)
    (suite.pytester.path / "report").write_text("a file")
    result = suite.run("-n", workers)
    assert result.ret != 0
    printed = result.outlines + result.errlines
    said = [
        line for line in printed if "report cannot be written (Not a directory); expected a writable folder" in line
    ]
    assert len(said) == 1
    assert not [line for line in printed if "Traceback" in line]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_claim_file_is_one_line_with_its_place(suite, mistake):
    suite.claims(f'from gen_core import Linear\n\ndef test(run):\n    """A statement."""\n\n{mistake}')
    result = suite.run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"test_claims.py:11: {MISTAKES[mistake]}"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert not (suite.pytester.path / "report").exists()


def test_a_run_without_the_decorator_says_what_is_missing(suite):
    suite.pytester.makepyfile(test_bare="def test_bare(run):\n    pass\n")
    suite.run().stdout.fnmatch_lines(
        ["*InvalidClaim: test_bare.py::test_bare takes `run` and is not a claim; *a measure a name that does*"]
    )


@pytest.mark.parametrize("workers", ["0", "2"])
def test_claims_are_listed_and_planned_without_training(suite, workers):
    suite.claims(CLAIM)
    listed = suite.run("--list-claims", "-n", workers)
    assert listed.ret == 0
    listed.stdout.fnmatch_lines(
        [
            "PAPER  PLACE      SETTINGS  CONTROLS  KIND     NAME        STATEMENT",
            "toy    Theorem 1  1         1         claimed  test_small  The loss is small.",
        ]
    )
    planned = suite.run("--plan", "-n", workers)
    assert planned.ret == 0
    planned.stdout.fnmatch_lines(
        [
            "plan: 2 experiments in 1 groups, longest first",
            "GROUP  ROWS  STEPS *",
            "    1    16     20  *e+0?  * MiB        1  *  Linear on Points, GD: n=60 of 3, 3 parameters, all points a"
            " step, float64; 2 x 8 seeds",
            "in all *e+0? multiply-adds: about * on one process of this *, * on an H100 (estimates are orders of*",
            "a row of every group fits into this *, * GiB: the largest takes * MiB",
        ]
    )
    planned.stdout.no_fnmatch_line("*test_small*")
    assert not (suite.pytester.path / "report").exists()
    assert not (suite.pytester.path / ".gen-core").exists()

    suite.run()
    suite.run("--plan", "-n", workers).stdout.fnmatch_lines(["    1     0     20 *; 2 x 8 seeds, 2 of them spared"])


def test_a_paper_of_ones_own_is_a_strict_marker(suite):
    suite.claims(CLAIM)
    suite.pytester.makepyfile(test_plain="def test_plain():\n    pass\n")
    result = suite.run("--strict-markers", "-m", "toy")
    result.assert_outcomes(passed=1, xfailed=1, deselected=1)
    suite.run("-m", "not toy").assert_outcomes(passed=1, deselected=2)


def test_help_shows_the_options(suite):
    result = suite.run("--help")
    for option in ("scale", "device", "seeds-from", "max-seeds", "error-budget", "budget-over", "report-dir", "store"):
        result.stdout.fnmatch_lines([f"  --{option}*"])


def test_data_is_looked_for_where_it_is_said_to_be(suite, monkeypatch):
    monkeypatch.setenv("GEN_CORE_DATA", "before")
    suite.pytester.makepyfile("""
        import os
        def test_data():
            assert os.environ["GEN_CORE_DATA"].endswith("/here")
    """)
    (suite.pytester.path / "here").mkdir()
    suite.run("--data-dir", "here").assert_outcomes(passed=1)
    assert os.environ["GEN_CORE_DATA"] == "before"


def test_processes_that_begin_at_once_do_not_disturb_each_other(tmp_path):
    def check(_: int) -> None:
        writable(tmp_path / "report" / "records", "--report-dir")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(check, range(400)))
    assert not any(tmp_path.iterdir())
