"""The standing of a verdict: whether a run with it may be green, how urgent it is, and its name for readers."""

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
        name: its name in counts and filters.
        badge: its label on a case.
        sign: one character before the badge, so that no information is in the colour alone.
        tone: "bad", "open", "off" or "good"; selects the colour.
    """

    name: str
    badge: str
    sign: str
    tone: str

    @property
    def attention(self) -> bool:
        """Whether it makes a run red."""
        return self.tone in ("bad", "open")

    @property
    def green(self) -> bool:
        """Whether a run with it may be green."""
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
    """The fields that determine a standing: verdict, kind, and why it is declared as not reproduced, if it is."""

    verdict: Verdict | None
    kind: Kind
    not_reproduced: str


def standing(case: Outcome) -> Standing:
    """The standing of a case. A refuted control is good; a claim declared as not reproduced is neither good nor bad."""
    return _NAMED[_name(case)]


def urgency(case: Outcome) -> int:
    """Place of a case in the order worst first."""
    return STANDINGS.index(standing(case))


def standing_counts(cases: Iterable[Outcome]) -> dict[Standing, int]:
    """Number of cases of each standing, worst first; standings without cases are left out."""
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
