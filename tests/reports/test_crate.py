"""The RO-Crate of a report, read by a library: files, papers, statements, and a relation for each verdict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gen_core.records import CaseRecord, PaperRecord, Statement
from reports.load import Loaded, load_run
from reports.machines import write_machine_files
from reports.render import page_name, render

rocrate = pytest.importorskip("rocrate.rocrate", reason="no rocrate: pip install rocrate")

LISTED = [Statement("1", "Theorem 1", "Descent converges."), Statement("2", "Theorem 2", "To the least norm.")]


def read(loaded: Loaded, folder: Path):
    write_machine_files(loaded, {}, folder)
    render(loaded, folder)
    return rocrate.ROCrate(folder)


@pytest.mark.parametrize(
    ("verdict", "declared", "relation"),
    [
        ("HOLDS", "", "cito:confirms"),
        ("REFUTED", "", "cito:disputes"),
        ("REFUTED", "too few points", "cito:qualifies"),
        ("HOLDS", "too few points", None),
        ("INCONCLUSIVE", "", None),
        ("ERROR", "", None),
        ("NOT RUN", "", None),
        (None, "", None),
    ],
)
def test_a_verdict_is_a_relation_to_its_statements(run, case, tmp_path: Path, verdict, declared, relation) -> None:
    run.papers = [PaperRecord(key="theory3", reference="A. Author (2017)", statements=LISTED)]
    of_both = {"paper": "theory3", "statements": ["1", "2"]}
    one = case("norm", "gd", verdict=verdict, not_reproduced=declared, **of_both)
    control = case("norm", "without", verdict="REFUTED", kind="control", drops="zero", **of_both)
    found = read(Loaded(run, [one, control]), tmp_path)
    entity = found.get(f"claims/{page_name(one.nodeid)}")
    relations = {name: entity[name] for name in entity.properties() if name.startswith("cito:")}
    assert list(relations) == ([relation] if relation else [])
    for told in relations.values():
        assert [(to["name"], to["text"]) for to in told] == [(s.place, s.says) for s in LISTED]
        assert {to["isPartOf"]["name"] for to in told} == {"A. Author (2017)"}
    assert declared in entity["description"]
    assert found.get(f"claims/{page_name(control.nodeid)}") is None


def test_all_that_is_named_is_there(records: Path, tmp_path: Path) -> None:
    found = read(load_run(records), tmp_path / "report")
    assert found.root_dataset["license"].id == "https://spdx.org/licenses/MIT"
    assert found.get("#run")["instrument"]["name"] == "gen-core"
    graph = json.loads((tmp_path / "report" / "ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]
    there = [entity["@id"] for entity in graph]
    assert len(set(there)) == len(there)
    assert {name for entity in graph for name in _named(entity)} - set(there) == {"https://w3id.org/ro/crate/1.1"}
    files = [name for name in there if not name.startswith(("#", "http")) and name != "./"]
    assert [name for name in files if not (tmp_path / "report" / name).is_file()] == []


def test_no_command_and_no_folder_is_told(run, cases: list[CaseRecord], tmp_path: Path) -> None:
    run.command = run.repeat = "pytest --store /home/someone/store"
    run.store = "/home/someone/store"
    read(Loaded(run, cases), tmp_path)
    assert "someone" not in (tmp_path / "ro-crate-metadata.json").read_text(encoding="utf-8")


def test_hostile_text_is_data(run, case, tmp_path: Path) -> None:
    text = 'a "b" \\ <script>\n{"@id": "#run"} \x00\x7f\u202e\ud800 汉'
    run.papers = [PaperRecord(key="theory3", reference=text, statements=[Statement("1 /#?é\ud800", text, text)])]
    one = case("norm", text, verdict="HOLDS", title=text, measured=text, statements=["1 /#?é\ud800"], estimate=1.0)
    read(Loaded(run, [one]), tmp_path)
    graph = json.loads((tmp_path / "ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]
    (article,) = [entity for entity in graph if entity["@type"] == "ScholarlyArticle"]
    (statement,) = [entity for entity in graph if entity.get("isPartOf") == {"@id": article["@id"]}]
    (told,) = [entity for entity in graph if "cito:confirms" in entity]
    assert (article["name"], statement["name"], statement["text"]) == (text, text, text)
    assert (told["name"], told["cito:confirms"]) == (one.nodeid, [{"@id": statement["@id"]}])
    assert "#" not in statement["@id"].removeprefix("#") and statement["@id"].isprintable()


def _named(value: object) -> set[str]:
    """Addresses that an entity refers to."""
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            return {value["@id"]}
        return {name for inner in value.values() for name in _named(inner)}
    return {name for inner in value for name in _named(inner)} if isinstance(value, list) else set()
