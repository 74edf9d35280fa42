"""Controls of identities: the claim's body is told to swap its measure, and the record says so."""

from __future__ import annotations

import pytest

IDENTITY = """
from gen_core import Arms, Mutation
SHIFTED = Mutation("shifted", "1 is added to the loss.")

@claim(**{**TOY, "given": SETTING, "without": {SHIFTED: SETTING}})
def test_identity(run):
    values = loss(ONE)
    expect(values + 1 if run.mutated_by(SHIFTED) else values, "loss").always_at_most(0.5)
"""


@pytest.mark.parametrize(
    ("setting", "one"), [("clean", "run"), ("Arms(a=clean, b=replace(clean, rule=GD(0.2)))", "run['b']")]
)
def test_a_mutated_control_is_refuted_and_recorded(suite, setting, one):
    suite.claims(IDENTITY.replace("SETTING", setting).replace("ONE", one))
    result = suite.run("-v")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*test_identity?mutated-shifted? CONTROL REFUTED*"])
    given, control = (suite.cases[f"test_identity[{name}]"] for name in ("given", "mutated-shifted"))
    assert (given.verdict, given.control, len(given.hypotheses)) == ("HOLDS", False, 1)
    assert (control.verdict, control.control, control.drops, control.as_expected) == ("REFUTED", True, "shifted", True)
    noiseless, shifted = control.hypotheses
    assert (noiseless.checked, noiseless.holds, noiseless.dropped) == ("noise 0", True, False)
    assert (shifted.name, shifted.statement) == ("shifted", "1 is added to the loss.")
    assert (shifted.checked, shifted.holds, shifted.dropped) == ("the measure is mutated", False, True)
    assert control.keys == given.keys  # the control judges the claim's own trainings


def test_a_body_that_does_not_look_at_the_mutation_fails_its_control(suite):
    suite.claims(IDENTITY.replace("SETTING", "clean").replace("ONE", "run").replace("values + 1 if", "values if"))
    assert suite.run().ret == 1
    control = suite.cases["test_identity[mutated-shifted]"]
    assert control.reason == "the control holds: loss does not detect 'shifted'; expected it REFUTED"
