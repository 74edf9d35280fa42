"""Numbers, durations, statements and recipes as text."""

from __future__ import annotations

import inspect
import math
import re
import textwrap
from datetime import datetime
from typing import Any, Literal

from gen_core.records import CaseRecord, Work

OF_TRAINING = ("rule", "loss", "steps", "stop", "checkpoints")
"""Fields of a recipe that say how a training goes."""

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
    """A duration in its two largest units."""
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


def recipe_of(recipe: Any, work: Work | Literal[""]) -> Any:
    """A recipe without the fields that do nothing where nothing is trained."""
    if work not in ("drawn", "computed") or not isinstance(recipe, dict):
        return recipe
    return {name: value for name, value in recipe.items() if name not in OF_TRAINING}


def outline(value: Any, depth: int = 0) -> str:
    """Nested builtins as indented `name: value` lines, without null ones; a list of plain values stays on its line."""
    indent = "  " * depth
    if isinstance(value, dict) and value:
        parts = ((str(name), item) for name, item in value.items() if item is not None)
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
