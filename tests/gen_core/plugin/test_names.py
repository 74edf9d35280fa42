"""Undecodable names and escape sequences reach neither the terminal nor the report as they are."""

from __future__ import annotations

import pytest

ESCAPE = "\x1b]0;title\x07"
CLAIMS = r"""
@claim(**TOY)
def test_surrogate(run):
    raise ValueError("cannot open /data/\udcff.npz")

@claim(**TOY)
def test_escape(run):
    raise DataDamaged("/data/\x1b]0;title\x07 is no file; expected one")

@claim(**TOY)
def test_measure(run):
    expect(loss(run), "loss \x1b]0;title\x07 \udcff").at_most(2)
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_no_escape_and_no_surrogate_is_printed_or_written(suite, workers):
    suite.claims(CLAIMS)
    result = suite.run("-n", workers, "-k", "given", "-p", "reports.plugin", "--history", "h", "--color", "no")
    assert result.ret == 1
    printed = "\n".join(result.outlines + result.errlines)
    assert "INTERNALERROR" not in printed
    assert ESCAPE not in printed
    assert suite.cases["test_surrogate[given]"].reason == r"ValueError: cannot open /data/\udcff.npz"
    assert suite.cases["test_escape[given]"].reason == r"/data/\x1b]0;title\x07 is no file; expected one"
    assert suite.cases["test_measure[given]"].verdict == "HOLDS"
    for page in (suite.pytester.path / "report").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "\x1b" not in text
    assert result.outlines[-1].startswith("report: ")


def test_a_setting_has_a_name_that_can_be_printed(suite):
    suite.claims('@claim(**{**TOY, "given": {"a\\x1b": clean}})\ndef test_it(run):\n    pass')
    suite.run().stdout.fnmatch_lines([r"*InvalidClaim: setting 'a\x1b'; expected a name of printable characters"])
