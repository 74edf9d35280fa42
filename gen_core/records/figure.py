r"""A paper's figures, as numbers of a run. Each part is checked where it is made, and says in one line what is wrong.

Formulas in labels, titles and values are LaTeX between dollar signs, as in `xlabel=r"$\|W\|_F$"`.
Where numbers are expected, any sequence, range, array or tensor of one dimension will do: it becomes a list of floats.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from gen_core.errors import InvalidFigure
from gen_core.records.latex import name_defect

STYLES = ("line", "dashed", "points", "faint")
"""How a curve is drawn; "faint" is one of many seeds."""
AXIS_SCALES = ("linear", "log")


@dataclass(kw_only=True)
class Curve:
    """One line of a figure. None is a gap, as are values that are not finite; `low` and `high` bound a band.

    Raises:
        InvalidFigure: for values that are no numbers, for unequal lengths, for an unknown style.
    """

    x: Sequence[float | None]
    y: Sequence[float | None]
    label: str = ""
    style: str = "line"
    low: Sequence[float | None] = field(default_factory=list)
    high: Sequence[float | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        name = f"curve {self.label!r}"
        _check_words(name, label=self.label)
        sizes = {}
        for part in ("x", "y", "low", "high"):
            setattr(self, part, values := _numbers(getattr(self, part), f"{part} of {name}"))
            if values or part in ("x", "y"):
                sizes[part] = len(values)
        if len(set(sizes.values())) > 1 or len(sizes) == 3:
            found = ", ".join(f"{size} values of {part}" for part, size in sizes.items())
            raise InvalidFigure(f"{name} has {found}; expected as many of x and y, and of low and high or neither")
        _check_known(f"style of {name}", self.style, STYLES)


@dataclass(kw_only=True)
class Mark:
    """A straight reference line across a panel: horizontal (`axis="y"`) or vertical (`axis="x"`)."""

    at: float | None
    label: str
    axis: str = "y"

    def __post_init__(self) -> None:
        name = f"mark {self.label!r}"
        _check_words(name, label=self.label)
        self.at = _number(self.at, f"place of {name}")
        _check_known(f"axis of {name}", self.axis, ("x", "y"))


@dataclass(kw_only=True)
class Tick:
    """A label on a panel's right-hand axis."""

    at: float | None
    label: str

    def __post_init__(self) -> None:
        _check_words(f"tick {self.label!r}", label=self.label)
        self.at = _number(self.at, f"place of tick {self.label!r}")


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

    def __post_init__(self) -> None:
        name = f"panel {self.title or self.ylabel!r}"
        _check_words(name, xlabel=self.xlabel, ylabel=self.ylabel, title=self.title, right_label=self.right_label)
        for part, kind in (("curves", Curve), ("marks", Mark), ("right", Tick)):
            setattr(self, part, _all_of(kind, getattr(self, part), f"{part} of {name}"))
        for part in ("xscale", "yscale"):
            _check_known(f"{part} of {name}", getattr(self, part), AXIS_SCALES)


@dataclass(kw_only=True)
class Reported:
    """One line beside a figure: a quantity, the paper's value, and this run's value."""

    what: str
    paper: str
    here: str

    def __post_init__(self) -> None:
        _check_words(f"reported {self.what!r}", what=self.what, paper=self.paper, here=self.here)


@dataclass(kw_only=True)
class Figure:
    """A paper's figure with this run's numbers; `paper` describes the original, `reported` compares values."""

    title: str
    panels: list[Panel]
    paper: str = ""
    reported: list[Reported] = field(default_factory=list)

    def __post_init__(self) -> None:
        name = f"figure {self.title!r}"
        _check_words(name, title=self.title, paper=self.paper)
        self.panels = _all_of(Panel, self.panels, f"panels of {name}")
        self.reported = _all_of(Reported, self.reported, f"reported of {name}")


def _plain(value: Any) -> Any:
    """Builtins in place of an array or a tensor, without an import of either library."""
    return value.tolist() if hasattr(value, "tolist") and not isinstance(value, type) else value


def _numbers(values: Any, what: str) -> list[float | None]:
    found = _plain(values)
    if isinstance(found, (str, bytes, Mapping, Set)) or not isinstance(found, Iterable):
        raise InvalidFigure(f"{what} are a {type(values).__name__}; expected a sequence of numbers")
    return [_number(value, f"{what} at {place}") for place, value in enumerate(found)]


def _number(value: Any, what: str) -> float | None:
    found = _plain(value)
    if found is None:
        return None
    if not isinstance(found, Real):
        more = " (one dimension)" if isinstance(found, (list, tuple)) else ""
        raise InvalidFigure(f"{what} is a {type(value).__name__}; expected a number{more} or None")
    try:
        number = float(found)
    except OverflowError:  # a whole number beyond all floats
        return None
    return number if math.isfinite(number) else None


def _all_of(kind: type, values: Any, what: str) -> list[Any]:
    found = list(values) if isinstance(values, (list, tuple)) else [values]
    for value in found:
        if not isinstance(value, kind):
            raise InvalidFigure(f"{what} hold a {type(value).__name__}; expected a list, each a {kind.__name__}")
    return found


def _check_known(what: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InvalidFigure(f"{what} is {value!r}; expected {' or '.join(map(repr, known))}")


def _check_words(name: str, **words: Any) -> None:
    for what, value in words.items():
        if not isinstance(value, str):
            raise InvalidFigure(f"{what} of {name} is a {type(value).__name__}; expected a string")
        if why := name_defect(value):
            raise InvalidFigure(f"{what} of {name}: {why}")
