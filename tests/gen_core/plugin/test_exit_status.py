"""The exit status follows the records: nothing that pytest does not count as a failure turns a red run green."""

from __future__ import annotations

import pytest

PLAIN = """
import pytest, sys, unittest
from gen_core import Refuted, Inconclusive

@pytest.fixture
def without_data():
    pytest.skip("no data here")

@pytest.fixture
def expected_to_fail(request):
    request.applymarker(pytest.mark.xfail(reason="known"))
"""
PRETENCES = {
    "skip": 'pytest.skip("not today")',
    "xfail": 'pytest.xfail("known")',
    "unittest": 'raise unittest.SkipTest("not today")',
    "refuted": 'raise Refuted("by hand")',
    "refuted after it holds": 'expect(loss(run), "loss").at_most(1e9); raise Refuted("by hand")',
    "inconclusive": 'raise Inconclusive("by hand")',
    "leaves": "sys.exit(0)",
}
"""Bodies of a claim that end it in other ways than by its expect."""


def claims_of(line: str, **more: str) -> str:
    return f"{PLAIN}\n@claim(**{{**TOY, **{more}}})\ndef test_it(run):\n    {line}\n"


@pytest.mark.parametrize("pretence", PRETENCES)
def test_a_claim_that_does_not_let_its_expect_decide_is_an_error(suite, pretence):
    suite.claims(claims_of(PRETENCES[pretence]))
    result = suite.run()
    assert result.ret == 1
    given, control = suite.cases["test_it[given]"], suite.cases["test_it[without-noiseless]"]
    assert (given.verdict, control.verdict) == ("ERROR", "ERROR")  # not a refuted control either
    if pretence == "leaves":
        assert given.reason == "SystemExit: 0"
    else:
        assert given.reason.startswith("test_it[given] raised ")
        assert given.reason.endswith("; expected its expect to decide")
        at = (suite.pytester.path / "test_claims.py").read_text().splitlines().index(f"    {PRETENCES[pretence]}") + 1
        result.stdout.fnmatch_lines([f"test_claims.py:{at}: InvalidClaim: test_it?given? raised *"])


@pytest.mark.parametrize("raised", ["Refuted", "Inconclusive"])
def test_a_verdict_by_hand_is_not_the_failure_that_not_reproduced_declares(suite, raised):
    suite.claims(claims_of(f'raise {raised}("by hand")', not_reproduced="too small"))
    assert suite.run("-k", "given").ret == 1
    assert suite.cases["test_it[given]"].verdict == "ERROR"


def test_a_hypothesis_that_raises_refuted_refutes_no_control(suite):
    suite.claims(
        PLAIN
        + """
@assumption
def quarrelsome(experiment, data):
    \"\"\"Labels carry no noise.\"\"\"
    if experiment.data.noise:
        raise Refuted("by hand")
    return True, "no noise"

@claim(**{**TOY, "assuming": (quarrelsome,), "without": {quarrelsome: noisy}})
def test_it(run):
    expect(loss(run), "loss").at_most(2)
"""
    )
    assert suite.run().ret == 1
    control = suite.cases["test_it[without-quarrelsome]"]
    assert (control.verdict, "raised Refuted: by hand" in control.reason) == ("ERROR", True)


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize(
    ("decorator", "body"),
    [
        ('@pytest.mark.xfail(reason="known")', "at_most(-1)"),
        ("@pytest.mark.xfail(raises=AssertionError)", "at_most(1e9)"),
    ],
)
def test_a_foreign_xfail_mark_is_refused_in_one_line(suite, workers, decorator, body):
    suite.claims(
        f'import pytest\n\n{decorator}\n@claim(**TOY)\ndef test_it(run):\n    expect(loss(run), "loss").{body}'
    )
    result = suite.run("-n", workers)
    assert result.ret != 0
    printed = result.outlines + result.errlines
    (line,) = [line for line in printed if "has a mark xfail" in line]
    assert "test_claims.py::test_it[given] has a mark xfail(" in line
    assert "expected none on a claim: not_reproduced= declares" in line
    assert not [line for line in printed if "Traceback" in line]
    assert not (suite.pytester.path / "report").exists()


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_mark_that_comes_at_run_time_leaves_the_run_red(suite, workers):
    suite.claims(
        PLAIN
        + """
@claim(**TOY)
def test_it(run, expected_to_fail):
    expect(loss(run), "loss").at_most(-1)
"""
    )
    result = suite.run("-n", workers)
    assert result.parseoutcomes() == {"xfailed": 2}
    assert result.ret == suite.record.exit_status == 1
    assert suite.cases["test_it[given]"].verdict == "REFUTED"
    result.stdout.fnmatch_lines(["REFUTED *", "exit status 1: 1 not as expected, whatever pytest has counted"])


