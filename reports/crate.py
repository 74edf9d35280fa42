"""The report as an RO-Crate: verdicts as CiTO relations of claims to statements of papers, in JSON-LD.

A setting that HOLDS confirms the statements that its claim tests, one that is REFUTED disputes them, and one that is
declared as not reproduced, and is refuted, qualifies them. What is undecided or not run has no relation, and a control
has none: it says something of the measurement.

Sources: RO-Crate Metadata Specification 1.1 (https://w3id.org/ro/crate/1.1); CiTO (http://purl.org/spar/cito).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from gen_core.records import CaseRecord, RunRecord, standing

from .load import Loaded
from .rows import page_name
from .theory import PaperMap, Tile

NAME = "ro-crate-metadata.json"
CONTEXT = ["https://w3id.org/ro/crate/1.1/context", {"cito": "http://purl.org/spar/cito/"}]
RELATIONS = {"holds": "cito:confirms", "refuted": "cito:disputes", "not reproduced": "cito:qualifies"}
"""Standing of a setting -> its relation to the statements."""

FILES = {
    "index.html": ("The theory, statement by statement", "text/html"),
    "records.json": ("All records of the run, as reports/records.schema.json describes them", "application/json"),
    "junit.xml": ("The verdicts as JUnit XML", "application/xml"),
    "summary.md": ("A summary of the run", "text/markdown"),
}
CONFORMS = "https://w3id.org/ro/crate/1.1"
LICENCE = "https://spdx.org/licenses/MIT"

Entity = dict[str, Any]


def crate(loaded: Loaded, papers: Sequence[PaperMap]) -> str:
    """The metadata of a report's folder; commands, which may name folders of a user, are left out."""
    run = loaded.run
    root: Entity = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Claims of generalization theory, {run.scale} scale",
        "description": "What came out of claims of papers on generalization, judged over seeds with a stated error.",
        "datePublished": run.started,
        "license": _to(LICENCE),
        "hasPart": [_to(name) for name in FILES],
        "mentions": [_to("#run")],
    }
    about = {"@id": NAME, "@type": "CreativeWork", "conformsTo": _to(CONFORMS), "about": _to("./")}
    files = [
        {"@id": name, "@type": "File", "name": title, "encodingFormat": form} for name, (title, form) in FILES.items()
    ]
    licence = {"@id": LICENCE, "@type": "CreativeWork", "name": "MIT"}
    known = [*files, licence, _software(run), _action(run)]
    told = list(_of_papers(papers))
    root["hasPart"] += [_to(entity["@id"]) for entity in told if "File" in entity["@type"]]
    graph = [about, root, *known, *told]
    return json.dumps({"@context": CONTEXT, "@graph": graph}, indent=1) + "\n"


def _software(run: RunRecord) -> Entity:
    version = run.environment.get("gen_core") or run.environment.get("revision") or "unknown"
    return {"@id": "#gen-core", "@type": "SoftwareApplication", "name": "gen-core", "softwareVersion": version}


def _action(run: RunRecord) -> Entity:
    said = f"seeds from {run.seeds_from}, {run.device}, at most {run.budget} chance of any false verdict per side"
    return {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"The run {run.run}",
        "description": said,
        "startTime": run.started,
        "instrument": _to("#gen-core"),
        "result": [_to(name) for name in FILES],
    }


def _of_papers(papers: Sequence[PaperMap]) -> Iterator[Entity]:
    """Each paper, each of its statements that has a case, and each case that is no control, once."""
    cases: dict[str, Entity] = {}
    for paper in papers:
        article = "#paper-" + quote(paper.key.encode("utf-8", "replace"))
        yield {"@id": article, "@type": "ScholarlyArticle", "name": paper.reference or paper.key}
        for tile in (tile for tile in paper.tiles if tile.settings):
            yield _statement(tile, article)
            for row in tile.settings:
                entity = cases.setdefault(row.case.nodeid, _case(row.case))
                if relation := RELATIONS.get(standing(row.case).name):
                    entity.setdefault(relation, []).append(_to(_place(tile, article)))
    yield from cases.values()


def _statement(tile: Tile, article: str) -> Entity:
    return {
        "@id": _place(tile, article),
        "@type": "CreativeWork",
        "name": tile.statement.place,
        "text": tile.statement.says,
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


def _place(tile: Tile, article: str) -> str:
    """A statement's address; of a long or strange id a digest."""
    name = tile.statement.id
    if not (name.isascii() and name.isalnum() and len(name) <= 40):
        name = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:12]
    return f"{article}-{name}"


def _to(address: str) -> dict[str, str]:
    return {"@id": address}
