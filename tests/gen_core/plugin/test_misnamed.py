"""A measure that pytest takes for a test is named as such when it is collected; tests beside claims stay tests."""

from __future__ import annotations

import pytest

CLAIM = """
@claim(**TOY)
def test_small(run):
    expect(loss(run), "loss").at_most(2)

"""
WORDS = "is no claim, and pytest collects what is named test_...; if it is a measure, "
MISNAMED = {
    "def test_loss(run):\n    return loss(run)": f"test_loss takes 'run' and {WORDS}rename it, else add @claim",
    "def test_norm(w):\n    return w.norm()": f"test_norm takes 'w' and {WORDS}rename it, else add @claim",
    "def test_norm(tmp_path, X):\n    return X.norm()": f"test_norm takes 'X' and {WORDS}rename it, else add @claim",
    "from measured import test_error": f"test_error takes 'outputs' and {WORDS}import it under another name "
    "(from measured import test_error as ...), else add @claim",
}


@pytest.mark.parametrize(("body", "workers"), [*((body, "0") for body in MISNAMED), (next(iter(MISNAMED)), "2")])
def test_a_measure_named_as_a_test_is_told_so_when_it_is_collected(suite, body, workers):
    suite.pytester.makepyfile(measured="def test_error(outputs):\n    return outputs.mean()\n")
    suite.claims(CLAIM + body)
    result = suite.run("-n", workers)
    assert result.ret not in (0, pytest.ExitCode.INTERNAL_ERROR)
    name = MISNAMED[body].partition(" ")[0]
    assert f"test_claims.py::{name}: InvalidClaim: {MISNAMED[body]}" in "\n".join(result.outlines)
    assert "Traceback" not in "\n".join(result.outlines + result.errlines)


def test_tests_beside_claims_and_fixtures_of_ones_own_stay_as_they_are(suite):
    suite.claims(
        CLAIM
        + """
import pytest

@pytest.fixture
def size():
    return 3

def test_plain(tmp_path, size):
    assert size == 3

@pytest.mark.parametrize("n", [1, 2])
def test_of_each(n, size=3):
    assert n < size

class TestMore:
    def test_method(self, size):
        assert size
"""
    )
    suite.pytester.makepyfile(
        test_foreign="import pytest\n\n@pytest.fixture\ndef run():\n    return 1\n\n"
        "def test_run(run):\n    assert run == 1\n"
    )
    result = suite.run()
    result.assert_outcomes(passed=6, xfailed=1)
    assert result.ret == 0
