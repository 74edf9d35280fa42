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
        ({"control": True, "verdict": "ERROR"}, "error"),
        ({"control": True, "verdict": "INCONCLUSIVE"}, "inconclusive"),
        ({"control": True, "verdict": "REFUTED", "as_expected": True}, "control refuted"),
        ({"not_reproduced": "why", "verdict": "HOLDS"}, "not as declared"),
        ({"not_reproduced": "why", "verdict": "ERROR", "as_expected": True}, "error"),
        ({"not_reproduced": "why", "verdict": "INCONCLUSIVE", "as_expected": True}, "not reproduced"),
        ({"not_reproduced": "why", "verdict": "INCONCLUSIVE"}, "inconclusive"),
        ({"not_reproduced": "why", "verdict": None}, "not reached"),
        ({"verdict": "REFUTED", "as_expected": True}, "refuted"),
    ],
)
def test_rare_combinations(case, changes, name) -> None:
    assert standing(case("a", "b", **changes)).name == name


def test_names_are_unique() -> None:
    assert len({s.name for s in STANDINGS}) == len(STANDINGS)
