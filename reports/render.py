"""A run's records -> `index.html` and one page per case, each file whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from gen_core.records import CaseRecord, Figure
from reports import wording
from reports.changes import Change
from reports.figures import draw
from reports.load import Loaded
from reports.pictures import Picture, interval_picture, seeds_picture
from reports.standing import STANDINGS, Standing, standing, urgency

TEMPLATES = Path(__file__).parent / "templates"
MANY = 40
"""Figures from which on processes that draw some of them each are worth their start."""

PAGE = re.compile(r".*-[0-9a-f]{12}\.html")


@dataclass(frozen=True)
class Row:
    """One case as the templates show it."""

    case: CaseRecord
    standing: Standing
    page: str
    picture: Picture | None


@dataclass(frozen=True)
class Claim:
    """All selected cases of one claim, worst first and controls last among equals."""

    name: str
    title: str
    paper: str
    rows: list[Row]

    @property
    def urgency(self) -> int:
        """Place of the worst case in the order worst first."""
        return min(urgency(row.case) for row in self.rows)


def render(loaded: Loaded, folder: Path, changes: Mapping[str, Change] | None = None) -> Path:
    """Write the report of a run into a folder, the index last, and remove the pages of an earlier report there.

    Args:
        loaded: the run.
        folder: where the report goes.
        changes: node id -> what is different about a case since the runs before; None where no history is kept.

    Returns:
        The path of `index.html`.

    Raises:
        OSError: if the folder cannot be made or written to.
    """
    pages = folder / "claims"
    pages.mkdir(parents=True, exist_ok=True)
    templates = environment()
    claims = _claims(loaded.cases)
    template = templates.get_template("claim.html")
    drawn = _draw_all(loaded.cases)
    for claim in claims:
        for row in claim.rows:
            details = _details(row.case, drawn)
            write(pages / row.page, template.render(run=loaded.run, claim=claim, row=row, changes=changes, **details))
    index = folder / "index.html"
    script = (TEMPLATES / "filter.js").read_text(encoding="utf-8")
    text = templates.get_template("index.html").render(
        run=loaded.run,
        claims=claims,
        changes=changes,
        problems=loaded.problems,
        counts=_counts(loaded.cases),
        total=len(loaded.cases),
        controls=sum(case.control for case in loaded.cases),
        attention=sum(urgency(case) <= 5 for case in loaded.cases),
        papers=sorted({claim.paper for claim in claims}),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    write(index, text)
    current = {row.page for claim in claims for row in claim.rows}
    for page in pages.glob("*.html"):
        if PAGE.fullmatch(page.name) and page.name not in current:
            page.unlink()
    return index


def page_name(nodeid: str) -> str:
    """File name of a case's page: readable, safe on every file system, and different for different node ids."""
    slug = re.sub(r"[^a-z0-9]+", "-", nodeid.rpartition("::")[2].lower()).strip("-")[:80]
    return f"{slug or 'case'}-{hashlib.sha256(nodeid.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}.html"


def environment() -> jinja2.Environment:
    """The templates, with the words that they use; in HTML all text is escaped."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        number=wording.number,
        cell=wording.cell,
        duration=wording.duration,
        moment=wording.moment,
        tolerance=wording.tolerance,
        interval=wording.interval,
        blocks=wording.blocks,
        outline=wording.outline,
        explanation=wording.explanation,
    )
    return made


def _claims(cases: list[CaseRecord]) -> list[Claim]:
    grouped: dict[str, list[CaseRecord]] = {}
    for case in cases:
        grouped.setdefault(case.claim, []).append(case)
    claims = []
    for name, members in grouped.items():
        members.sort(key=lambda case: (urgency(case), case.control, case.nodeid))
        first = next((case for case in members if not case.control), members[0])
        rows = [Row(case, standing(case), page_name(case.nodeid), interval_picture(case)) for case in members]
        claims.append(Claim(name, first.title, first.paper, rows))
    return sorted(claims, key=lambda claim: (claim.urgency, claim.paper, claim.name))


def _counts(cases: list[CaseRecord]) -> list[tuple[Standing, int]]:
    counts = Counter(standing(case) for case in cases)
    return [(place, counts[place]) for place in STANDINGS if counts[place]]


def _draw_all(cases: list[CaseRecord]) -> dict[str, tuple[list[str], str]]:
    """Every different figure of the cases, which share figures as they share trainings: its SVGs, or what is wrong."""
    figures = {_key(case.figure): case.figure for case in cases if case.figure}
    if len(figures) < MANY:
        return {key: _draw(figure) for key, figure in figures.items()}
    # Not forked: the process that ends a run has threads.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        return dict(zip(figures, pool.map(_draw, figures.values(), chunksize=8), strict=True))


def _draw(figure: Figure) -> tuple[list[str], str]:
    """A figure that cannot be drawn does not cost the page."""
    try:
        return draw(figure), ""
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return [], f"The figure could not be drawn: {error}"


def _key(figure: Figure) -> str:
    return repr(figure.panels)


def _details(case: CaseRecord, drawn: dict[str, tuple[list[str], str]]) -> dict[str, Any]:
    """What the page of a case shows beside its record."""
    drawings, defect = drawn[_key(case.figure)] if case.figure else ([], "")
    # Safe as it is: matplotlib escapes all text that it writes.
    return {
        "drawings": [Markup(svg) for svg in drawings],
        "figure_defect": defect,
        "seeds": seeds_picture(case),
    }


def write(path: Path, text: str) -> None:
    """Write a file, whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(text.encode("utf-8", "replace"))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
