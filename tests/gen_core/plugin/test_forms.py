"""Medians and shares are judged at looks that can decide them; what could never be decided is refused at collection."""

from __future__ import annotations

import pytest

from gen_core.form import Form, form_of

HEAD = """
SHARE = 0.9

def spread(run):
    values = torch.linspace(0.9, 1.1, len(run.seeds), dtype=torch.float64)
    return values + (9 if run.experiment.data.noise else 0)
"""
TEST = """
@claim(**TOY)
def test_it(run):
    {}
"""
BUDGET = ("--budget-over", "243")


@pytest.mark.parametrize(
    ("stated", "looks", "of_control"),
    [
        ('expect(spread(run), "q").at_most(2)', [8], [8]),
        ('expect(spread(run), "q").typically_at_most(2)', [17], [17]),
        ('expect(spread(run), "q").typically_between(0, 2)', [17], [17]),
        ('expect(spread(run), "q").always_between(0, 2)', [8], [8]),
        ('expect(spread(run), "q").mostly_at_most(2, share=0.75)', [40], [9]),
        ('expect(spread(run), "q").mostly_at_most(2, share=SHARE)', [128], [8]),
        (
            'expect(torch.stack([spread(run), 9 - spread(run)]), "q").increases_in((1, 2))',
            [17],
            [17],
        ),
    ],
)
def test_the_first_look_is_one_that_can_decide(suite, stated, looks, of_control):
    suite.claims(HEAD + TEST.format(stated))
    assert suite.run(*BUDGET).ret == 0
    given, control = (suite.cases[f"test_it[{name}]"] for name in ("given", "without-noiseless"))
    assert ([look.seeds for look in given.looks], given.verdict) == (looks, "HOLDS")
    assert [look.seeds for look in control.looks] == of_control


def test_a_form_that_the_source_does_not_show_is_judged_at_the_looks_of_a_mean(suite):
    suite.claims(
        HEAD + "def judged(x):\n    x.typically_at_most(2)\n" + TEST.format('judged(expect(spread(run), "q"))')
    )
    assert suite.run(*BUDGET).ret == 0
    given = suite.cases["test_it[given]"]
    assert [(look.seeds, look.verdict) for look in given.looks] == [
        (8, "INCONCLUSIVE"),
        (16, "INCONCLUSIVE"),
        (32, "HOLDS"),
    ]


REFUSED = {
    "mostly_at_most(2, share=0.99)": "mostly_at_most of 0.99 of the seeds can HOLD from 1005 seeds on at a level of ",
    "mostly_at_least(0, share=0.01)": "mostly_at_least of 0.01 of the seeds can be REFUTED from 1005 seeds on at",
}


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("stated", REFUSED)
def test_what_could_never_be_decided_is_refused_when_it_is_collected(suite, stated, workers):
    suite.claims(HEAD + TEST.format(f'expect(spread(run), "q").{stated}'))
    result = suite.pytester.runpytest_subprocess("-n", workers, *BUDGET)
    assert result.ret != 0
    assert f"InvalidClaim: {REFUSED[stated]}" in result.stdout.str()
    assert "and the last look is at 256; expected a share nearer to one half" in result.stdout.str()
    assert "HOLDS" not in result.stdout.str()
    assert not list((suite.pytester.path / ".gen-core").glob("**/*.safetensors"))  # nothing was trained


def test_too_few_seeds_on_the_command_line_are_refused_as_well(suite):
    suite.claims(HEAD + TEST.format('expect(spread(run), "q").typically_at_most(2)'))
    result = suite.run(*BUDGET, "--max-seeds", "12")
    result.stdout.fnmatch_lines(
        ["*typically_at_most of 0.5 of the seeds can HOLD from 15 seeds on*last look is at 12*"]
    )
    assert result.ret == 2
    assert suite.run(*BUDGET, "--max-seeds", "16").ret == 0


def test_a_share_that_cannot_be_decided_and_that_the_source_does_not_show_is_an_error(suite):
    body = "def judged(x):\n    x.mostly_at_most(2, share=0.99)\n"
    suite.claims(HEAD + body + TEST.format('judged(expect(spread(run), "q"))'))
    assert suite.run(*BUDGET).ret == 1
    case = suite.cases["test_it[given]"]
    assert case.verdict == "ERROR"
    assert case.reason.startswith("q: mostly of 0.99 of the seeds can HOLD from")


LIMIT = 0.3


def by_name(run):
    expect(run, "q").mostly_at_least(1, share=LIMIT)  # noqa: F821


def twice(run):
    expect(run, "q").at_most(1)  # noqa: F821
    expect(run, "q").at_most(2)  # noqa: F821


def by_attribute(run):
    gen_core.expect(run, "q").typically_at_least(1)  # noqa: F821


def computed(run):
    expect(run, "q").mostly_at_least(1, share=LIMIT + 0.1)  # noqa: F821


@pytest.mark.parametrize(
    ("test", "form"),
    [
        (by_name, Form("mostly_at_least", 0.3)),
        (by_attribute, Form("typically_at_least", 0.5)),
        (twice, None),
        (computed, None),
        (len, None),
    ],
)
def test_the_form_is_read_from_the_source(test, form):
    assert form_of(test) == form
