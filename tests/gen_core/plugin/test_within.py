"""`--within`: what does not fit into a night is NOT RUN, said, and has its turn."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gen_core.lab import Event
from gen_core.plugin import within
from gen_core.plugin.nights import Machine, Need, number_of_night, place, rotation
from gen_core.plugin.within import earlier_runs
from gen_core.records import HOLDS, NOT_RUN, write_attempt, write_json
from tests.run_records import make_case

HOUR = 3600.0
# A paper's claims: forty short ones, three that share a long group, eleven long ones, and one longer than a night.
SHORT = {f"short {k}": Need({(k, "own"): 60.0 + k}, judging=20.0) for k in range(40)}
SHARED = {f"shared {k}": Need({(100, "family"): 5 * HOUR, (101 + k, "own"): HOUR}, judging=600.0) for k in range(3)}
LONG = {f"long {k}": Need({(200 + k, "own"): (3 + k / 2) * HOUR}, judging=300.0) for k in range(11)}
CLAIMS = SHORT | SHARED | LONG | {"endless": Need({(300, "own"): 30 * HOUR})}


def load(claims, machine):
    """Time on the clock, written out: shared trainings once, no group faster than in one process."""
    trained = {key: seconds for claim in claims for key, seconds in CLAIMS[claim].trainings.items()}
    alone = [sum(s for (group, _), s in trained.items() if group == one) for one in {group for group, _ in trained}]
    even = sum(trained.values()) / machine.trainers
    return max([even, *alone]) + sum(CLAIMS[claim].judging for claim in claims) / machine.judges


@pytest.mark.parametrize("machine", [Machine(), Machine(1, 16), Machine(8, 8)], ids=["one core", "one GPU", "8 cores"])
def test_a_month_of_nights_runs_every_claim_that_fits(machine):
    nights = rotation(CLAIMS, machine, 16 * HOUR)
    first = date(2030, 1, 1)
    month = []
    for day in range(31):
        base = int(f"{first + timedelta(day):%Y%m%d}010000")
        month.append(nights[place(number_of_night(base), len(nights))])
    assert all(load(tonight, machine) <= 16 * HOUR for tonight in month)
    for claim in CLAIMS:
        ran = [day for day, tonight in enumerate(month) if claim in tonight]
        if claim == "endless":
            assert not ran
            continue
        assert ran, claim
        gaps = [ran[0] + 1, *(later - before for before, later in pairwise(ran)), 31 - ran[-1]]
        assert max(gaps) <= 2 * len(nights) - 1, claim
        if claim in SHORT:
            assert len(ran) == 31


def test_all_claims_run_every_night_where_they_fit():
    assert rotation(SHORT, Machine(), 2 * HOUR) == [frozenset(SHORT)]


def test_claims_that_share_a_training_share_a_night():
    needs = {f"own {k}": Need({(k, "own"): 6 * HOUR}) for k in range(4)} | SHARED
    nights = rotation(needs, Machine(), 9 * HOUR)
    assert [night for night in nights if "shared 0" in night] == [frozenset(SHARED)]


@pytest.mark.parametrize("rhythm", [1, 2, 3, 4, 6, 7, 8, 9])
@pytest.mark.parametrize("nights", [1, 2, 3, 4, 6, 7, 8])
def test_no_rhythm_of_runs_misses_a_night_of_the_cycle(rhythm, nights):
    assert {place(night, nights) for night in range(0, 80 * rhythm, rhythm)} == set(range(nights))


@given(
    st.lists(st.floats(0, 10), min_size=16, max_size=16),
    st.lists(st.tuples(st.sets(st.integers(0, 15), max_size=4), st.floats(0, 3)), min_size=1, max_size=12),
    st.floats(1, 20),
)
def test_each_claim_that_fits_has_a_night_and_no_night_is_longer(trainings, drawn, hours):
    needs = {
        f"claim {k}": Need({(one // 4, f"{one}"): trainings[one] for one in ones}, judging)
        for k, (ones, judging) in enumerate(drawn)
    }
    machine = Machine(2, 3)
    nights = rotation(needs, machine, hours)
    assert all(machine.seconds(needs[claim] for claim in night) <= hours + 1e-9 for night in nights)
    fitting = {claim for claim, need in needs.items() if machine.seconds([need]) <= hours}
    assert set().union(*nights) == fitting


def test_the_night_is_the_date_of_the_seeds():
    assert number_of_night(20300102_010000) - number_of_night(20300101_230000) == 1
    assert number_of_night(20300101) == date(2030, 1, 1).toordinal()
    assert [number_of_night(base) for base in (0, 7, 99999999)] == [0, 7, 99999999]


BODY = """
@claim(**TOY)
def test_short(run):
    expect(loss(run), "loss").at_most(2)

