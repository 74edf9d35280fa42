"""What a paper draws, as numbers of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Curve:
    """One line of a figure. None is a gap, and what was not finite; `low` and `high` draw a band around it."""

    x: Sequence[float | None]
    y: Sequence[float | None]
    label: str = ""
    style: str = "line"  # "line", "dashed", "points", "faint" (one of many seeds)
    low: Sequence[float | None] = field(default_factory=list)
    high: Sequence[float | None] = field(default_factory=list)


@dataclass(kw_only=True)
class Mark:
    """A straight reference line across a panel: at a height (`axis="y"`) or at a place (`axis="x"`)."""

    at: float | None
    label: str
    axis: str = "y"


@dataclass(kw_only=True)
class Tick:
    """A label at a height of a panel's right side."""

    at: float | None
    label: str


@dataclass(kw_only=True)
class Panel:
    """One pair of axes. Scales are "linear" or "log"; `right` names heights in other units, where a paper does."""

    xlabel: str
    ylabel: str
    curves: list[Curve]
    title: str = ""
    xscale: str = "linear"
    yscale: str = "linear"
    marks: list[Mark] = field(default_factory=list)
    right: list[Tick] = field(default_factory=list)
    right_label: str = ""


@dataclass(kw_only=True)
class Reported:
    """One line beside a figure: a quantity, what the paper reports of it, and what this run has."""

    what: str
    paper: str
    here: str


@dataclass(kw_only=True)
class Figure:
    """What a paper draws, as numbers of this run; `paper` says what its figure shows, `reported` its numbers."""

    title: str
    panels: list[Panel]
    paper: str = ""
    reported: list[Reported] = field(default_factory=list)
