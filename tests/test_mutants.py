"""The list of faults is well formed, and the runner tells faults that are caught from those that pass."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.mutants import __main__ as mutants
from tests.mutants.planting import ROOT, DoesNotApply, Fault, Outcome, Settings

FAULTS = list(mutants.all_faults())
FAULT = next(fault for fault in FAULTS if fault.name == "a linear model that starts at one")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_applies_and_names_what_is_there(fault: Fault):
    assert (ROOT / fault.file).read_text(encoding="utf-8").count(fault.old) == 1, (fault.file, fault.old)
    assert fault.red
    for node in fault.red:
        file, _, test = node.partition("::")
        assert re.search(rf"^def {re.escape(test.partition('[')[0])}\(", (ROOT / file).read_text(), re.MULTILINE), node


def test_no_two_faults_have_one_name():
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)


def test_a_fault_that_no_longer_applies_is_named_with_file_and_text(tmp_path):
    (tmp_path / "gen_core/models").mkdir(parents=True)
    (tmp_path / FAULT.file).write_text("x = 1\nx = 1\n")
    for old, times in [("y = 2", 0), ("x = 1", 2)]:
        with pytest.raises(DoesNotApply) as caught:
            replace(FAULT, old=old).plant(tmp_path)
        assert str(caught.value) == f"{FAULT.file} has {old!r} {times} times; expected once (fault {FAULT.name!r})"


@pytest.mark.parametrize(
    ("states", "word"),
    [
        (("red", "red"), "red"),
        (("red", "green"), "PASSED"),
        (("red", "not run"), "not run"),
        (("red", "not reached"), "NOT REACHED"),
        (("does not apply",), "DOES NOT APPLY"),
    ],
)
def test_every_named_claim_must_turn_red(states, word):
    assert mutants.verdict({str(i): Outcome(state, "") for i, state in enumerate(states)}) == word


def test_a_run_tells_what_is_caught_from_what_passes(capsys):
    harmless = replace(FAULT, name="no fault at all", new=FAULT.old + "  # as before")
    gone = replace(FAULT, name="a fault of another version", old="params = {w}")

    assert not mutants.run([FAULT, harmless, gone], Settings(cases=243), workers=1)

    table = capsys.readouterr().out.splitlines()
    told = {line[15:].partition("  (")[0]: line[:15].strip() for line in table if line[:1].strip()}
    assert told[FAULT.name] == "red"
    assert told["no fault at all"] == "PASSED"
    assert told["a fault of another version"] == "DOES NOT APPLY"
    assert "red: ERROR: " in table[2]
    assert "has 'params = {w}' 0 times; expected once" in table[-2]
    assert table[-1] == "3 faults: 1 red, 0 not run, 2 passed or not planted"
