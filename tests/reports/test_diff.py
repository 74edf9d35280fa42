"""Two runs side by side: which runs are meant, what is printed, and the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gen_core.records import write_json
from reports import history
from reports.changes import COUNTED, KINDS
from reports.diff import changes_line, compare, text, two_runs, write_diff
from reports.history import BadHistory
from reports.load import BadRecords, Loaded, load_run
from tests.reports.markup import Page

HOSTILE = "<script>alert(1)</script> \x1b[2J\nnext | `x` 汉 " + "z" * 10_000


@pytest.fixture
def pair(run, case) -> tuple[Loaded, Loaded]:
    """Two runs with a change of every kind."""
    base = {"verdict": "HOLDS", "estimate": 0.5, "low": 0.4, "high": 0.6, "tolerance": "<= 1"}
    base |= {"values": [0.45, 0.55], "seeds": [1, 2], "seconds": 2.0}
    refuted = {"verdict": "REFUTED"}
    unrun = {"verdict": "NOT RUN", "estimate": None, "low": None, "high": None, "values": [], "seeds": []}
    changed = {
        "gone": ({}, None),
        "fixed": (refuted, {}),
        "broken": ({}, refuted),
        "values": ({}, {"values": [0.45, 0.5501], "estimate": 0.50005}),
        "away": ({}, {"low": 0.7, "high": 0.9, "seeds": [3, 4], "estimate": 0.8}),
        "slow": ({}, {"seconds": 30.0}),
        "same": ({}, {}),
        "new": (None, {}),
        "there": (unrun, {}),
        "absent": ({}, unrun),
    }
    sides = [
        [case("norm", name, **base | both[side]) for name, both in changed.items() if both[side] is not None]
        for side in (0, 1)
    ]
    runs = [replace(run, run="a"), replace(run, run="b", started="2026-01-03T00:00:00+00:00", seeds_from=9)]
    return Loaded(runs[0], sides[0]), Loaded(runs[1], sides[1])


def test_every_kind_of_change_with_its_numbers(pair) -> None:
    found = compare(*pair)
    assert [change.kind for change in found.values()] == list(KINDS)
    lines = text(*pair, found).splitlines()
    assert lines[:2] == [
        "from a: 9 cases, standard, seeds from 1700, torch 2.13.0",
        "to   b: 9 cases, standard, seeds from 9, torch 2.13.0",
    ]
    assert (
        lines[-1]
        == "1 new, 1 gone, 1 fixed, 1 broken, 1 changed, 1 drifted, 1 slower, 1 now run, 1 not run, of 9 cases"
    )
    place = lines.index("broken (1)")
    assert lines[place + 1 : place + 3] == [
        "    claims/test_norm.py::test_norm[broken]",
        "        HOLDS 0.5 [0.4, 0.6] -> REFUTED 0.5 [0.4, 0.6]",
    ]
    assert "        2.0 s -> 30.0 s" in lines
    assert not any(f"[{name}]" in line for line in lines for name in ("same", "there", "absent"))
    assert {"now run (1)", "not run (1)"} < set(lines)


def test_the_same_run_twice_is_no_change(pair) -> None:
    assert changes_line(pair[0], compare(pair[0], pair[0])) == "no change, of 9 cases"


def test_the_page_says_the_same(pair, tmp_path: Path) -> None:
    found = compare(*pair)
    for output, page in (("x.html", "x.html"), ("folder", "folder/diff.html")):
        assert write_diff(*pair, found, tmp_path / output) == tmp_path / page
    page = Page(tmp_path / "x.html")
    for nodeid, change in found.items():
        assert (f"{nodeid} {change.text}" in page.text) == (change.kind not in COUNTED)
    assert "1 new, 1 gone" in page.text
    assert (tmp_path / "x.html").read_bytes() == (tmp_path / "folder" / "diff.html").read_bytes()


def test_hostile_text_is_one_line_and_no_markup(run, case, tmp_path: Path) -> None:
    before = [case("norm", "gd", verdict="HOLDS"), case(HOSTILE, HOSTILE, verdict="HOLDS", title=HOSTILE)]
    runs = [Loaded(replace(run, run=HOSTILE, environment={"torch": HOSTILE}), cases) for cases in (before, before[:1])]
    found = compare(*runs)
    said = text(*runs, found)
    assert len(said.splitlines()) == 8
    assert "\x1b" not in said
    assert "<script>alert(1)</script>" in Page(write_diff(*runs, found, tmp_path)).text


@pytest.fixture
def kept(run, tmp_path: Path) -> Path:
    path = tmp_path / "history"
    for name, started, scale, status in [
        ("a-1", "2026-01-01", "quick", 0),
        ("a-2", "2026-01-02", "quick", 1),
        ("a-3", "2026-01-03", "quick", 2),  # interrupted
        ("b-4", "2026-01-04", "paper", 0),
        ("c-5", "2026-01-05", "quick", 0),
    ]:
        history.append(path, Loaded(replace(run, run=name, started=started, scale=scale, exit_status=status), []))
    return path


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (("a-1", "a-2"), ("a-1", "a-2")),
        (("previous", "latest"), ("a-2", "c-5")),
        (("latest", "previous"), ("c-5", "a-2")),
        (("previous", "a-2"), ("a-1", "a-2")),
        (("c", "a-3"), ("c-5", "a-3")),
    ],
)
def test_names_of_runs(kept: Path, given, meant) -> None:
    assert tuple(loaded.run.run for loaded in two_runs(*given, kept)) == meant


def test_folders_of_records_are_runs(records: Path, kept: Path, run) -> None:
    write_json(records / "run.json", replace(run, run="mine", scale="quick", started="2026-01-04"))
    before, now = two_runs("previous", str(records), kept)
    assert (before.run.run, now.run.run, len(now.cases)) == ("a-2", "mine", len(load_run(records).cases))
    assert two_runs(str(records), str(records), kept.parent / "absent")[0].run.run == "mine"


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        (("previous", "previous"), BadRecords, "expected another run beside it"),
        (("a-1", "b-4"), BadRecords, "runs at the scales quick and paper; expected two of one scale"),
        (("a", "c-5"), BadHistory, "run 'a'; expected the id of one run .* 3 that begin so"),
        (("x", "c-5"), BadHistory, "run 'x'; expected the id of one run of .*, which holds 5 runs"),
        (("previous", "a-1"), BadHistory, "holds no run at scale quick before a-1"),
    ],
)
def test_what_is_no_run_is_named(kept: Path, given, kind, said) -> None:
    with pytest.raises(kind, match=said):
        two_runs(*given, kept)


def test_a_history_without_runs_has_no_latest(kept: Path, run, tmp_path: Path) -> None:
    with pytest.raises(BadHistory, match="no such file"):
        two_runs("latest", "previous", tmp_path / "absent")
