"""The order worst first, and the names that cases are counted under."""

from __future__ import annotations

import pytest

from gen_core.records import STANDINGS, standing, urgency


def test_every_standing_occurs_in_its_order(cases) -> None:
    ordered = [standing(c).name for c in sorted(cases, key=urgency)]
    assert ordered == [
        *["error", "refuted", "inconclusive", "control not refuted", "not reached", "not run", "not reproduced"],
        *["holds", "holds", "control refuted", "control refuted"],
    ]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"kind": "control", "verdict": "ERROR"}, "error"),
        ({"kind": "control", "verdict": "INCONCLUSIVE"}, "inconclusive"),
        ({"kind": "control", "verdict": "REFUTED"}, "control refuted"),
        ({"kind": "mutation", "verdict": "REFUTED"}, "control refuted"),
        ({"kind": "mutation", "verdict": "HOLDS"}, "control not refuted"),
        ({"kind": "control", "verdict": "NOT RUN"}, "not run"),
        ({"not_reproduced": "why", "verdict": "HOLDS"}, "not as declared"),
        ({"not_reproduced": "why", "verdict": "ERROR"}, "error"),
        ({"not_reproduced": "why", "verdict": "INCONCLUSIVE"}, "inconclusive"),
        ({"not_reproduced": "why", "verdict": "NOT RUN"}, "not run"),
        ({"not_reproduced": "why", "verdict": None}, "not reached"),
        ({"verdict": "REFUTED"}, "refuted"),
    ],
)
def test_rare_combinations(case, changes, name) -> None:
    assert standing(case("a", "b", **changes)).name == name


def test_names_are_unique() -> None:
    assert len({s.name for s in STANDINGS}) == len(STANDINGS)


def test_green_is_what_a_run_may_be_green_with(cases) -> None:
    green = {c.case for c in cases if c.as_expected}
    assert green == {"gd", "sgd", "gd-without-zero", "noisefree", "alexnet", "wide"}  # alexnet is NOT RUN
    assert green == {c.case for c in cases if standing(c).green} == {c.case for c in cases if not standing(c).attention}
