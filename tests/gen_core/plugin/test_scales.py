"""What is not reproduced at one scale is claimed at another, where the setting is another one."""

from __future__ import annotations

import pytest

BODY = """
@claim(cite=TOY["cite"], given=AtScale(standard=noisy, paper={paper}), not_reproduced={said})
def test_small(run):
    expect(loss(run), "loss").at_most(2)
"""
SMALLER = "{'standard': 'too noisy'}"


@pytest.mark.parametrize(
    ("paper", "said", "scale", "green", "word"),
    [
        ("clean", SMALLER, "standard", True, "NOT REPRODUCED"),
        ("clean", SMALLER, "quick", True, "NOT REPRODUCED"),
        ("clean", SMALLER, "paper", True, "HOLDS"),
        ("None", SMALLER, "paper", True, "NOT REPRODUCED"),
        ("replace(noisy, steps=30)", SMALLER, "paper", False, "REFUTED"),
        ("clean", "{'paper': 'never'}", "paper", False, "NOW REPRODUCED"),
        ("clean", "'at any scale'", "paper", False, "NOW REPRODUCED"),
        ("clean", "{'paper': 'never'}", "standard", False, "REFUTED"),
    ],
)
def test_the_verdict_is_held_against_what_is_said_of_the_scale(suite, paper, said, scale, green, word):
    suite.claims(BODY.format(paper=paper, said=said))
    result = suite.run("--scale", scale)
    assert (result.ret == 0) is green
    result.stdout.fnmatch_lines([f"{word} *small*"])
    (record,) = suite.cases.values()
    assert bool(record.not_reproduced) is (word in ("NOT REPRODUCED", "NOW REPRODUCED"))
    listed = suite.run("--scale", scale, "--list-claims")
    listed.stdout.fnmatch_lines([f"toy * {'not reproduced' if record.not_reproduced else 'claimed'} *test_small*"])
