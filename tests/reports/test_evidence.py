"""The tables of several runs, a file a paper: counts, spreads against numpy, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gen_core.records import write_json
from reports.__main__ import main
from reports.evidence import evidence
from reports.load import BadRecords, Loaded, load_run
from reports.spreads import read_spreads


def shifted(case, by: float):
    moved = [value + by for value in case.values]
    return replace(case, values=moved, headroom=None if case.headroom is None else case.headroom + by)


@pytest.fixture
def runs(run, cases) -> list[Loaded]:
    return [
        Loaded(replace(run, seeds_from=2, seconds=90.0), [shifted(case, 0.5) for case in cases]),
        Loaded(replace(run, seeds_from=1), cases),
        Loaded(replace(run, seeds_from=1, scale="quick"), cases[:3]),
    ]


def lines(folder: Path) -> dict[str, list[str]]:
    """Cells of the tables' lines by what stands in bold."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))]
    rows = [line for text in texts for line in text.splitlines() if "**" in line]
    return {row.split("**")[1]: [cell.strip() for cell in row.strip("| ").split(" | ")] for row in rows}


def test_values_of_all_seeds_of_all_runs(runs, cases, tmp_path: Path) -> None:
    rows = lines(evidence(runs, tmp_path / "new" / "tables", "make it"))
    values = np.concatenate([cases[3].values, np.add(cases[3].values, 0.5)])
    _, tolerance, *cells = rows["ridge"]
    assert tolerance == r"exponent of the excess risk exponent in \[-1.2, -0.8\]"
    assert cells[-8:-3] == ["2 REFUTED", f"{values.mean():.3g}", f"{values.std(ddof=1):.2g}", "32", "3.4"]
    assert cells[-3:-1] == ["0", "1"]  # no seed of a claim that is refuted is on the right side


def test_headroom_is_the_least_on_the_side_where_a_case_has_to_be(runs, tmp_path: Path) -> None:
    rows = lines(evidence(runs, tmp_path / "new" / "tables", "make it"))
    assert rows["gd"][-4] == "3.4"
    assert rows["gd-without-zero"][-4] == rows["wide"][-4] == "-3.9"
    assert rows["resnet"][-8:] == ["2 not reached", "–", "–", "0", *["–"] * 4]


def test_every_scale_has_its_columns_and_every_run_its_line(runs, tmp_path: Path) -> None:
    folder = evidence(runs, tmp_path, "make it")
    papers = ("rethinking", "theory2b", "theory3")
    assert {path.name for path in folder.iterdir()} == {f"{paper}.{end}" for paper in papers for end in ("md", "json")}
    text = (folder / "theory3.md").read_text(encoding="utf-8")
    assert "quick: verdicts | mean | sd | seeds | headroom | right | p | skew | standard: verdicts" in text
    assert "| quick | 1 | 2 | 1 | 0 | 0 | 0 | 0 | 14 min 32 s |" in text
    assert "| standard | 2 | 2 | 2 | 1 | 1 | 3 | 2 | 1 min 30 s |" in text
    assert text.index("| standard | 1 |") < text.index("| standard | 2 |")
    assert text.startswith("# Evidence for the tolerances of theory3\n")
    assert "- torch: 2.13.0" in text
    assert "make it" in text
    assert "- 1 % over 120 cases: 3.19 (8 seeds), 1.43 (16 seeds), 0.843 (32 seeds), 0.551 (64 seeds)" in text
    assert len(read_spreads(folder)) == 14
    rows = [row for path in folder.glob("*.md") for row in path.read_text(encoding="utf-8").splitlines() if "**" in row]
    assert len(rows) == 11
    assert len({row.count(" | ") for row in rows}) == 1
    assert "**ridge**" not in text  # of another paper


def test_skewed_values_near_what_decides_are_marked(runs, cases, tmp_path: Path) -> None:
    skewed = replace(cases[0], values=[2.0**k for k in range(8)], headroom=3.3)
    rows = lines(evidence([replace(runs[0], cases=[skewed, cases[1]])], tmp_path, "m"))
    assert rows["gd"][-1] == "1.8 look"
    assert not rows["sgd"][-1].endswith("look")


def test_text_is_no_markup(runs, cases, tmp_path: Path) -> None:
    hostile = replace(cases[0], measured="a | b <script> `c`\n**d**")
    evidence([replace(runs[0], cases=[hostile])], tmp_path, "m")
    said = (tmp_path / "theory3.md").read_text(encoding="utf-8")
    assert r"a \| b \<script\> \`c\` \*\*d\*\*" in said


@pytest.mark.parametrize("paper", ["../theory3", "", "a b", "x.md"])
def test_a_paper_whose_key_is_no_name_of_a_file_is_refused(runs, cases, tmp_path: Path, paper: str) -> None:
    with pytest.raises(BadRecords, match="expected the key of a paper, an identifier"):
        evidence([replace(runs[0], cases=[replace(cases[0], paper=paper)])], tmp_path / "new", "m")
    assert not (tmp_path / "new").exists()


def test_the_command(records: Path, tmp_path: Path, capsys, run) -> None:
    write_json(records / "run.json", replace(run, exit_status=0))
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "mine.md").write_text("mine")
    assert main(["evidence", str(records), "-o", str(tmp_path / "tables"), "--command", "make evidence"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'tables'}\n"
    assert "make evidence" in (tmp_path / "tables" / "theory3.md").read_text(encoding="utf-8")
    assert (tmp_path / "tables" / "mine.md").read_text() == "mine"


@pytest.mark.parametrize("fault", ["twice", "open", "damaged", "unwritable"])
def test_what_is_no_evidence_is_one_line_and_writes_nothing(records: Path, tmp_path: Path, capsys, run, fault) -> None:
    given, output = [str(records)], tmp_path / "tables"
    if fault == "twice":
        given *= 2
        write_json(tmp_path / "again" / "run.json", replace(load_run(records).run, run="again"))
        write_json(tmp_path / "again" / "cases.json", [])
        given[1] = str(tmp_path / "again")
    elif fault == "open":
        write_json(records / "run.json", replace(run, exit_status=None))
    elif fault == "damaged":
        (records / "attempts" / "0000.json").write_text("{", encoding="utf-8")
    else:
        (tmp_path / "file").write_text("", encoding="utf-8")
        output = tmp_path / "file" / "tables"
    assert main(["evidence", *given, "-o", str(output)]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("reports: ")
    assert printed.err.count("\n") == 1
    assert not output.exists()