@pytest.mark.parametrize("workers", ["0", "2"])
def test_what_is_skipped_before_it_has_its_run_is_not_run_and_named(suite, workers):
    suite.claims(
        PLAIN
        + """
@pytest.mark.skipif(True, reason="slow")
@claim(**TOY)
def test_marked(run):
    expect(loss(run), "loss").at_most(2)

@claim(**TOY)
def test_early(without_data, run):
    expect(loss(run), "loss").at_most(2)

@claim(**TOY)
def test_late(run, without_data):
    expect(loss(run), "loss").at_most(2)
"""
    )
    result = suite.run("-n", workers, "-k", "given")
    assert result.ret == 0
    assert {name: (case.verdict, case.reason) for name, case in suite.cases.items()} == {
        "test_marked[given]": ("NOT RUN", "slow"),
        "test_early[given]": ("NOT RUN", "no data here"),
        "test_late[given]": ("NOT RUN", "no data here"),
    }
    result.stdout.fnmatch_lines(["NOT RUN *early?given? *no data here", "NOT RUN *marked?given? *slow"])


def test_a_look_that_raises_leaves_no_values_of_the_look_before(suite):
    suite.claims("""
@claim(**TOY)
def test_it(run):
    values = loss(run)
    if len(values) == 32:
        raise ValueError("broken")
    expect(values - values.mean() if run.experiment.data.noise else values, "loss").at_most(0)
""")
    assert suite.run().ret == 1
    case = suite.cases["test_it[without-noiseless]"]
    assert (case.verdict, case.reason, len(case.seeds)) == ("ERROR", "ValueError: broken", 32)
    assert (case.values, case.estimate, case.low, case.high, case.headroom) == ([], None, None, None, None)
    assert [look.seeds for look in case.looks] == [8, 16]


UNLIKE = """
@claim(**TOY)
def test_limit(run):
    expect(loss(run), "loss").at_most(2 if run.experiment.data.noise == 0 else 1)

@claim(**TOY)
def test_form(run):
    if run.experiment.data.noise == 0:
        expect(loss(run), "loss").at_most(2)
    else:
        expect(loss(run), "loss").always_at_most(2)

@claim(**TOY)
def test_measure(run):
    expect(loss(run), "loss" if run.experiment.data.noise == 0 else "another").at_most(2)

@claim(**TOY)
def test_alike(run):
    expect(loss(run), "loss").at_most(2)
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_control_that_is_judged_otherwise_than_its_claim_makes_a_run_red(suite, workers):
    suite.claims(UNLIKE)
    result = suite.run("-n", workers)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told = [line.partition(" is judged as ")[0] for line in result.outlines if line.startswith("error: ")]
    assert {line.rpartition("::")[2] for line in told} == {
        f"test_{name}[without-noiseless]" for name in ("limit", "form", "measure")
    }
    assert "as loss <= 1 (mean), which no setting of its claim is; expected the same" in result.stdout.str()
    assert suite.run("-n", workers, "-k", "without").ret == 0  # where the claim itself is not run, nothing is known
