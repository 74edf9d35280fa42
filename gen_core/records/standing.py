"""What a verdict means for the reader: how urgent it is, and under which name it is standing_counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from gen_core.records.case import ERROR, HOLDS, INCONCLUSIVE, NOT_RUN, REFUTED, CaseRecord


@dataclass(frozen=True)
class Standing:
    """A place in the order of urgency.

    Attributes:
        name: what it is standing_counts and filtered under.
        badge: what is written on a case.
        sign: one character before the badge, so that colour alone carries nothing.
        tone: "bad", "open", "off" or "good"; picks the colour.
    """

    name: str
    badge: str
    sign: str
    tone: str

    @property
    def attention(self) -> bool:
        """Whether a run is red for it."""
        return self.tone in ("bad", "open")


STANDINGS = (
    Standing("error", "ERROR", "!", "bad"),
    Standing("refuted", "REFUTED", "✗", "bad"),
    Standing("inconclusive", "INCONCLUSIVE", "?", "open"),
    Standing("control not refuted", "HOLDS", "✗", "bad"),
    Standing("not as declared", "HOLDS", "✗", "bad"),
    Standing("not reached", "NOT REACHED", "…", "open"),
    Standing("not run", "NOT RUN", "–", "off"),
    Standing("not reproduced", "NOT REPRODUCED", "≠", "off"),
    Standing("holds", "HOLDS", "✓", "good"),
    Standing("control refuted", "REFUTED", "✓", "good"),
)
_NAMED = {standing.name: standing for standing in STANDINGS}


def standing(case: CaseRecord) -> Standing:
    """Where a case stands. A refuted control is good news; a claim that is declared as not reproduced is neither."""
    return _NAMED[_name(case)]


def urgency(case: CaseRecord) -> int:
    """Place of a case in the order worst first."""
    return STANDINGS.index(standing(case))


def standing_counts(cases: Iterable[CaseRecord]) -> dict[Standing, int]:
    """How many cases stand where, worst first; without the standings that none has."""
    counts = Counter(map(standing, cases))
    return {place: counts[place] for place in STANDINGS if counts[place]}


def _name(case: CaseRecord) -> str:
    if case.verdict is None:
        return "not reached"
    if case.verdict == ERROR:
        return "error"
    if case.verdict == NOT_RUN:
        return "not run"
    if case.control and case.verdict in (HOLDS, REFUTED):
        return "control refuted" if case.verdict == REFUTED else "control not refuted"
    if case.not_reproduced and case.as_expected:
        return "not reproduced"
    if case.verdict == INCONCLUSIVE:
        return "inconclusive"
    if case.verdict == REFUTED:
        return "refuted"
    return "not as declared" if case.not_reproduced else "holds"
