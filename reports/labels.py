"""Labels of figures as text, and what a figure shows in words; drawn by `reports.figures`."""

from __future__ import annotations

import unicodedata

from gen_core.records import Panel, plain_name

LONGEST = 70  # characters of a label


def alternative(panel: Panel) -> str:
    """A description of a panel in words, as its text alternative."""
    axes = f"{label_of(panel.ylabel)} over {label_of(panel.xlabel)}"
    return f"{label_of(panel.title)}: {axes}" if label_of(panel.title) else axes


def label_of(text: str) -> str:
    """A label as plain text on one line, without control characters and lone surrogates."""
    line = plain_name(drawable(text))
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def drawable(text: str) -> str:
    """Text on one line, its formulas as they are, with a space for what neither XML nor matplotlib accepts."""
    line = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Cn", "Zl", "Zp") else c for c in text).strip()
    return line.lstrip("_")  # matplotlib hides labels that begin so
