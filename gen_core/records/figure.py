"""A paper's figures, as numbers of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Curve:
    """One line of a figure. None is a gap, also for values that are not finite; `low` and `high` bound a band."""

    x: Sequence[float | None]
    y: Sequence[float | None]
    label: str = ""
    style: str = "line"  # "line", "dashed", "points", "faint" (one of many seeds)
    low: Sequence[float | None] = field(default_factory=list)
    high: Sequence[float | None] = field(default_factory=list)


@dataclass(kw_only=True)
class Mark:
    """A straight reference line across a panel: horizontal (`axis="y"`) or vertical (`axis="x"`)."""

    at: float | None
    label: str
    axis: str = "y"


@dataclass(kw_only=True)
class Tick:
    """A label on a panel's right-hand axis."""

    at: float | None
    label: str


@dataclass(kw_only=True)
class Panel:
    """One pair of axes. Scales are "linear" or "log"; `right` labels a right-hand axis, where a paper has one."""

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
    """One line beside a figure: a quantity, the paper's value, and this run's value."""

    what: str
    paper: str
    here: str


@dataclass(kw_only=True)
class Figure:
    """A paper's figure with this run's numbers; `paper` describes the original, `reported` compares values."""

    title: str
    panels: list[Panel]
    paper: str = ""
    reported: list[Reported] = field(default_factory=list)
