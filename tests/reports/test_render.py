"""Whole reports: complete, self-contained, hostile text shown as text."""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gen_core.records import Figure, Hypothesis, Panel
from reports.changes import Change
from reports.load import Loaded, load_run
from reports.render import page_name, render

VOID = {"meta", "link", "br", "hr", "img", "input"}
HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src='http://evil.example/x.png' onerror=alert(1)>",
    "</style></title></pre><h1>&lt;",
    "{{ 7 * 7 }} {% raw %} ${x}",
    "z" * 10_000,
    "汉字 \u202e שלום \x00 \ud800",
]


class Page(HTMLParser):
    """Collects links, text and elements of a page; fails on elements that are not closed in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.open, self.links, self.seen, self.text, self.ids = path, [], [], [], "", []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.seen.append((tag, dict(attrs)))
        self.links += [(tag, v) for k, v in attrs if k in ("href", "src", "xlink:href", "srcset", "action", "data")]
        self.ids += [v for k, v in attrs if k == "id"]
        assert not [k for k, _ in attrs if k.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        # A self-closed element of SVG and an element of HTML end here alike.
        if tag not in VOID:
            assert self.open.pop() == tag
            self.text += " "

    def handle_data(self, data: str) -> None:
        self.text += data


def pages(index: Path) -> list[Page]:
    """The list of cases, the page of each, and the gallery."""
    folder = index.parent
    paths = [folder / "cases.html", *sorted((folder / "claims").glob("*.html")), folder / "gallery.html"]
    return [Page(path) for path in paths]


def of_theory(index: Path) -> list[Page]:
    """The map, and the page of each paper."""
    return [Page(index), *(Page(path) for path in sorted((index.parent / "papers").glob("*.html")))]


def check_links(index: Path) -> None:
    every = {page.path.resolve(): page for page in [*of_theory(index), *pages(index)]}
    for page in every.values():
        for tag, link in page.links:
            address, _, place = link.partition("#")
            assert not address or tag == ("img" if link.startswith("figures/") else "a")
            target = (page.path.parent / address).resolve() if address else page.path.resolve()
            assert target.is_file()
            assert not place or place in every[target].ids


def test_every_page_is_well_formed_and_every_link_resolves(records: Path, tmp_path: Path) -> None:
    loaded = load_run(records)
    index = render(loaded, tmp_path / "report")
    check_links(index)
    assert len(pages(index)) == len(loaded.cases) + 2
    for page in [*pages(index), *of_theory(index)]:
        text = page.path.read_text(encoding="utf-8")
        assert "url(" not in text.replace("url(#", "")
        assert "@import" not in text
        assert "default-src 'none'" in text
    assert not list((tmp_path / "report").rglob("*.part"))


def test_the_cases_go_from_worst_to_best(records: Path, tmp_path: Path) -> None:
    page = Page(render(load_run(records), tmp_path).with_name("cases.html"))
    standings = [a["data-standing"] for tag, a in page.seen if tag == "tr" and "data-standing" in a]
    assert standings == [
        *["error", "control not refuted", "not reached", "not run"],
        *["refuted", "inconclusive", "control refuted"],
        "not reproduced",
        *["holds", "holds", "control refuted"],
    ]
    said = " ".join(page.text.split())
    for words in (
        "1 error 1 refuted 1 inconclusive 1 control not refuted 1 not reached 1 not run 1 not reproduced 2 holds",
        "2 control refuted of 3 controls",
        "0.01 chance of any false verdict per side, split over 120 cases",
        "14 min 32 s",
        "412",
        "pytest claims -n auto --seeds-from 1700",
        "The paper's gap of 0.2 needs 50000 examples",
        "get it with: python -m gen_core.data cifar-10",
        "not reached (1)",
    ):
        assert words in said


def test_the_page_of_a_case_says_everything(records: Path, tmp_path: Path, cases) -> None:
    render(load_run(records), tmp_path)
    said = {c.case: " ".join(Page(tmp_path / "claims" / page_name(c.nodeid)).text.split()) for c in cases}
    for words in (
        "Corollary 1",
        "Let X be n x d with n < d and rank n.",
        "underdetermined n < d n = 20, d = 50 yes",
        "1703 2.9625e-15",
        "Figure 3: distance 1e-9 at 4000.",
        "distance at 4000 1e-9 2e-10",
        "noise: 0.1",
        "5f0c2a5f0c2a",
        "loss 3e-31 at step 4000",
        "2.13.0",
        "pytest 'claims/test_norm.py::test_norm[gd]' --seeds-from 1700",
        "REFUTED gd-without-zero starts at zero w_0 = 0 Here: |w_0| = 7.1",
        "the lower bound 18.2 of the mean over 8 seeds is above 1e-10",
        "Decided at look 1, with 8 seeds.",
        "8.3e-05 per side",
    ):
        assert words in said["gd"]
    assert "starts at zero dropped here w_0 = 0 |w_0| = 7.1 no" in said["gd-without-zero"]
    assert "loss is nan at step 312" in said["mlp"]
    assert "NOT REACHED" in said["resnet"]


def test_a_mutated_measure_stands_where_a_dropped_hypothesis_would(tmp_path: Path, run, case) -> None:
    record = case("norm", "turned", verdict="REFUTED", kind="mutation", drops="sign")
    record.hypotheses = [Hypothesis(name="sign", statement="Turned.", checked="by hand", holds=False, dropped=True)]
    first, second, _ = pages(render(Loaded(run, [record]), tmp_path))
    assert "sign mutated here Turned. by hand no" in " ".join(second.text.split())
    assert "control: mutated, sign" in " ".join(first.text.split())
    assert "without sign" not in first.text + second.text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_text(tmp_path: Path, run, case, text: str) -> None:
    fields = ("citation", "title", "statement", "reason", "measured", "tolerance", "paper", "drops", "not_reproduced")
    record = case(text, text, verdict="REFUTED", estimate=1.0, values=[1.0], seeds=[1], kind="control",
                  **dict.fromkeys((*fields, "repeat", "worker", "direction"), text))  # fmt: skip
    record.hypotheses = [Hypothesis(name=text, statement=text, checked=text)]
    other = case(text, "other", verdict="REFUTED", kind="control", recipes={text: {text: 1}})
    record.recipes, record.keys, record.settings = {text: {text: [text]}}, {text: [text]}, {text: text}
    record.figure = Figure(title=text, panels=[Panel(xlabel=text, ylabel=text, curves=[])], paper=text)
    record.formula = record.traceback = text
    run.scale = run.device = run.started = run.command = run.repeat = run.run = text
    run.environment = {text: text}
    told = {record.nodeid: Change(text, text), text: Change("gone", text)}
    index = render(Loaded(run, [record, other], [text]), tmp_path, told)
    check_links(index)
    first, second, _, third = pages(index)
    mapped, *papers = of_theory(index)
    assert [[tag for tag, _ in page.seen].count("script") for page in (first, mapped)] == [1, 1]
    assert "script" not in [tag for page in (second, third, *papers) for tag, _ in page.seen]
    assert [attributes["src"] for tag, attributes in third.seen if tag == "img"] == [
        f"figures/{path.name}" for path in (tmp_path / "figures").glob("*.svg")
    ]
    assert "img" not in [tag for page in (first, second, mapped, *papers) for tag, _ in page.seen]
    shown = re.sub(r"\s+", " ", second.text)
    escaped = text.replace("\x00", r"\x00").replace("\ud800", r"\ud800")
    assert re.sub(r"\s+", " ", escaped) in shown


def test_an_earlier_report_is_replaced_and_other_files_stay(records: Path, tmp_path: Path, run, case) -> None:
    folder = tmp_path / "report"
    render(load_run(records), folder)
    (folder / "claims" / "notes.html").write_text("mine", encoding="utf-8")
    render(Loaded(run, [case("norm", "gd")]), folder)
    assert sorted(p.name for p in (folder / "claims").iterdir()) == sorted(
        ["notes.html", page_name("claims/test_norm.py::test_norm[gd]")]
    )


def test_the_same_records_give_the_same_bytes(records: Path, tmp_path: Path) -> None:
    one, two = (render(load_run(records), tmp_path / name).parent for name in ("one", "two"))
    files = [p.relative_to(one) for p in one.rglob("*.*")]
    assert {f.suffix for f in files} == {".html", ".svg", ".json"}
    assert all((one / f).read_bytes() == (two / f).read_bytes() for f in files)


def test_the_index_is_written_last(records: Path, tmp_path: Path, monkeypatch) -> None:
    written = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (written.append(Path(b).name), replace(a, b)))
    render(load_run(records), tmp_path / "report")
    assert written.index("index.html") == len(written) - 1


def test_damaged_records_are_named_on_the_index(records: Path, tmp_path: Path) -> None:
    (records / "attempts" / "0000.json").write_text("{", encoding="utf-8")
    said = Page(render(load_run(records), tmp_path)).text
    assert "1 record could not be read and is left out" in said
    assert "0000.json: not a whole JSON file" in said


def test_a_run_without_cases_and_one_that_has_not_ended(tmp_path: Path, run) -> None:
    run.exit_status = None
    said = Page(render(Loaded(run, []), tmp_path)).text
    assert "No case was recorded." in said
    assert "This run has not ended" in said


def test_a_failure_is_explained(records: Path, tmp_path: Path, cases) -> None:
    loaded = load_run(records)
    refuted = next(c for c in loaded.cases if c.case == "ridge")
    refuted.traceback = "claims/test_rate.py:31: in test_rate\n    expect(slope).between(-1.2, -0.8)\nRefuted"
    passing = next(c for c in loaded.cases if c.case == "lasso")
    passing.verdict, passing.recipes = "HOLDS", {"run": {"data": {"kind": "Regression", "n": 40}}}
    render(loaded, tmp_path)
    said = " ".join(Page(tmp_path / "claims" / page_name(refuted.nodeid)).text.split())
    for words in (
        "The first look that did not come to HOLDS was at 16 seeds",
        "claims/test_rate.py:31: in test_rate expect(slope).between(-1.2, -0.8) Refuted",
        "HOLDS lasso , whose recipe differs in 4 fields:",
        "run.data.n 20 40",
        "run = gen_core.load('claims/test_rate.py::test_rate[ridge]', scale='standard'",
    ):
        assert words in said
    passing = Page(tmp_path / "claims" / page_name(cases[0].nodeid)).text
    assert "What failed" not in passing


def test_a_formula_is_typeset_and_a_bad_one_shown_as_text(tmp_path: Path, run, case) -> None:
    good, bad = case("norm", "good", formula=r"w_+ = X^\top y"), case("norm", "bad", formula=r"\nonsense{x} <b>")
    render(Loaded(run, [good, bad]), tmp_path)
    typeset, shown = (Page(tmp_path / "claims" / page_name(c.nodeid)) for c in (good, bad))
    assert "math" in [tag for tag, _ in typeset.seen]
    assert "math" not in [tag for tag, _ in shown.seen]
    assert r"\nonsense{x} <b>" in shown.text


def test_what_lies_beside_is_linked(records: Path, tmp_path: Path, cases) -> None:
    history = tmp_path / "history"
    history.mkdir()
    for path in (history / "index.html", history / page_name(cases[0].claim), tmp_path / "junit.xml"):
        path.write_text("", encoding="utf-8")
    index = render(load_run(records), tmp_path)
    check_links(index)
    assert {"history/index.html", "junit.xml", "gallery.html"} <= {link for _, link in Page(index).links}
    assert "records.json" not in index.read_text(encoding="utf-8")
    linked = {c.case: f"../history/{page_name(cases[0].claim)}" in [link for _, link in
              Page(tmp_path / "claims" / page_name(c.nodeid)).links] for c in cases}  # fmt: skip
    assert [name for name, there in linked.items() if there] == ["gd", "sgd", "gd-without-zero"]


def test_figures_of_an_earlier_report_go_and_other_files_stay(records: Path, tmp_path: Path, run, case) -> None:
    render(load_run(records), tmp_path)
    assert len(list((tmp_path / "figures").glob("*.svg"))) == 2
    (tmp_path / "figures" / "mine.svg").write_text("", encoding="utf-8")
    render(Loaded(run, [case("norm", "gd")]), tmp_path)
    assert [p.name for p in (tmp_path / "figures").glob("*.svg")] == ["mine.svg"]
