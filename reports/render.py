"""Rendering: from a run's records to the map, a page per paper and per case, the list of all cases and the gallery."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from gen_core.records import STANDINGS, CaseRecord, standing, standing_counts

from .changes import Change, kind_counts
from .crate import NAME, crate
from .drawings import NOTE, Drawing, draw_all, note_of
from .failure import first_failures, loading, nearest
from .formulas import mathml
from .gallery import gallery
from .load import Loaded
from .pictures import seeds_picture
from .rows import PAGE, CaseRow, ClaimGroup, claims_of, page_name
from .templating import TEMPLATES, make_folder, template_environment, write
from .theory import PaperMap, statement_counts, theory_map

FIGURE = re.compile(r"[0-9a-f]{16}-\d+\.svg")
ALWAYS = ("error", "refuted", "inconclusive", "not run", "not reproduced", "holds", "control refuted")
"""Standings that the summary counts even if no case has them."""

SIBLINGS = 40
"""Settings, and controls, of its claim that a case's page lists; it links to all cases for the rest."""

LISTED = 8
"""Cases of a statement that a paper's page lists."""

BESIDE = {
    "history/index.html": "History",
    "junit.xml": "JUnit XML",
    "records.json": "All records",
    "summary.md": "Summary",
    NAME: "RO-Crate",
}
"""Other files of a report, which the index links to if they exist."""


def render(
    loaded: Loaded,
    folder: Path,
    changes: Mapping[str, Change] | None = None,
    unchanged: Mapping[str, str] | None = None,
) -> Path:
    """Write the report of a run into a folder, the index last, and remove the pages of an earlier report there.

    Many figures are drawn by several processes: a script that calls this needs `if __name__ == "__main__"`, as all do
    that start processes by `multiprocessing`.

    Args:
        loaded: the run.
        folder: where the report goes. Pages over runs in `history` and files for machines are linked to where they are.
        changes: node id -> what is different about a case since the runs before; None where no history is kept.
        unchanged: node id -> since when a case's tolerance has been what it is, in words.

    Returns:
        The path of `index.html`.

    Raises:
        OSError: if the folder cannot be made or written to.
    """
    pages, figures, papers = folder / "claims", folder / "figures", folder / "papers"
    for place in (pages, figures, papers):
        make_folder(place)
    templates = template_environment()
    claims = claims_of(loaded.cases, changes or {})
    drawn = draw_all(loaded.cases, figures)
    files = {name: svg for d in drawn.values() for name, svg in zip(d.files, d.panels, strict=True)}
    for name, svg in files.items():
        write(figures / name, svg)
    write(figures / NOTE, note_of(drawn.values()))
    template = templates.get_template("claim.html")
    for claim in claims:
        past = f"../history/{page_name(claim.name)}"
        for row in claim.rows:
            details = _details(claim, row, loaded, drawn.get(row.case.nodeid))
            details["unchanged"] = (unchanged or {}).get(row.case.nodeid, "")
            details["past"] = past if (pages / past).is_file() else ""
            write(pages / row.page, template.render(run=loaded.run, claim=claim, row=row, **details))
    shown = {"run": loaded.run, "claims": claims}
    write(
        folder / "gallery.html", templates.get_template("gallery.html").render(**shown, papers=gallery(claims, drawn))
    )
    theory = theory_map(loaded, claims)
    write(folder / NAME, crate(loaded, theory, folder))
    summary = _summary(loaded, changes, folder)
    template = templates.get_template("paper.html")
    for paper in theory:
        write(papers / paper.page, template.render(run=loaded.run, paper=paper, most=LISTED))
    listed = {**summary, **_script("cases.js"), **_cases(loaded.cases, claims)}
    write(folder / "cases.html", templates.get_template("cases.html").render(**shown, **listed))
    index, mapped = folder / "index.html", {**summary, **_script("map.js"), **_statements(theory)}
    write(index, templates.get_template("index.html").render(run=loaded.run, papers=theory, **mapped))
    _remove_others(pages, PAGE, {row.page for claim in claims for row in claim.rows})
    _remove_others(papers, PAGE, {paper.page for paper in theory})
    _remove_others(figures, FIGURE, set(files))
    return index


def _details(claim: ClaimGroup, row: CaseRow, loaded: Loaded, drawing: Drawing | None) -> dict[str, Any]:
    """The context of a case's page, besides its record."""
    case, failed = row.case, row.standing.attention and row.case.verdict is not None
    return {
        # Safe as they are: matplotlib escapes all text that it writes, and so does `mathml`.
        "drawings": [Markup(svg) for svg in drawing.panels] if drawing else [],
        "formula": Markup(mathml(case.formula)),
        "figure_defect": drawing.defect if drawing else "",
        "figure_files": drawing.files if drawing else [],
        "seeds": seeds_picture(case),
        "failed": failed,
        "failures": first_failures(case) if failed else [],
        "nearest": nearest(case, [other.case for other in claim.rows]) if failed else None,
        "controls": _shown([other for other in claim.rows if other.case.control], row),
        "settings": _shown([other for other in claim.rows if not other.case.control], row),
        "loading": loading(case, loaded.run) if case.verdict is not None else "",
    }


def _shown(siblings: list[CaseRow], row: CaseRow) -> tuple[list[CaseRow], int]:
    """The worst of a case's siblings, with the case itself if it is one, and the number of the others."""
    shown = siblings[:SIBLINGS]
    if len(siblings) > SIBLINGS and row.case.control == siblings[0].case.control and row not in shown:
        shown.append(row)
    return shown, len(siblings) - len(shown)


def _summary(loaded: Loaded, changes: Mapping[str, Change] | None, folder: Path) -> dict[str, Any]:
    """What the map and the list of cases say of the run."""
    return {
        "changes": changes,
        "kinds": kind_counts(changes or {}),
        "gone": {nodeid: change.text for nodeid, change in (changes or {}).items() if change.kind == "gone"},
        "problems": loaded.problems,
        "cases": len(loaded.cases),
        "controls": sum(case.control for case in loaded.cases),
        "beside": {path: name for path, name in BESIDE.items() if (folder / path).is_file()},
    }


def _statements(papers: list[PaperMap]) -> dict[str, Any]:
    """What the map counts."""
    tiles = [tile for paper in papers for tile in paper.tiles]
    return {
        "counts": statement_counts(papers),
        "statements": len(tiles),
        "coded": sum(paper.coded for paper in papers),
        "here": sum(paper.here for paper in papers),
        "attention": sum(tile.standing.attention for tile in tiles),
    }


def _script(name: str) -> dict[str, str]:
    """A page's script, and the digest that its policy allows."""
    script = "".join((TEMPLATES / part).read_text(encoding="utf-8") for part in ("steer.js", name))
    return {
        "script": script,
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }


def _cases(cases: list[CaseRecord], claims: list[ClaimGroup]) -> dict[str, Any]:
    """What the list of cases counts, and the papers that it is filtered by."""
    counts = standing_counts(cases)
    return {
        "counts": [(place, counts.get(place, 0)) for place in STANDINGS if place in counts or place.name in ALWAYS],
        "papers": sorted({claim.paper for claim in claims}),
        "attention": sum(standing(case).attention for case in cases),
    }


def _remove_others(folder: Path, ours: re.Pattern[str], current: set[str]) -> None:
    """Remove the files of an earlier report, and no others."""
    for path in folder.iterdir():
        if ours.fullmatch(path.name) and path.name not in current:
            path.unlink()
