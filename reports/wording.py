"""Numbers, lengths of time, statements and recipes as text."""

from __future__ import annotations

import inspect
import math
import re
import textwrap
from datetime import datetime
from typing import Any

from gen_core.records import ERROR, HOLDS, INCONCLUSIVE, NOT_RUN, REFUTED, CaseRecord

OF_SEEDS = "of seeds"
"""How the words of a tolerance on a share of the seeds end."""

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, digits: int = 3) -> str:
    """A value with `digits` significant digits; a dash for one that is missing or not finite."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.{digits}g}"


def plural(count: int, noun: str) -> str:
    """A count with its noun: "1 seed", "8 seeds"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def power_of_ten(exponent: int) -> str:
    """10 to an exponent, the exponent raised."""
    return "10" + str(exponent).translate(_SUPERSCRIPT)


def duration(seconds: float | None) -> str:
    """A length of time in its two largest units."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {left} s"


def moment(started: str) -> str:
    """A UTC time of ISO 8601 to the minute; anything else as it is."""
    try:
        return f"{datetime.fromisoformat(started):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return started


def tolerance(text: str) -> str:
    """An expectation with the signs of print."""
    return (
        text.replace("<=", "≤")
        .replace(">=", "≥")
        .replace("≤ ", "≤\N{NO-BREAK SPACE}")
        .replace("≥ ", "≥\N{NO-BREAK SPACE}")
    )


def cell(text: str) -> str:
    """Text in a cell of a Markdown table: one line in which nothing is markup."""
    return re.sub(r"([\\|<>*_`\[\]])", r"\\\1", " ".join(text.split()))


def interval(case: CaseRecord) -> str:
    """The judged interval; empty where it is a point or is not there."""
    if (case.low is None and case.high is None) or case.low == case.high:
        return ""
    return f"[{number(case.low)}, {number(case.high)}]"


def blocks(docstring: str) -> list[tuple[bool, str]]:
    """Split a docstring into (is it indented?, text): paragraphs, items of lists, and indented blocks as they are."""
    found: list[tuple[bool, list[str]]] = []
    fresh = True
    for line in inspect.cleandoc(docstring).splitlines():
        # An indented line is a block of its own only after a blank one; else it goes on with an item of a list.
        indented = line.startswith(" ") and (fresh or (bool(found) and found[-1][0]))
        if not line.strip():
            fresh = True
            if found and found[-1][0]:
                found[-1][1].append("")
            continue
        if indented and found and found[-1][0]:
            found[-1][1].append(line)
        elif indented or fresh or not found or found[-1][0] or line.startswith(("- ", "* ")):
            found.append((indented, [line]))
        else:
            found[-1][1].append(line.strip())
        fresh = False
    return [(code, textwrap.dedent("\n".join(lines)).rstrip()) for code, lines in found]


def outline(value: Any, depth: int = 0) -> str:
    """Nested builtins as indented `name: value` lines; a list of plain values stays on its line."""
    indent = "  " * depth
    if isinstance(value, dict) and value:
        parts = ((str(name), item) for name, item in value.items())
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) and item for item in value):
        parts = ((f"- {place}", item) for place, item in enumerate(value))
    else:
        return indent + _plain(value)
    lines = []
    for name, item in parts:
        body = outline(item, depth + 1)
        flat = "\n" not in body and not (isinstance(item, dict) and item)
        lines.append(f"{indent}{name}: {body.strip()}" if flat else f"{indent}{name}:\n{body}")
    return "\n".join(lines)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_plain, value)) + "]"
    if value in (None, {}, ""):
        return {"None": "none", "{}": "{}", "": '""'}[str(value)]
    return str(value).lower() if isinstance(value, bool) else str(value)


def position(case: CaseRecord) -> str:
    """Where the judged interval lies: "inside" the tolerance, "outside", "across" a limit, or "" if it is not known."""
    if not case.limits or None in case.limits or (case.low is None and case.high is None):
        return ""
    low = -math.inf if case.low is None else case.low
    high = math.inf if case.high is None else case.high
    ends = {
        "at most": (-math.inf, case.limits[0]),
        "at least": (case.limits[0], math.inf),
        "between": (case.limits[0], case.limits[-1]),
    }.get(case.direction)
    if ends is None:
        return ""
    if ends[0] <= low and high <= ends[1]:
        return "inside"
    return "outside" if high < ends[0] or low > ends[1] else "across"


def explanation(case: CaseRecord) -> str:
    """The verdict in a sentence or two, with its numbers, and what it means for a control."""
    return judgement(case) + _meaning(case)


def judgement(case: CaseRecord) -> str:
    """Why the verdict is what it is, with the bound and the limit that decide."""
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
    return f"{what} is {number(case.estimate)} over {_seeds(case)}{within}{expected}."


def outside(case: CaseRecord, value: float) -> bool:
    """Whether one seed's value is outside the tolerance; never where that is about a share of the seeds."""
    if case.tolerance.endswith(OF_SEEDS) or None in case.limits or not case.limits:
        return False
    above, below = value > case.limits[-1], value < case.limits[0]
    return {"at most": above, "at least": below, "between": above or below}.get(case.direction, False)


