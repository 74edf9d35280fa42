"""The map: every statement of a paper's list, with the worst of its cases, or why it has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from gen_core.records import CaseRecord, PaperRecord, RunRecord, Statement
from reports.__main__ import main
from reports.load import BadRecords, Loaded
from reports.render import page_name, render
from reports.rows import claims_of
from reports.table import BEGIN, END, put_table, result_table
from reports.theory import PaperMap, theory_map, tile_words
from tests.reports.test_render import Page, check_links

LISTED = [
    Statement("1", "Theorem 1", "Descent converges."),
    Statement("2", "Theorem 2", "It converges to the minimum-norm solution."),
    Statement("3", "section 4", "It does so for any data.", not_testable="all data cannot be drawn"),
    Statement("4", "section 5", "Wide networks do the same."),
    Statement("5", "section 6", "So does SGD."),
]


def the_map(run: RunRecord, cases: list[CaseRecord], tested: list[str]) -> PaperMap:
    run.papers = [PaperRecord(key="theory3", reference="A. Author (2017)", statements=list(LISTED), tested=tested)]
    return next(paper for paper in theory_map(Loaded(run, cases), claims_of(cases, {})) if paper.key == "theory3")


@pytest.fixture
def cases(case) -> list[CaseRecord]:
    of_two = {"paper": "theory3", "statements": ["1", "2"], "limits": [1e-10], "direction": "at most"}
    held = {"estimate": 3e-15, "low": 2e-15, "high": 4e-15, "verdict": "HOLDS", "tolerance": "<= 1e-10"}
    refuted = {"verdict": "REFUTED", "estimate": 20.0, "low": 18.0, "high": 22.0}
    return [
        case("norm", "given", **of_two, **held),
        case("norm", "without-zero", kind="control", drops="zero", **of_two, **(held | refuted)),
        case("rate", "given", paper="theory3", statements=["2"], verdict="NOT RUN"),
    ]


def standings(paper: PaperMap) -> list[str]:
    return [tile.standing.name for tile in paper.tiles]


def test_each_statement_has_the_worst_of_its_cases_or_why_it_has_none(run, cases) -> None:
    paper = the_map(run, cases, ["1", "2", "5"])
    assert standings(paper) == ["holds", "not run", "not testable", "not coded", "not in this run"]
    assert [(tile.refuted, tile.controls) for tile in paper.tiles[:2]] == [(1, 1), (1, 1)]
    assert [len(tile.settings) for tile in paper.tiles] == [1, 2, 0, 0, 0]
    assert (paper.coded, paper.here, len(paper.tiles)) == (3, 2, 5)
    assert "3e-15" in tile_words(paper.tiles[0])
    assert "all data cannot be drawn" in tile_words(paper.tiles[2])


def test_of_a_part_of_the_claims_none_is_said_to_be_not_coded(run, cases) -> None:
    run.papers = [PaperRecord(key="theory3", reference="A", statements=list(LISTED), tested=["1", "2"], whole=False)]
    [paper] = theory_map(Loaded(run, cases), claims_of(cases, {}))
    assert standings(paper) == ["holds", "not run", "not testable", "not in this run", "not in this run"]
    assert (paper.coded, paper.here) == (2, 2)


def test_a_verdict_that_changes_changes_its_tile_and_no_other(run, cases) -> None:
    cases[0].verdict = "REFUTED"
    assert standings(the_map(run, cases, ["1", "2"]))[:2] == ["refuted", "refuted"]
    cases[0].verdict, cases[1].verdict = "HOLDS", "HOLDS"
    paper = the_map(run, cases, ["1", "2"])
    assert standings(paper)[:2] == ["control not refuted", "control not refuted"]
    assert (paper.tiles[0].refuted, paper.tiles[0].controls) == (0, 1)


def test_a_paper_without_a_list_has_a_tile_of_each_claim(run, cases) -> None:
    run.papers = []
    [paper] = theory_map(Loaded(run, cases), claims_of(cases, {}))
    assert (paper.listed, standings(paper)) == (False, ["holds", "not run"])
    assert [tile.statement.id for tile in paper.tiles] == ["1", "2"]


def test_the_pages_say_what_the_map_holds(run, cases, tmp_path: Path) -> None:
    the_map(run, cases, ["1", "2"])
    index = render(Loaded(run, cases), tmp_path)
    check_links(index)
    page = Page(index)
    assert "2 of 5 statements of 1 paper are tested, in 3 cases, 1 of them controls" in " ".join(page.text.split())
    tiles = [found["data-standing"] for tag, found in page.seen if tag == "li" and "data-standing" in found]
    assert tiles == ["holds", "not run", "not testable", "not coded", "not coded"]
    paper = " ".join(Page(tmp_path / "papers" / page_name("theory3")).text.split())
    for words in ("Wide networks do the same. section 5", "all data cannot be drawn", "1 of 1 refuted", "NOT CODED"):
        assert words in paper
    run.papers[0].tested.append("5")
    told = "3 of 5 statements of 1 paper are tested by claims, 2 of them in this run, in 3 cases, 1 of them controls"
    assert told in " ".join(Page(render(Loaded(run, cases), tmp_path)).text.split())
    run.papers[0].statements.pop(3)
    assert "3 of 4 statements" in Page(render(Loaded(run, cases), tmp_path)).text


def test_the_table_counts_statements_and_is_put_between_its_marks(run, cases, tmp_path: Path) -> None:
    the_map(run, cases, ["1", "2", "5"])
    text = result_table(Loaded(run, cases))
    assert "| A. Author (2017) | 5 | 1 | 0 | 1 | 1 | 2 |" in text
    assert "| **all** | 5 | 1 | 0 | 1 | 1 | 2 |" in text
    path = tmp_path / "README.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    assert text.endswith("\n1 statement not in this run.")
    with pytest.raises(BadRecords, match=r"README\.md: 1 statement not in this run; expected a run of all claims"):
        put_table(Loaded(run, cases), path)
    the_map(run, cases, ["1", "2"])
    text = result_table(Loaded(run, cases))
    for _ in range(2):
        put_table(Loaded(run, cases), path)
    assert path.read_text(encoding="utf-8") == f"before\n{BEGIN}\n\n{text}\n\n{END}\nafter\n"
    for bad in ("nothing", f"{END} {BEGIN}", f"{BEGIN} {BEGIN} {END}"):
        path.write_text(bad, encoding="utf-8")
        with pytest.raises(BadRecords, match="no place for the table; expected the lines"):
            put_table(Loaded(run, cases), path)
        assert path.read_text(encoding="utf-8") == bad
    with pytest.raises(BadRecords, match=r"absent\.md: cannot be read"):
        put_table(Loaded(run, cases), tmp_path / "absent.md")


def test_the_command_prints_the_table(records: Path, capsys) -> None:
    assert main(["table", str(records)]) == 0
    assert capsys.readouterr().out.startswith("| paper | statements | holds | not reproduced | not coded |")
    (records / "attempts" / "0000.json").write_text("{", encoding="utf-8")
    assert main(["table", str(records)]) == 2
    assert "expected a whole run" in capsys.readouterr().err
