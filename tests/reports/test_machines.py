"""Files for machines: the schema beside records and dataclasses, the summary as Markdown is read, the badge."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt

from gen_core import records as kinds
from reports import machines
from reports.changes import Change
from reports.load import Loaded, load_run
from reports.machines import append_summary, badge, headline, records, summary, write_machine_files

SCHEMA = json.loads((Path(machines.__file__).parent / "records.schema.json").read_text(encoding="utf-8"))
KINDS = ["Run", "Case", "Look", "Hypothesis", "Figure", "Panel", "Curve", "Mark", "Tick", "Reported"]
KINDS += ["Paper", "Statement"]
HOSTILE = (
    "a | b <script>x</script> `c` **d** [e](f) ![g](h) \\ \n# i &amp; ~~j~~ http://k.example @l #1 $m$ \x00\ud800 汉"
)


@pytest.fixture
def loaded(records: Path) -> Loaded:
    return load_run(records)


def tokens(text: str) -> list:
    return MarkdownIt("commonmark").enable("table").enable("strikethrough").parse(text)


def cells(text: str) -> list[list[str]]:
    """Rows of all tables, as text."""
    rows: list[list[str]] = []
    inside = False
    for token in tokens(text):
        if token.type == "tr_open":
            rows.append([])
        inside = token.type in ("td_open", "th_open") or (inside and token.type == "inline")
        if inside and token.type == "inline":
            rows[-1].append("".join(child.content for child in token.children))
    return rows


def test_the_schema_is_one_and_every_property_is_described() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    for name, entry in SCHEMA["$defs"].items():
        assert entry["additionalProperties"] is False
        for property_, what in entry["properties"].items():
            assert what.get("description", "").endswith("."), (name, property_)


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_has_the_fields_of_the_records(kind: str) -> None:
    record = getattr(kinds, kind if hasattr(kinds, kind) else f"{kind}Record")
    entry = SCHEMA["$defs"][kind.lower()]
    names = [*(field.name for field in fields(record)), *getattr(record, "DERIVED", ())]
    assert list(entry["properties"]) == entry["required"] == names


@pytest.mark.parametrize(
    ("kind", "field", "words"),
    [
        ("case", "verdict", kinds.Verdict),
        ("case", "kind", kinds.Kind),
        ("case", "statistic", kinds.Statistic),
        ("case", "direction", kinds.Direction),
        ("case", "seed_direction", kinds.Direction),
        ("case", "work", kinds.Work),
        ("look", "verdict", kinds.Verdict),
    ],
)
def test_the_schema_has_the_words_of_the_records(kind: str, field: str, words) -> None:
    assert [word for word in SCHEMA["$defs"][kind]["properties"][field]["enum"] if word] == list(get_args(words))


def test_records_are_what_the_schema_says(loaded: Loaded) -> None:
    document = json.loads(records(loaded))
    Draft202012Validator(SCHEMA).validate(document)
    assert document["run"]["seeds_from"] == 1700
    assert [case["nodeid"] for case in document["cases"]] == [case.nodeid for case in loaded.cases]
    gd = next(case for case in document["cases"] if case["case"] == "gd")
    assert gd["figure"]["panels"][0]["marks"][0]["label"] == "tolerance"


def test_records_of_a_real_run_are_what_the_schema_says(suite) -> None:
    suite.claims("@claim(**TOY)\ndef test_small(run):\n    expect(loss(run), 'loss').at_most(2)\n")
    suite.run()
    document = json.loads(records(load_run(suite.folder)))
    Draft202012Validator(SCHEMA).validate(document)
    assert {case["verdict"] for case in document["cases"]} == {"HOLDS", "REFUTED"}


@pytest.mark.parametrize("wrong", ["verdict", "extra", "missing"])
def test_the_schema_refuses_what_is_no_record(loaded: Loaded, wrong: str) -> None:
    document = json.loads(records(loaded))
    if wrong == "verdict":
        document["cases"][0]["verdict"] = "MAYBE"
    elif wrong == "extra":
        document["cases"][0]["more"] = 1
    else:
        del document["run"]["scale"]
    assert not Draft202012Validator(SCHEMA).is_valid(document)


def test_numbers_that_are_not_finite_are_null(run, case) -> None:
    record = case("norm", "gd", verdict="ERROR", values=[float("nan"), 1.0], high=float("inf"), reason=HOSTILE)
    document = json.loads(records(Loaded(run, [record])), parse_constant=pytest.fail)
    assert document["cases"][0]["values"] == [None, 1.0]
    assert document["cases"][0]["high"] is None
    assert document["cases"][0]["reason"] == HOSTILE
    Draft202012Validator(SCHEMA).validate(document)


def test_the_summary_counts_and_lists_what_needs_attention(loaded: Loaded, cases) -> None:
    text = summary(loaded, {cases[3].nodeid: Change("broken", "HOLDS 1 -> REFUTED 2")})
    rows = cells(text)
    assert ["✗ refuted", "1"] in rows
    assert ["✓ holds", "2"] in rows
    listed = [row[1].rpartition("[")[2] for row in rows if "claims/" in row[1] and len(row) == 5]
    assert listed == ["mlp]", "ridge]", "lasso]", "mlp-true-labels]", "resnet]"]
    assert ["broken", cases[3].nodeid, "HOLDS 1 -> REFUTED 2"] in rows
    assert "14 min 32 s" in text
    assert "torch 2.13.0" in text


def test_hostile_text_breaks_neither_table_nor_page(run, case) -> None:
    record = case(HOSTILE, HOSTILE, verdict="ERROR", reason=HOSTILE, tolerance=HOSTILE, estimate=1.0)
    run = replace(run, run="--> <b>", scale=HOSTILE, device=HOSTILE, started=HOSTILE, environment={"torch": HOSTILE})
    text = summary(Loaded(run, [record]), {record.nodeid: Change("new", HOSTILE)})
    found = tokens(text)
    assert [token.content for token in found if token.type == "html_block"] == [text.partition("\n")[0] + "\n"]
    inline = {child.type for token in found if token.type == "inline" for child in token.children}
    assert inline <= {"text", "text_special"}
    assert {token.tag for token in found} <= {"", "h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td"}
    assert {len(row) for row in cells(text)} == {2, 3, 5}
    shown = " ".join(HOSTILE.replace("\x00", r"\x00").replace("\ud800", r"\ud800").split())
    assert sum(shown in cell for row in cells(text) for cell in row) == 5
    assert "http://" not in text


def test_a_long_summary_says_how_much_is_left_out(run, case) -> None:
    many = [case("norm", f"c{k:04}", verdict="ERROR", reason="r" * 10_000) for k in range(3000)]
    text = summary(Loaded(run, many), {record.nodeid: Change("new", "x") for record in many})
    assert text.count("And 2900 more.") == 2
    assert len(text.encode()) < 2**20  # what a step of GitHub's may write


def test_a_run_is_summarized_once_in_a_file(loaded: Loaded, tmp_path: Path) -> None:
    file, text = tmp_path / "summary", summary(loaded, {})
    for _ in range(2):
        append_summary(file, loaded, text)
    assert file.read_text(encoding="utf-8") == text
    other = replace(loaded, run=replace(loaded.run, run="other"))
    append_summary(file, other, summary(other, {}))
    assert file.read_text(encoding="utf-8") == text + summary(other, {})


@pytest.mark.parametrize(
    ("kept", "said", "tone"),
    [
        (["gd", "sgd", "gd-without-zero", "wide"], "2 hold", "good"),
        (["gd", "ridge", "mlp"], "1 error, 1 refuted", "bad"),
        (["gd", "lasso"], "1 inconclusive", "open"),
        (["gd", "resnet", "mlp-true-labels"], "1 control not refuted, 1 not reached", "bad"),
        (["alexnet"], "none judged", "off"),
        ([], "none judged", "off"),
    ],
)
def test_the_badge_says_what_the_run_comes_to(run, cases, kept, said, tone) -> None:
    loaded = Loaded(run, [case for case in cases if case.case in kept])
    assert headline(loaded) == (said, tone)
    svg = badge(loaded)
    root = ElementTree.fromstring(svg)
    texts = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert texts == ["claims", said]
    assert machines.COLOURS[tone] in svg
    width = sum(float(e.get("width", 0)) for e in root.iter() if e.tag.endswith("g}rect") or e.tag.endswith("}rect"))
    assert width == pytest.approx(2 * float(root.get("width", 0)))  # the two halves, and what clips them
    assert "href" not in svg
    assert svg.count("http") == 1  # the name space


def test_a_badge_holds_no_text_of_a_record(run, case) -> None:
    record = case(HOSTILE, HOSTILE, verdict="REFUTED", paper=HOSTILE, title=HOSTILE, reason=HOSTILE)
    plain = case("norm", "gd", verdict="REFUTED")
    hostile = replace(run, run=HOSTILE, scale=HOSTILE, device=HOSTILE)
    assert badge(Loaded(hostile, [record])) == badge(Loaded(run, [plain]))


def test_the_files_are_written_and_the_same_each_time(loaded: Loaded, tmp_path: Path) -> None:
    names = ["badge.svg", "junit.xml", "records.json", "summary.md"]
    for folder in ("a", "b"):
        assert write_machine_files(loaded, {}, tmp_path / folder) == summary(loaded, {})
        assert sorted(path.name for path in (tmp_path / folder).iterdir()) == names
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)