def of(steps):
    return {**TOY, "given": replace(clean, steps=steps), "without": {noiseless: replace(noisy, steps=steps)}}

@claim(**of(30))
def test_long(run):
    expect(loss(run), "loss").at_most(2)

@claim(**of(40))
def test_longer(run):
    expect(loss(run), "loss").at_most(2)

@claim(**of(50))
def test_endless(run):
    expect(loss(run), "loss").at_most(2)
"""
SECONDS = {20: 60.0, 30: 1000.0, 40: 1010.0, 50: 2000.0}


def not_run(suite):
    return {name for name, record in suite.cases.items() if record.verdict == NOT_RUN}


def test_what_does_not_fit_is_not_run_said_and_has_its_turn(suite, monkeypatch):
    monkeypatch.setattr(within, "group_seconds", lambda rows, device: SECONDS[rows[0][0].steps])
    suite.claims(BODY)
    for night, steps in ((0, 30), (1, 40)):
        planned = suite.run("--within", "0.3", "--plan", "--seeds-from", str(night)).stdout
        planned.fnmatch_lines(["--within 0.3 h: 4 of 8 cases are NOT RUN tonight, since their claims do not fit"])
        assert {int(line.split()[2]) for line in planned.lines if " x 8 seeds" in line} == {20, steps}
    result = suite.run("--within", "0.3", "--require-data")
    assert result.ret == 0
    takes = "--within 0.3 h: its claim takes an estimated 17 min, and its turn comes in 1 night"
    result.stdout.fnmatch_lines_random(
        ["*4 of 8 cases are NOT RUN tonight*", *(f"NOT RUN *longer[[]{x}] *{takes}" for x in ("given", "without-*"))]
    )
    names = {f"{test}[{x}]" for test in ("test_longer", "test_endless") for x in ("given", "without-noiseless")}
    assert not_run(suite) == names
    assert suite.cases["test_endless[given]"].reason.endswith("an estimated 33 min, and it never fits; expected more")


@pytest.mark.parametrize("base", ["0", "9"], ids=["in the store", "in the records"])
def test_what_is_known_to_take_less_leaves_room(suite, monkeypatch, base):
    monkeypatch.setattr(within, "group_seconds", lambda rows, device: SECONDS[rows[0][0].steps])
    suite.claims(BODY)
    suite.run("--within", "0.3")
    suite.run("--within", "0.3", "--seeds-from", base)
    assert not_run(suite) == {"test_endless[given]", "test_endless[without-noiseless]"}


def test_workers_leave_out_the_same_cases(suite):
    suite.claims(BODY.replace("of(50)", "of(10**12)"))
    assert suite.run("--within", "0.3", "-n", "2").ret == 0
    assert not_run(suite) == {"test_endless[given]", "test_endless[without-noiseless]"}


def test_earlier_records_say_what_trainings_and_judging_took(tmp_path, run):
    def recorded(name, verdict, seconds, trained, scale="standard"):
        folder = tmp_path / name
        write_json(folder / "run.json", replace(run, run=name, scale=scale))
        write_attempt(folder, make_case("a", "given", verdict=verdict, seconds=seconds, keys={"": ["k"]}))
        (folder / "trainings").mkdir()
        line = json.dumps(vars(Event("a", "k", 8, trained, "experiment")))
        (folder / "trainings" / "main-1.jsonl").write_text(f"{line}\n")

    recorded("20300101", HOLDS, 100.0, 80.0)
    recorded("20300102", HOLDS, 110.0, 96.0)
    recorded("20300103", HOLDS, 3.0, 1.0, scale="paper")
    recorded("20300104", NOT_RUN, 0.0, 96.0)
    found = earlier_runs(tmp_path, run)
    assert found.seconds == {"experiment": 12.0}
    assert found.judging == {make_case("a", "given").nodeid: 14.0}


@pytest.mark.parametrize("hours", ["0", "x", "-3"])
def test_hours_are_a_positive_number(suite, hours):
    result = suite.run(f"--within={hours}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*argument --within: '{hours}'; expected a number of hours above 0"])
