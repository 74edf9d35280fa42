"""The gallery: the figures of a run in the papers' order, each shown once even if several cases share it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gen_core.records import Figure

from .drawings import Drawing
from .rows import CaseRow, ClaimGroup


@dataclass
class Plate:
    """One figure: how it is drawn, where the paper has it, and claim title -> the rows of the cases that share it."""

    figure: Figure
    drawing: Drawing
    place: str
    claims: dict[str, list[CaseRow]] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """The figures of one claim, or of several that share all of them."""

    titles: list[str]
    plates: list[Plate]

    @property
    def place(self) -> str:
        """The first place in the paper that one of them is from."""
        return min((plate.place for plate in self.plates), key=order)


@dataclass(frozen=True)
class Chapter:
    """One paper: its key, its reference, its year (0 if it is not known), and its figures in its own order."""

    paper: str
    reference: str
    year: int
    groups: list[Group]


def gallery(claims: Iterable[ClaimGroup], drawn: Mapping[str, Drawing]) -> list[Chapter]:
    """Arrange the figures: papers by year, figures by their number, then those of sections, then the rest."""
    papers: dict[str, dict[str, Plate]] = {}
    for claim in claims:
        for row in claim.rows:
            if row.case.figure is None:
                continue
            drawing = drawn[row.case.nodeid]
            new = Plate(row.case.figure, drawing, row.case.place)
            plate = papers.setdefault(claim.paper, {}).setdefault(drawing.name, new)
            plate.place = min(plate.place, new.place, key=order)
            plate.claims.setdefault(claim.title, []).append(row)
    return sorted(map(_chapter, papers, papers.values()), key=lambda chapter: (chapter.year, chapter.paper))


def _chapter(paper: str, plates: dict[str, Plate]) -> Chapter:
    groups: dict[tuple[str, ...], list[Plate]] = {}
    for plate in plates.values():
        groups.setdefault(tuple(sorted(plate.claims)), []).append(plate)
    shown = [Group(list(titles), sorted(members, key=_settings_first)) for titles, members in groups.items()]
    shown.sort(key=lambda group: (order(group.place), group.titles))
    first = next(iter(shown[0].plates[0].claims.values()))[0].case
    return Chapter(paper, first.reference or paper, first.year or 0, shown)


def _settings_first(plate: Plate) -> tuple[bool, list[str]]:
    cases = [row.case for rows in plate.claims.values() for row in rows]
    return all(case.control for case in cases), sorted(case.nodeid for case in cases)


def order(place: str) -> tuple[float, tuple[int, ...], str]:
    """Sort key of a place in its paper: by the first figure that it names, else by its section, else by its words."""
    figure = re.search(r"\bFigures?\s+(\d+)", place)
    section = re.search(r"\bsections?\s+(\d+(?:\.\d+)*)", place)
    numbers = tuple(map(int, section[1].split("."))) if section else (10**6,)
    return (float(figure[1]) if figure else math.inf, numbers, place)
