"""A paper in the record of a run: the list of its statements, those that no claim tests among them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Statement:
    """A statement of a paper.

    Attributes:
        id: its name in the paper's list.
        place: where the paper makes it.
        says: what it says, in one sentence; formulas in it are LaTeX between dollar signs.
        priority: "A" to "C", for those who look for one to code.
        not_testable: why no claim can test it; empty for all others.
    """

    id: str
    place: str
    says: str
    priority: str = "A"
    not_testable: str = ""


@dataclass(kw_only=True)
class PaperRecord:
    """A paper of a run.

    Attributes:
        key: as in its cases; `reference` its authors, title and year in words.
        authors, title, year: the same, each by itself; empty and None in records of earlier versions.
        doi: its digital object identifier, without "https://doi.org/"; empty if none is known.
        statements: all of its list, in its order; empty for a paper without a list.
        tested: ids of those that a collected claim tests, selected or not.
        whole: whether all claims beside those were collected, so that none tests the other statements.
    """

    key: str
    reference: str
    authors: str = ""
    title: str = ""
    year: int | None = None
    doi: str = ""
    statements: list[Statement] = field(default_factory=list)
    tested: list[str] = field(default_factory=list)
    whole: bool = True
