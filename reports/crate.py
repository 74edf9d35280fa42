"""The report as an RO-Crate: verdicts as CiTO relations of claims to statements of papers, in JSON-LD.

A setting that HOLDS confirms the statements that its claim tests, one that is REFUTED disputes them, and one that is
declared as not reproduced, and is refuted, qualifies them. What is undecided or not run has no relation, and a control
has none: it says something of the measurement.

Sources: RO-Crate Metadata Specification 1.1 (https://w3id.org/ro/crate/1.1); CiTO (http://purl.org/spar/cito).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gen_core.records import CaseRecord, PaperRecord, plain_name, standing

from .load import Loaded
from .rows import page_name
from .theory import PaperMap, Tile

NAME = "ro-crate-metadata.json"
CONFORMS = "https://w3id.org/ro/crate/1.1"
CONTEXT = [f"{CONFORMS}/context", {"cito": "http://purl.org/spar/cito/"}]
RELATIONS = {"holds": "cito:confirms", "refuted": "cito:disputes", "not reproduced": "cito:qualifies"}
"""Standing of a setting -> its relation to the statements."""

INDEX = "index.html"
FILES = {
    INDEX: ("The papers, statement by statement", "text/html"),
    "records.json": ("All records of the run", "application/json"),
    "junit.xml": ("The verdicts as JUnit XML", "application/xml"),
    "summary.md": ("A summary of the run", "text/markdown"),
}
UNSTATED = "Not stated here; ask those who ran the claims."

Entity = dict[str, Any]


def crate(loaded: Loaded, papers: Sequence[PaperMap], folder: Path) -> str:
    """The metadata of a report's folder; commands, which may name folders of a user, are left out.

    Args:
        loaded: the run.
        papers: its papers, each with its statements and their cases.
        folder: the report's. Of its files for machines those are listed that are there.
    """
    run = loaded.run
    files = {name: told for name, told in FILES.items() if name == INDEX or (folder / name).is_file()}
    told = list(_of_papers(papers, {paper.key: paper for paper in run.papers}))
    pages = [entity["@id"] for entity in told if "File" in entity["@type"]]
    graph = [
        {"@id": NAME, "@type": "CreativeWork", "conformsTo": _to(CONFORMS), "about": _to("./")},
        {
            "@id": "./",
            "@type": "Dataset",
            "name": f"Claims of papers, tested at the scale {run.scale}: run {run.run}",
            "description": "What came out of claims of papers, judged over seeds with a stated chance of error.",
            "datePublished": run.started,
            "license": UNSTATED,
            "hasPart": [_to(name) for name in (*files, *pages)],
            "mentions": _to("#run"),
        },
        *(
            {"@id": name, "@type": "File", "name": about, "encodingFormat": form}
            for name, (about, form) in files.items()
        ),
        *_action(loaded, list(files)),
        *told,
    ]
    return json.dumps({"@context": CONTEXT, "@graph": graph}, indent=1) + "\n"


def _action(loaded: Loaded, files: list[str]) -> Iterator[Entity]:
    """The run, and the program that made it."""
    run = loaded.run
    of_claims = f", claims at revision {run.environment['revision']}" if run.environment.get("revision") else ""
    chance = f"at most {run.chance(len(loaded.cases)):.3g} chance of any false verdict per side"
    yield {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"Run {run.run}",
        "description": f"Seeds from {run.seeds_from}, device {run.device}{of_claims}; {chance}.",
        "startTime": run.started,
        "instrument": _to("#gen-core"),
        "result": [_to(name) for name in files],
    }
    software: Entity = {"@id": "#gen-core", "@type": "SoftwareApplication", "name": "gen-core"}
    if version := run.environment.get("gen-core"):
        software["softwareVersion"] = version
    yield software


def _of_papers(papers: Sequence[PaperMap], records: dict[str, PaperRecord]) -> Iterator[Entity]:
    """Each paper, each of its statements that has a case, and each case that is no control, once."""
    cases: dict[str, Entity] = {}
    for paper in papers:
        article = _article(paper, records.get(paper.key))
        yield article
        for tile in (tile for tile in paper.tiles if tile.settings):
            statement = _statement(tile, article["@id"])
            yield statement
            for row in tile.settings:
                entity = cases.setdefault(row.case.nodeid, _case(row.case))
                if relation := RELATIONS.get(standing(row.case).name):
                    entity.setdefault(relation, []).append(_to(statement["@id"]))
    yield from cases.values()


def _article(paper: PaperMap, record: PaperRecord | None) -> Entity:
    made: Entity = {
        "@id": f"#paper-{_quoted(paper.key)}",
        "@type": "ScholarlyArticle",
        "name": paper.reference or paper.key,
    }
    if record:
        known = {
            "name": record.title,
            "author": record.authors,
            "datePublished": str(record.year or ""),
            "identifier": record.doi and f"https://doi.org/{record.doi}",
        }
        made |= {name: value for name, value in known.items() if value}
    return made


def _statement(tile: Tile, article: str) -> Entity:
    return {
        "@id": f"{article}/{_quoted(tile.statement.id)}",
        "@type": "CreativeWork",
        "name": tile.statement.place,
        "text": plain_name(tile.statement.says),
        "isPartOf": _to(article),
    }


def _case(case: CaseRecord) -> Entity:
    made: Entity = {
        "@id": f"claims/{page_name(case.nodeid)}",
        "@type": ["File", "CreativeWork"],
        "name": case.nodeid,
        "description": f"{standing(case).name}: {case.not_reproduced or case.title}",
        "encodingFormat": "text/html",
    }
    if case.estimate is not None:
        made["text"] = f"{case.measured}: {case.estimate} [{case.low}, {case.high}], {case.tolerance}"
    return made


def _quoted(name: str) -> str:
    """A name as part of an address: different for different names, and without a slash."""
    return quote(name, safe="", errors="surrogatepass")


def _to(address: str) -> dict[str, str]:
    return {"@id": address}
