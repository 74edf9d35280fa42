"""Declarations that are not well formed are refused with what is wrong; well-formed ones become native parameters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from gen_core import (
    GD,
    Arms,
    Assumption,
    AtScale,
    Data,
    Experiment,
    InvalidClaim,
    Mutation,
    Paper,
    Refuted,
    Sweep,
    assumption,
    claim,
)
from gen_core.declaration import Citation, cases_of, verdict_marks
from gen_core.defaults import SCALES
from tests.toy import Points, clean, noiseless, noisy

CITE = Paper("toy", "A. Author", "On toys", 2020, "Journal").at("Theorem 1")


def stated():
    """A test function with a statement, new at every call since a decorator marks it."""

    def statement(run):
        """The loss is
        small.

        Measured: the loss.
        """

    return statement


def unstated(run):
    pass


unstated.__module__ = "nowhere"  # so that this module's own docstring does not count


def without_run(loss):
    """The loss is small."""


@assumption
def other(experiment: Experiment, data: Data) -> tuple[bool, str]:
    """Anything."""
    return True, ""


SIGN = Mutation("sign", "The sign is turned.")


@pytest.mark.parametrize(
    ("changes", "test", "message"),
    [
        ({}, unstated, "unstated has no docstring; expected the paper's statement and what is measured"),
        ({}, without_run, "without_run takes no `run`; expected the finished experiment as a parameter of that name"),
        ({"given": {}}, stated(), "statement has an empty `given`; expected at least one setting"),
        ({"given": {"a": 3}}, stated(), "setting 'a' is 3; expected an Experiment, Arms, a Sweep or AtScale"),
        ({"without": {}}, stated(), "statement has no control; expected `without`, since a claim that cannot fail"),
        ({"without": {other: noisy}}, stated(), "statement drops 'other'; expected one of its `assuming`"),
        ({"without": {"noise": noisy}}, stated(), "statement names 'noise'; expected a hypothesis, made with @assump"),
        (
            {"assuming": (SIGN,)},
            stated(),
            "statement names Mutation(name='sign', statement='The sign is turned.'); exp",
        ),
        ({"assuming": (len,)}, stated(), "statement names <built-in function len>; expected a hypothesis"),
        ({"without": {noiseless: 3}}, stated(), "setting 'of a control' is 3; expected an Experiment"),
        ({"cite": "Theorem 1"}, stated(), "statement cites 'Theorem 1'; expected a place in a paper"),
        ({"first_look": 1}, stated(), "statement has first_look 1; expected a number of seeds from 2 to 64"),
        ({"first_look": "8"}, stated(), "statement has first_look '8'; expected a number of seeds from 2 to 64"),
        ({"figure": "a.png"}, stated(), "statement has figure 'a.png'; expected a function of the run"),
        ({"not_reproduced": True}, stated(), "statement has not_reproduced True; expected text"),
        ({"not_reproduced": {"paper": ""}}, stated(), "statement has not_reproduced at paper ''; expected text"),
        (
            {"not_reproduced": {"big": "x"}},
            stated(),
            "statement has not_reproduced at 'big'; expected quick, standard, p",
        ),
        ({"assuming": noiseless}, stated(), "statement has assuming=Assumption(name='noiseless'"),
        ({"without": [noiseless]}, stated(), "statement has without=[Assumption(name='noiseless'"),
        ({"without": (SIGN,)}, stated(), "statement has without=(Mutation(name='sign'"),
        ({"given": {3: clean}}, stated(), "setting 3; expected a name of printable characters"),
        ({"whitout": {}}, stated(), "@claim: got an unexpected keyword argument 'whitout'; expected @claim(cite="),
        ({"formula": 3}, stated(), "statement has formula 3; expected LaTeX without dollar signs, as a string"),
        ({"formula": "$x$"}, stated(), "statement has formula '$x$'; expected LaTeX without dollar signs"),
        ({"first_look": 128}, stated(), "statement has first_look 128; expected a number of seeds from 2 to 64"),
    ],
)
def test_a_declaration_that_is_not_well_formed_is_refused(changes, test, message):
    declared = {"cite": CITE, "given": clean, "assuming": (noiseless,), "without": {noiseless: noisy}} | changes
    with pytest.raises(InvalidClaim) as caught:
        claim(**declared)(test)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: Paper("toy", "A", "T", "2020"), "year of a paper '2020'; expected an integer"),
        (lambda: Paper("toy", "", "T", 2020), "authors of a paper ''; expected text"),
        (lambda: Paper("toy", "A", "T", 2020, None), "venue of a paper None; expected text"),
        (lambda: Paper("toy", "A", "T", 2020, doi=3), "DOI of a paper 3; expected text"),
        (
            lambda: Paper("toy", "A", "T", 2020, doi="https://doi.org/10.1/x"),
            "DOI of a paper 'https://doi.org/10.1/x'; expected one",
        ),
        (lambda: Paper("toy", "A", "T", 2020, doi="10.48550/a b"), "DOI of a paper '10.48550/a b'; expected one such"),
        (lambda: Paper(3, "A", "T", 2020), "paper key 3; expected an identifier"),
        (lambda: CITE.paper.at(3), "place in a paper 3; expected text"),
        (lambda: Citation("toy", "Theorem 1"), "paper 'toy' of a citation; expected a Paper"),
        (lambda: Mutation("sign", None), "statement of the mutation sign None; expected text"),
        (lambda: Assumption("few", "n < 9", None), "assumption few is checked by None; expected a function of (exp"),
        (lambda: Assumption(3, "n < 9", len), "name of an assumption 3; expected text"),
        (lambda: Assumption("few", "n < 9", lambda: (True, "")), "assumption few is checked by <function"),
        (lambda: assumption(3), "assumption 3 is checked by 3; expected a function of (experiment, data), (exp"),
        (lambda: claim(given=clean), "@claim: missing a required argument: 'cite'; expected @claim(cite=..., given="),
        (lambda: claim(stated()), "@claim: too many positional arguments; expected @claim(cite"),
    ],
)
def test_each_part_of_a_declaration_is_checked_where_it_is_made(declare, message):
    with pytest.raises(InvalidClaim) as caught:
        declare()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_claim_is_a_native_parametrization_with_strict_controls():
    fast = replace(clean, rule=GD(rate=0.2))
    test = claim(
        cite=CITE,
        given={"slow": clean, "fast": fast},
        assuming=(noiseless, other),
        without={noiseless: {"little": noisy, "much": replace(clean, data=Points(noise=9.0))}},
    )(stated())
    (mark,) = [mark for mark in test.pytestmark if mark.name == "parametrize"]
    assert mark.kwargs == {"indirect": True}
    name, parameters = mark.args
    assert name == "run"
    assert [p.id for p in parameters] == ["slow", "fast", "without-noiseless-little", "without-noiseless-much"]
    assert [verdict_marks(p.values[0], "quick") for p in parameters[:2]] == [[], []]
    for parameter in parameters[2:]:
        (xfail,) = verdict_marks(parameter.values[0], "quick")
        assert xfail.kwargs == {"raises": Refuted, "strict": True, "reason": "control: noiseless is dropped"}
    case = parameters[1].values[0]
    assert (case.claim.title, case.at("quick"), case.experiments("quick")) == ("The loss is small.", fast, {"": fast})
    assert str(case.claim.cite) == 'A. Author, "On toys", Journal (2020), Theorem 1'


def test_an_identity_has_a_mutated_measure_for_its_control():
    test = claim(cite=CITE, given=clean, without={SIGN: {"small": clean, "large": noisy}})(stated())
    parameters = test.pytestmark[-1].args[1]
    assert [p.id for p in parameters] == ["given", "mutated-sign-small", "mutated-sign-large"]
    assert [p.values[0].drops for p in parameters] == [None, SIGN, SIGN]
    (xfail,) = verdict_marks(parameters[1].values[0], "standard")
    assert xfail.kwargs == {"raises": Refuted, "strict": True, "reason": "control: the measure is mutated, sign"}


def test_a_test_knows_its_cases():
    test = claim(cite=CITE, given=clean, assuming=(noiseless,), without={SIGN: clean, noiseless: noisy})(stated())
    kinds = {name: case.kind for name, case in cases_of(test).items()}
    assert kinds == {"given": "setting", "mutated-sign": "mutation", "without-noiseless": "control"}
    assert cases_of(stated()) == cases_of(None) == cases_of(pytest.mark.parametrize("x", [1])(stated())) == {}


def test_what_is_not_reproduced_needs_no_control_and_has_its_own_mark():
    (case,) = cases_of(claim(cite=CITE, given=clean, not_reproduced="too small")(stated())).values()
    for scale in ("quick", "standard", "paper"):
        (xfail,) = verdict_marks(case, scale)
        assert xfail.kwargs == {"raises": Refuted, "strict": True, "reason": "not reproduced: too small"}


def test_what_is_not_reproduced_at_one_scale_is_claimed_at_another_size():
    big = replace(clean, data=Points(n=600))
    given = {"same": clean, "grows": AtScale(standard=clean, quick=big, paper=big)}
    said = {"standard": "too small", "quick": "too quick"}
    test = claim(cite=CITE, given=given, assuming=(noiseless,), without={noiseless: noisy}, not_reproduced=said)(
        stated()
    )
    found = {name: [case.not_reproduced(scale) for scale in SCALES] for name, case in cases_of(test).items()}
    assert found == {
        "same": ["too quick", "too small", "too small"],
        "grows": ["too quick", "too small", ""],
        "without-noiseless": ["", "", ""],
    }


def test_settings_are_taken_at_the_scale_of_the_run():
    big = replace(clean, data=Points(n=600))
    arms = Arms(a=clean, b=big)
    sweep = Sweep(axis="n", points=((60, clean), (600, big)))
    test = claim(
        cite=CITE, given={"s": AtScale(standard=arms, paper=sweep)}, assuming=(noiseless,), without={noiseless: noisy}
    )(stated())
    case = test.pytestmark[-1].args[1][0].values[0]
    assert case.experiments("quick") == case.experiments("standard") == {"a": clean, "b": big}
    assert case.experiments("paper") == {"n=60": clean, "n=600": big}


def test_names_come_from_the_declaration():
    with pytest.raises(InvalidClaim, match="paper key 'two words'; expected an identifier"):
        Paper("two words", "A", "T", 2020)
    with pytest.raises(InvalidClaim, match="assumption bare has no docstring; expected its statement, in one line"):

        @assumption
        def bare(experiment, data):
            return True, ""

    assert (other.name, other.statement) == ("other", "Anything.")
    assert noiseless.check(noisy, Data(torch.zeros(1, 1), torch.zeros(1))) == (False, "noise 100")


@pytest.mark.parametrize(
    "told", [(True, "n=60"), (np.bool_(True), "n=60"), (torch.tensor(True), "n=60"), (torch.tensor([True]), "n=60")]
)
def test_what_a_hypothesis_says_is_a_bool_and_words(told):
    assert Assumption("few", "n < 100", lambda experiment, data: told).on(clean, 0) == (True, "n=60")


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (True, "True"),
        (None, "None"),
        ((True,), "(True,)"),
        ((True, ""), "(True, '')"),
        ((True, 60), "(True, 60)"),
        (("yes", "n=60"), "('yes', 'n=60')"),
        ((None, "n=60"), "(None, 'n=60')"),
        ((1, "n=60"), "(1, 'n=60')"),
        ((np.array([True, False]), "n=60"), "(array([ True, False]), 'n=60')"),
        ("no", "'no'"),
    ],
)
def test_a_hypothesis_that_says_less_is_told_what_to_return(told, shown):
    with pytest.raises(InvalidClaim) as caught:
        Assumption("few", "n < 100", lambda experiment, data: told).on(clean, 0)
    expected = 'expected whether it holds, and words: return holds, "..."'
    assert str(caught.value) == f"assumption few returned {shown}; {expected}"