def decided(case: CaseRecord) -> str:
    """When a case was decided, in a sentence; empty without looks."""
    if not case.looks:
        return ""
    seeds = f"{case.looks[-1].seeds} seeds"
    if case.looks[-1].verdict == INCONCLUSIVE:
        return f"Not decided by the last look, at {seeds}."
    return f"Decided at look {len(case.looks)}, with {seeds}."


def _judged(case: CaseRecord, where: str) -> str:
    """Where the interval lies, with the bound and the limit that decide."""
    of, least, most = _subject(case), case.limits[0], case.limits[-1]
    low = -math.inf if case.low is None else case.low
    high = math.inf if case.high is None else case.high
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
    said, than = _apart(bound, limit)
    name = (
        f"the {'upper' if upper else 'lower'} bound {said} of {of}" if interval(case) else f"the value {said} of {of}"
    )
    relation = ("is below" if upper else "is above") if bound != limit else f"is not {'above' if upper else 'below'}"
    return f"{name} {relation} {than}"


def _subject(case: CaseRecord) -> str:
    """What an interval is about; the words of a tolerance tell."""
    said, seeds = case.tolerance, _seeds(case)
    if said.endswith("in every seed"):
        return f"the worst of {seeds}"
    if said.endswith(OF_SEEDS):
        return f"the share of {seeds} with a value {tolerance(said.partition(' in at least')[0])}"
    kind = next((kind for kind in ("exponent", "rank correlation") if said.startswith(kind)), "")
    return f"the mean {kind} over {seeds}".replace("  ", " ")


def _seeds(case: CaseRecord) -> str:
    return plural(len(case.values), "seed")


def _room(case: CaseRecord) -> str:
    if case.headroom is None:
        return ""
    deviations = f"{number(abs(case.headroom))} standard deviations"
    return f"; headroom {deviations}" if case.headroom >= 0 else f"; the estimate is {deviations} beyond the limit"


def _apart(one: float, other: float) -> tuple[str, str]:
    """Two numbers with as many digits as tell them apart."""
    digits = next((d for d in range(3, 17) if number(one, d) != number(other, d)), 3)
    return number(one, digits), number(other, digits)


def _meaning(case: CaseRecord) -> str:
    if case.verdict in (None, ERROR, NOT_RUN):
        return ""
    if case.control and case.case.startswith("mutated-"):
        told = "As it must be" if case.verdict == REFUTED else "It should have been refuted"
        return f" {told}: this control mutates the measure, “{case.drops}”."
    if case.control and case.verdict == REFUTED:
        return f" As it must be: this control drops the hypothesis “{case.drops}”."
    if case.control:
        return f" It should have been refuted: without “{case.drops}” the test does not notice a difference."
    if case.not_reproduced and case.verdict == HOLDS:
        return " It is declared as not reproduced, and now holds."
    return ""
