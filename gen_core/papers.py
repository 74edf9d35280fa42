"""Papers, the lists of their statements, and places in them."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path

from gen_core.checks import check_name, check_words
from gen_core.errors import InvalidClaim
from gen_core.recipe import brief
from gen_core.records import PaperRecord, Statement

DOI = re.compile(r"10\.\d{4,9}/[!-~]+", re.ASCII)


@dataclass(frozen=True)
class Paper:
    """A source of claims.

    Attributes:
        key: the pytest marker of its claims and the prefix of their files.
        statements: all that it states, in its order, as `read_statements` gives them. Each claim then names those that
            it tests. Empty for a paper without a list.
        doi: its digital object identifier, "10.48550/arXiv." and its number for one on arXiv; empty if it has none.
    """

    key: str
    authors: str
    title: str
    year: int
    venue: str = ""
    statements: tuple[Statement, ...] = ()
    doi: str = ""

    def __post_init__(self) -> None:
        for name in ("authors", "title"):
            check_words(f"{name} of a paper", getattr(self, name))
        check_words("venue of a paper", self.venue, empty=True)
        check_words("DOI of a paper", self.doi, empty=True)
        if self.doi and not DOI.fullmatch(self.doi):
            raise InvalidClaim(f"DOI of a paper {brief(self.doi)}; expected one such as 10.48550/arXiv.1905.11604")
        if type(self.year) is not int:
            raise InvalidClaim(f"year of a paper {brief(self.year)}; expected an integer")
        if not isinstance(self.key, str) or not self.key.isidentifier():
            raise InvalidClaim(f"paper key {self.key!r}; expected an identifier, since it becomes a pytest marker")
        if not all(isinstance(one, Statement) for one in self.statements):
            raise InvalidClaim(f"statements of a paper {brief(self.statements)}; expected a tuple of Statement")
        counts = Counter(one.id for one in self.statements)
        if twice := [name for name, count in counts.items() if count > 1]:
            raise InvalidClaim(f"statements {', '.join(twice)} of {self.key} stand twice in its list; expected once")

    def at(self, place: str, *statements: str) -> Citation:
        """A place in the paper: a theorem, a section, a figure; and the ids of the statements there that are tested."""
        return Citation(self, place, statements)

    def record(self, tested: list[str], whole: bool = True) -> PaperRecord:
        """Its record in a run whose claims test the statements with these ids, and no claim beside them the others."""
        return PaperRecord(
            key=self.key,
            reference=str(self),
            authors=self.authors,
            title=self.title,
            year=self.year,
            doi=self.doi,
            statements=list(self.statements),
            tested=tested,
            whole=whole,
        )

    def __str__(self) -> str:
        return f'{self.authors}, "{self.title}"{f", {self.venue}" if self.venue else ""} ({self.year})'


@dataclass(frozen=True)
class Citation:
    """A place in a paper, and the ids of the statements of the paper's list that are meant."""

    paper: Paper
    place: str
    statements: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.paper, Paper):
            raise InvalidClaim(f"paper {brief(self.paper)} of a citation; expected a Paper")
        check_words("place in a paper", self.place)
        listed = {one.id: one for one in self.paper.statements}
        known = f"its list has {', '.join(listed)}" if listed else "it has no list of statements"
        for name in self.statements:
            if name not in listed:
                raise InvalidClaim(f"statement {name!r} of {self.paper.key}; {known}")
            if why := listed[name].not_testable:
                raise InvalidClaim(f"statement {name!r} of {self.paper.key}, which its list calls not testable: {why}")
        if listed and not self.statements:
            raise InvalidClaim(f"{self.paper.key}, {self.place}: no statement is named; {known}")

    def __str__(self) -> str:
        return f"{self.paper}, {self.place}"


def read_statements(path: str | Path) -> tuple[Statement, ...]:
    """The statements of a paper from a TOML file: `statements = [{ id = "1", place = "...", says = "..." }, ...]`.

    Args:
        path: the file. An entry may also have `priority`, and `not_testable`, the reason why no claim can test it. What
            it `says` may have formulas, in LaTeX between dollar signs.

    Raises:
        InvalidClaim: naming the file, and what is missing, unknown, or no text.
    """
    try:
        entries = tomllib.loads(Path(path).read_text(encoding="utf-8"))["statements"]
    except (OSError, ValueError, KeyError) as error:
        raise InvalidClaim(f"{path}: no list of statements ({error}); expected TOML, `statements = [...]`") from error
    names = {field.name for field in fields(Statement)}
    for number, entry in enumerate(entries, 1):
        where = f"{path}, statement {number}"
        if not isinstance(entry, dict) or not {"id", "place", "says"} <= set(entry) <= names:
            raise InvalidClaim(
                f"{where}: {brief(entry)}; expected id, place and says, and of {', '.join(names)} no other"
            )
        for name, text in entry.items():
            (check_name if name == "says" else check_words)(f"{where}: {name}", text)
    return tuple(Statement(**entry) for entry in entries)
