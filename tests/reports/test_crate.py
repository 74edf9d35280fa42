"""The RO-Crate of a report, read as a crate and as triples: files, papers, statements, a relation for each verdict."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest
from rdflib import RDF, Graph, Literal, Namespace, URIRef
from rocrate.rocrate import ROCrate

from gen_core.records import CaseRecord, PaperRecord, Statement
from reports.load import Loaded, load_run
from reports.machines import write_machine_files
from reports.render import page_name, render

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # rdflib's own use

LISTED = [Statement("1", "Theorem 1", "Descent converges."), Statement("2", "Theorem 2", "To the least norm.")]
CITO, SCHEMA = Namespace("http://purl.org/spar/cito/"), Namespace("http://schema.org/")
BASE = "https://crate.example/"
"""Where the folder of the report is served, for the addresses of triples."""


@pytest.fixture
def paper() -> PaperRecord:
    about = {"authors": "A. Author", "title": "On descent", "year": 2017, "doi": "10.48550/arXiv.1234.56789"}
    return PaperRecord(key="theory3", reference="A. Author (2017)", statements=LISTED, **about)


def written(loaded: Loaded, folder: Path) -> Path:
    write_machine_files(loaded, {}, folder)
    render(loaded, folder)
    return folder / "ro-crate-metadata.json"


def triples(file: Path) -> Graph:
    """What the file says, by the terms of RO-Crate that come with the library, since no test goes to the network."""
    document = json.loads(file.read_text(encoding="utf-8"))
    crate, own = document["@context"]
    assert crate == "https://w3id.org/ro/crate/1.1/context"
    terms = json.loads(resources.files("rocrate").joinpath("data/ro-crate.jsonld").read_text(encoding="utf-8"))
    document["@context"] = [terms["@context"], own]
    return Graph().parse(data=json.dumps(document), format="json-ld", base=BASE)


@pytest.mark.parametrize(
    ("verdict", "declared", "relation"),
    [
        ("HOLDS", "", "confirms"),
        ("REFUTED", "", "disputes"),
        ("REFUTED", "too few points", "qualifies"),
        ("HOLDS", "too few points", None),
        ("INCONCLUSIVE", "", None),
        ("ERROR", "", None),
        ("NOT RUN", "", None),
        (None, "", None),
    ],
)
def test_a_verdict_is_a_relation_to_its_statements(run, case, paper, tmp_path, verdict, declared, relation) -> None:
    run.papers = [paper]
    one = case("norm", "gd", verdict=verdict, not_reproduced=declared, statements=["1", "2"])
    others = [
        case("norm", "without", verdict="REFUTED", kind="control", drops="zero", statements=["1", "2"]),
        case("norm", "mutated-sign", verdict="HOLDS", kind="mutation", drops="sign", statements=["1", "2"]),
    ]
    graph = triples(written(Loaded(run, [one, *others]), tmp_path))
    page = URIRef(f"{BASE}claims/{page_name(one.nodeid)}")
    told = {(s, p, o) for s, p, o in graph if p.startswith(CITO)}
    statements = [statement for _, _, statement in sorted(told)]
    assert told == {(page, CITO[relation], statement) for statement in statements} if relation else told == set()
    assert [(str(graph.value(s, SCHEMA.name)), str(graph.value(s, SCHEMA.text))) for s in statements] == (
        [(one.place, one.says) for one in LISTED] if relation else []
    )
    description = graph.value(page, SCHEMA.description)
    assert description is not None
    assert declared in description
    assert not any(page_name(other.nodeid) in str(s) for other in others for s in graph.subjects())


def test_a_statement_is_part_of_its_paper(run, case, paper, tmp_path: Path) -> None:
    run.papers = [paper]
    graph = triples(written(Loaded(run, [case("norm", "gd", verdict="HOLDS", statements=["2"])]), tmp_path))
    (article,) = graph.subjects(RDF.type, SCHEMA.ScholarlyArticle)
    assert {(p, o) for p, o in graph.predicate_objects(article) if p != RDF.type} == {
        (SCHEMA.name, Literal("On descent")),
        (SCHEMA.author, Literal("A. Author")),
        (SCHEMA.datePublished, Literal("2017")),
        (SCHEMA.identifier, Literal("https://doi.org/10.48550/arXiv.1234.56789")),
    }
    (statement,) = graph.subjects(SCHEMA.isPartOf, article)  # the first has no case
    assert graph.value(statement, SCHEMA.text) == Literal(LISTED[1].says)


def test_a_paper_without_a_list_has_a_statement_for_each_claim(run, cases: list[CaseRecord], tmp_path: Path) -> None:
    graph = triples(written(Loaded(run, cases), tmp_path))
    names = {str(graph.value(article, SCHEMA.name)) for article in graph.subjects(RDF.type, SCHEMA.ScholarlyArticle)}
    assert names == {one.reference for one in cases}
    pairs = {(p.removeprefix(CITO), str(graph.value(o, SCHEMA.text))) for _, p, o in graph if p.startswith(CITO)}
    assert pairs == {
        ("confirms", "Descent from zero finds the minimum-norm interpolant."),
        ("disputes", "The excess risk decays with the number of examples at the rate 1/n."),
        ("qualifies", "Wider networks generalize better."),
    }


def test_the_run_is_told_with_its_program_and_its_files(run, cases: list[CaseRecord], tmp_path: Path) -> None:
    run.environment["gen-core"], run.budget, run.shares = "7.8", 0.01, 1
    file = written(Loaded(run, cases), tmp_path)
    crate = ROCrate(tmp_path)
    action = crate.get("#run")
    assert action["startTime"] == run.started
    assert (action["instrument"]["name"], action["instrument"]["softwareVersion"]) == ("gen-core", "7.8")
    assert {made.id for made in action["result"]} == {"index.html", "junit.xml", "records.json", "summary.md"}
    assert "at most 0.11 chance" in action["description"]  # of 11 cases, where the budget is for one
    assert crate.root_dataset["license"] == "Not stated here; ask those who ran the claims."
    del run.environment["gen-core"]
    run.environment["revision"] = "abc123"
    file = written(Loaded(run, cases), tmp_path)
    assert "softwareVersion" not in file.read_text(encoding="utf-8")
    assert "claims at revision abc123" in ROCrate(tmp_path).get("#run")["description"]


@pytest.mark.parametrize("machines", [True, False])
def test_all_that_is_named_is_there(records: Path, tmp_path: Path, machines: bool) -> None:
    folder, loaded = tmp_path / "report", load_run(records)
    if machines:
        write_machine_files(loaded, {}, folder)
    render(loaded, folder)
    graph = json.loads((folder / "ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]
    there = [entity["@id"] for entity in graph]
    assert len(set(there)) == len(there)
    assert {name for entity in graph for name in _named(entity)} - set(there) == {"https://w3id.org/ro/crate/1.1"}
    files = {name for name in there if not name.startswith("#")} - {"./"}
    assert {name for name in files if not (folder / name).is_file()} == set()
    assert ("records.json" in files) == machines
    assert 'href="ro-crate-metadata.json"' in (folder / "index.html").read_text(encoding="utf-8")


def test_no_command_and_no_folder_is_told(run, case, tmp_path: Path) -> None:
    run.command = run.repeat = "pytest --store /home/someone/store"
    run.arguments, run.store = ["--store", "/home/someone/store"], "/home/someone/store"
    one = case("norm", "gd", verdict="ERROR", reason="/home/someone/x", repeat=run.command, traceback="/home/someone/x")
    assert "someone" not in written(Loaded(run, [one]), tmp_path).read_text(encoding="utf-8")


def test_hostile_text_is_data(run, case, tmp_path: Path) -> None:
    text = 'a "b" \\ <script>\n{"@id": "#run"} \x00\x7f\u202e\ud800 汉'
    ids = ["1", "1 /#?é\ud800", "1 /#?é\ud801", "../1", "%31", "-1"]
    keys = ["theory3", "theory3-1", "theory3/1", "run", "../records.json"]
    statements = [Statement(one, text, text) for one in ids]
    run.papers = [PaperRecord(key=key, reference=text, title=text, doi=text, statements=statements) for key in keys]
    run.environment = {"gen-core": text, "revision": text}
    hostile = {"verdict": "HOLDS", "title": text, "measured": text, "statements": ids, "estimate": 1.0}
    loaded = Loaded(run, [case(f"norm{k}", text, paper=key, **hostile) for k, key in enumerate(keys)])
    graph = json.loads(written(loaded, tmp_path).read_text(encoding="utf-8"))["@graph"]
    names = [entity["@id"] for entity in graph]
    assert len(set(names)) == len(names)
    articles = [entity for entity in graph if entity["@type"] == "ScholarlyArticle"]
    assert [entity["name"] for entity in articles] == [text] * len(keys)
    within = [entity for entity in graph if entity.get("isPartOf", {}).get("@id") in {one["@id"] for one in articles}]
    assert {(entity["name"], entity["text"]) for entity in within} == {(text, text)}
    assert len(within) == len(keys) * len(ids)
    told = [entity for entity in graph if "cito:confirms" in entity]
    assert {entity["name"] for entity in told} == {one.nodeid for one in loaded.cases}
    assert {to["@id"] for entity in told for to in entity["cito:confirms"]} == {entity["@id"] for entity in within}
    assert all(name.isascii() and name.count("#") <= 1 for name in names)


def _named(value: object) -> set[str]:
    """Addresses that an entity refers to."""
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            return {value["@id"]}
        return {name for inner in value.values() for name in _named(inner)}
    return {name for inner in value for name in _named(inner)} if isinstance(value, list) else set()
