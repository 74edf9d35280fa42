"""The map: every statement of the run's papers, in the papers' order, with what came out of the claims that test it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gen_core.records import NOT_RUN, STANDINGS, PaperRecord, Standing, Statement, plain_name, urgency

from .load import Loaded
from .pictures import Picture, tile_picture
from .rows import CaseRow, ClaimGroup, page_name
from .wording import interval, number, plural, tolerance

LONGEST = 600
"""Characters of a tile's words."""

NOT_CODED = Standing("not coded", "NOT CODED", "·", "none")
NOT_TESTABLE = Standing("not testable", "NOT TESTABLE", "×", "none")
NOT_SELECTED = Standing("not in this run", "NOT IN THIS RUN", "○", "none")
"""What is said of a statement without a case: no claim tests it; none can; one does that was not selected, or that may
be among those that were not collected."""


@dataclass(frozen=True)
class Tile:
    """A statement, and the cases of the claims that test it, worst first.

    Attributes:
        standing: the worst of its cases, or why it has none.
        worst: the case that the standing is of; None without cases.
        refuted, controls: how many of its controls were refuted, of how many that ran.
        coded: whether a claim that was collected tests it.
    """

    statement: Statement
    standing: Standing
    rows: list[CaseRow]
    worst: CaseRow | None
    picture: Picture | None
    refuted: int
    controls: int
    coded: bool

    @property
    def settings(self) -> list[CaseRow]:
        """Its cases that are no controls."""
        return [row for row in self.rows if not row.case.control]


@dataclass(frozen=True)
class PaperMap:
    """A paper on the map: its tiles in its order, its page, and how many statements are of which standing."""

    key: str
    reference: str
    page: str
    listed: bool
    tiles: list[Tile]

    @property
    def counts(self) -> list[tuple[Standing, int]]:
        """Number of statements of each standing, worst first, those without a case last."""
        return statement_counts([self])

    @property
    def coded(self) -> int:
        """Number of its statements that a collected claim tests."""
        return sum(tile.coded for tile in self.tiles)

    @property
    def here(self) -> int:
        """Number of its statements that a case of this run tests."""
        return sum(bool(tile.rows) for tile in self.tiles)


def theory_map(loaded: Loaded, claims: Sequence[ClaimGroup]) -> list[PaperMap]:
    """The papers of a run by key, each with all statements of its list; without a list, with one of each claim."""
    rows: dict[tuple[str, str], list[CaseRow]] = {}
    without: dict[str, list[tuple[Statement, list[CaseRow]]]] = {}
    listed = {paper.key: paper for paper in loaded.run.papers if paper.statements}
    for claim in sorted(claims, key=lambda claim: claim.name):
        first = claim.rows[0].case
        if claim.paper not in listed:
            own = without.setdefault(claim.paper, [])
            own.append((Statement(str(len(own) + 1), first.place or "–", claim.title), claim.rows))
        for name in first.statements:
            rows.setdefault((claim.paper, name), []).extend(claim.rows)
    maps = [
        PaperMap(
            paper.key,
            paper.reference,
            page_name(paper.key),
            True,
            [_tile(statement, rows.get((paper.key, statement.id), []), paper) for statement in paper.statements],
        )
        for paper in listed.values()
    ]
    references = {row.case.paper: row.case.reference for claim in claims for row in claim.rows}
    for key, own in without.items():
        tiles = [_tile(statement, cases, None) for statement, cases in own]
        maps.append(PaperMap(key, references.get(key, ""), page_name(key), False, tiles))
    return sorted(maps, key=lambda paper: paper.key)


def statement_counts(papers: Sequence[PaperMap]) -> list[tuple[Standing, int]]:
    """Number of statements of all papers of each standing, worst first, those without a case last."""
    counts = Counter(tile.standing for paper in papers for tile in paper.tiles)
    return [(place, counts[place]) for place in (*STANDINGS, NOT_SELECTED, NOT_CODED, NOT_TESTABLE) if counts[place]]


def _tile(statement: Statement, rows: list[CaseRow], paper: PaperRecord | None) -> Tile:
    rows = sorted(rows, key=lambda row: (urgency(row.case), row.case.control))
    standing = rows[0].standing if rows else _without(statement, paper)
    worst = rows[0] if rows else None
    ran = [row for row in rows if row.case.control and row.case.verdict not in (None, NOT_RUN)]
    refuted = sum(row.standing.name == "control refuted" for row in ran)
    picture = tile_picture(worst.case) if worst else None
    coded = bool(rows) or (paper is not None and statement.id in paper.tested)
    return Tile(statement, standing, rows, worst, picture, refuted, len(ran), coded)


def _without(statement: Statement, paper: PaperRecord | None) -> Standing:
    if statement.not_testable:
        return NOT_TESTABLE
    return NOT_SELECTED if paper and (statement.id in paper.tested or not paper.whole) else NOT_CODED


def tile_words(tile: Tile) -> str:
    """All that a tile shows, in words."""
    statement, said = tile.statement, f"{tile.standing.badge}"
    if tile.worst and tile.worst.case.estimate is not None:
        case = tile.worst.case
        said += f": {case.measured} {number(case.estimate)} {interval(case)}, {tolerance(case.tolerance)}"
    if statement.not_testable:
        said += f": {statement.not_testable}"
    if tile.controls:
        said += f"; {tile.refuted} of {plural(tile.controls, 'control')} refuted"
    return f"{statement.id}. {statement.place}: {plain_name(statement.says)} {said}"[:LONGEST]
