"""What a verdict means for the reader: whether a run may be green with it, how urgent it is, and what it is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from gen_core.records.vocabulary import ERROR, INCONCLUSIVE, NOT_RUN, REFUTED, Kind, Verdict


@dataclass(frozen=True)
class Standing:
    """A place in the order of urgency.

    Attributes:
        name: what it is counted and filtered under.
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

    @property
    def green(self) -> bool:
        """Whether a run may be green with it."""
        return not self.attention


STANDINGS = (
    Standing("error", "ERROR", "!", "bad"),
    Standing("refuted", "REFUTED", "✗", "bad"),
    Standing("inconclusive", "INCONCLUSIVE", "?", "open"),
    Standing("control not refuted", "HOLDS", "✗", "bad"),
    Standing("not as declared", "NOW REPRODUCED", "✗", "bad"),
    Standing("not reached", "NOT REACHED", "…", "open"),
    Standing("not run", "NOT RUN", "–", "off"),
    Standing("not reproduced", "NOT REPRODUCED", "≠", "off"),
    Standing("holds", "HOLDS", "✓", "good"),
    Standing("control refuted", "REFUTED", "✓", "good"),
)
"""All of them, worst first."""

_NAMED = {standing.name: standing for standing in STANDINGS}


class Outcome(Protocol):
    """What a standing is made of: the verdict, the kind of the case, and why it is declared as not reproduced if so."""

    verdict: Verdict | None
    kind: Kind
    not_reproduced: str


def standing(case: Outcome) -> Standing:
    """Where a case stands. A refuted control is good news; a claim that is declared as not reproduced is neither."""
    return _NAMED[_name(case)]


def urgency(case: Outcome) -> int:
    """Place of a case in the order worst first."""
    return STANDINGS.index(standing(case))


def standing_counts(cases: Iterable[Outcome]) -> dict[Standing, int]:
    """How many cases stand where, worst first; without the standings that none has."""
    counts = Counter(map(standing, cases))
    return {place: counts[place] for place in STANDINGS if counts[place]}


def _name(case: Outcome) -> str:
    words = {None: "not reached", ERROR: "error", NOT_RUN: "not run", INCONCLUSIVE: "inconclusive"}
    if name := words.get(case.verdict):
        return name
    refuted = case.verdict == REFUTED
    if case.kind != "setting":
        return "control refuted" if refuted else "control not refuted"
    if case.not_reproduced:
        return "not reproduced" if refuted else "not as declared"
    return "refuted" if refuted else "holds"
