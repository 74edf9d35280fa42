"""Explanations of verdicts in sentences, from the fields of a record."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from gen_core.records import ERROR, HOLDS, INCONCLUSIVE, NOT_RUN, REFUTED, CaseRecord, in_deviations

from .wording import interval, number, plural, tolerance

SUBJECTS = {
    "mean": "the mean over {seeds}",
    "worst": "the worst of {seeds}",
    "share": "the share of {seeds}",
    "median": "the median over {seeds}",
    "exponent": "the mean exponent over {seeds}",
    "trend": "the median rank correlation over {seeds}",
}
"""Statistic -> what is judged, in words."""


def position(case: CaseRecord) -> str:
    """The position of the judged interval: "inside" the tolerance, "outside", "across" a limit, or "" if unknown."""
    allowed, (low, high) = _allowed(case), _ends(case)
    if allowed is None or (case.low is None and case.high is None):
        return ""
    if allowed[0] <= low and high <= allowed[1]:
        return "inside"
    return "outside" if high < allowed[0] or low > allowed[1] else "across"


def subject(case: CaseRecord) -> str:
    """The judged statistic, with the number of seeds."""
    subject = SUBJECTS.get(case.statistic, "what is judged of {seeds}").format(seeds=plural(len(case.values), "seed"))
    if case.scale:
        return f"{subject}, as the mean of {case.scale}"
    if case.seed_limit is None:
        return subject
    sign = {"at most": "≤", "at least": "≥"}.get(case.seed_direction, case.seed_direction)
    return f"{subject} with a value {sign}\N{NO-BREAK SPACE}{number(case.seed_limit)}"


def explanation(case: CaseRecord) -> str:
    """The verdict in a sentence or two, with its numbers, and what it means for a control."""
    return judgement(case) + _meaning(case)


def judgement(case: CaseRecord) -> str:
    """The reason for the verdict, with the decisive bound and limit."""
    if case.verdict is None:
        return "This case was selected, and the run ended before it was reached."
    if case.verdict == ERROR:
        return "The measurement did not finish or could not be set up, so nothing is said about the statement."
    if case.verdict == NOT_RUN:
        return "This case was skipped, because what it needs is not on this machine."
    what = case.measured or "The measured value"
    where = position(case)
    if where:
        return f"{what}: {_judged(case, where)}{_room(case)}."
    within = f", with the interval {interval(case)}" if interval(case) else ""
    expected = f"; the tolerance is {tolerance(case.tolerance)}" if case.tolerance else ""
    return f"{what} is {number(case.estimate)} over {plural(len(case.values), 'seed')}{within}{expected}."


def outside(case: CaseRecord, value: float) -> bool:
    """Whether one seed's value is outside the tolerance; never where that is about a share of the seeds."""
    allowed = None if case.statistic == "share" else _allowed(case)
    return allowed is not None and not allowed[0] <= value <= allowed[1]


def decided(case: CaseRecord) -> str:
    """When a case was decided, in a sentence; empty without looks."""
    if not case.looks:
        return ""
    seeds = plural(case.looks[-1].seeds, "seed")
    if case.looks[-1].verdict == INCONCLUSIVE:
        return f"Not decided by the last look, at {seeds}."
    return f"Decided at look {len(case.looks)}, with {seeds}."


def not_shown(case: CaseRecord, scale: str) -> str:
    """What the case says nothing about, in a sentence: what its claim names as that, else what was not run."""
    own = re.search(r"^Does not show: (.*?)(?:\n\s*\n|\Z)", case.statement, re.DOTALL | re.MULTILINE)
    if own:
        return " ".join(own[1].split())
    used = {name: sorted(set(_recipes(case.recipes, name))) for name in ("data", "model")}
    parts = ["other sizes"]
    parts += [f"other data than {', '.join(used['data'])}"] if used["data"] else []
    parts += [f"other models than {', '.join(used['model'])}"] if used["model"] and case.work != "computed" else []
    parts += ["the paper's own sizes, if they are others than at this scale"] if scale != "paper" else []
    return f"{'; '.join(parts)}; nor the statement itself, where it is about a limit or about all cases."


def _recipes(value: Any, name: str) -> Iterator[str]:
    """Names of the recipes that stand in a field of this name, anywhere in nested builtins."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == name and isinstance(inner, dict) and isinstance(inner.get("recipe"), str):
                yield inner["recipe"][:60]
            else:
                yield from _recipes(inner, name)


def _judged(case: CaseRecord, where: str) -> str:
    """The position of the interval, with the decisive bound and limit."""
    of, least, most = subject(case), case.limits[0], case.limits[-1]
    low, high = _ends(case)
    if where == "across":
        limit = least if low <= least <= high else most
        needed = f"; about {case.seeds_needed} seeds would decide" if case.seeds_needed else ""
        return f"{number(limit)} lies inside the interval {interval(case)} of {of}{needed}"
    if case.direction == "between" and where == "inside":
        span = f"interval {interval(case)} of {of}" if interval(case) else f"value {number(low)} of {of}"
        return f"the {span} lies between {number(least)} and {number(most)}"
    # An upper bound shows that a value is low enough, and a lower bound that it is too high.
    upper = high <= most if case.direction == "at most" else high < least
    bound, limit = (
        (high, most if where == "inside" else least) if upper else (low, least if where == "inside" else most)
    )
    value, than = _apart(bound, limit)
    name = (
        f"the {'upper' if upper else 'lower'} bound {value} of {of}" if interval(case) else f"the value {value} of {of}"
    )
    relation = ("is below" if upper else "is above") if bound != limit else f"is not {'above' if upper else 'below'}"
    return f"{name} {relation} {than}"


def _allowed(case: CaseRecord) -> tuple[float, float] | None:
    """The range that the tolerance allows; None if unknown."""
    if not case.limits:
        return None
    return {
        "at most": (-math.inf, case.limits[0]),
        "at least": (case.limits[0], math.inf),
        "between": (case.limits[0], case.limits[-1]),
    }.get(case.direction)


def _ends(case: CaseRecord) -> tuple[float, float]:
    """The judged interval; a missing end stands for infinity."""
    return (-math.inf if case.low is None else case.low, math.inf if case.high is None else case.high)


def _room(case: CaseRecord) -> str:
    if case.headroom is None or case.statistic == "worst":  # which is judged without statistics
        return ""
    deviations = in_deviations(abs(case.headroom), unit="standard deviations")
    return f"; headroom {deviations}" if case.headroom >= 0 else f"; the estimate is {deviations} beyond the limit"


def _apart(one: float, other: float) -> tuple[str, str]:
    """Two numbers with enough digits to distinguish them."""
    digits = next((d for d in range(3, 17) if number(one, d) != number(other, d)), 3)
    return number(one, digits), number(other, digits)


def _meaning(case: CaseRecord) -> str:
    if case.verdict in (None, ERROR, NOT_RUN):
        return ""
    if case.kind == "mutation":
        comment = "As it must be" if case.verdict == REFUTED else "It should have been refuted"
        return f" {comment}: this control mutates the measure, “{case.drops}”."
    if case.control and case.verdict == REFUTED:
        return f" As it must be: this control drops the hypothesis “{case.drops}”."
    if case.control:
        return f" It should have been refuted: without “{case.drops}” the test does not notice a difference."
    if case.not_reproduced and case.verdict == HOLDS:
        return " It is declared as not reproduced, and now holds."
    return ""
