"""Pages over runs: whole, linked, in order, the same each time, hostile text as text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gen_core.records import CaseRecord
from reports.changes import Change
from reports.load import Loaded
from reports.render import page_name, render
from reports.runs import write_history
from tests.reports.markup import Page

HOSTILE = "</style></title><script>alert(1)</script> \"'><img src=x onerror=y> {{ 7 }} 汉 " + "z" * 10_000


def shifted(case: CaseRecord, by: float) -> CaseRecord:
    moved = {
        name: None if getattr(case, name) is None else getattr(case, name) + by for name in ("estimate", "low", "high")
    }
    return replace(case, values=[v + by for v in case.values], **moved)


@pytest.fixture
def runs(run, cases) -> list[Loaded]:
    return [
        Loaded(
            replace(run, run=f"r{k}", started=f"2026-01-0{k + 1}T00:00:00+00:00", seeds_from=k),
            [shifted(case, 0.001 * k) for case in cases],
        )
        for k in range(5)
    ]


def claim_page(folder: Path, name: str) -> Page:
    return Page(folder / "history" / page_name(f"claims/test_{name}.py::test_{name}"))


def test_a_page_for_each_claim_and_one_of_runs(runs, tmp_path: Path) -> None:
    render(runs[-1], tmp_path)
    write_history(runs, runs[-1], tmp_path)
    names = sorted(path.name for path in (tmp_path / "history").iterdir())
    assert len(names) == 5
    for name in names:
        page = Page(tmp_path / "history" / name)  # its links lead somewhere
        assert "default-src 'none'" in (tmp_path / "history" / name).read_text(encoding="utf-8")
    page = Page(tmp_path / "history" / "index.html")
    assert page.text.index("2026-01-05 00:00 UTC this report") < page.text.index("2026-01-04 00:00 UTC")
    assert "5 runs, latest first. At each scale the last 90 runs of the history are shown." in page.text
    for words in ("✗ 1 refuted", "≠ 1 not reproduced", "2.13.0", "14 min 32 s", "r4"):
        assert words in page.text
    strips = [a["aria-label"] for a in page.attributes if a.get("class") == "strip"]
    assert ", ".join(["error"] * 5) in strips


def test_a_claims_page_has_every_case_with_every_run(runs, tmp_path: Path) -> None:
    render(runs[-1], tmp_path)
    write_history(runs, runs[-1], tmp_path)
    page = claim_page(tmp_path, "rate")
    trends = [a["aria-label"] for a in page.attributes if a.get("class") == "trend"]
    assert trends == [
        "5 runs, estimates -0.84 to -0.836, tolerance exponent in [-1.2, -0.8]",
        "5 runs, estimates -0.51 to -0.506, tolerance exponent in [-1.2, -0.8]",
        "5 runs, estimates -2.1 to -2.1, tolerance exponent in [-1.2, -0.8]",
    ]
    assert "Estimates of 5 runs from -0.51 to -0.506; mean of all 80 values -0.508, standard deviation" in page.text
    assert "✗ REFUTED -0.506 [-0.576, -0.426] 3.4 16 4.2 s 2.13.0 –" in page.text
    assert f"../claims/{page_name(runs[0].cases[3].nodeid)}" in page.links


def test_drift_is_said(runs, tmp_path: Path) -> None:
    runs[-1] = replace(runs[-1], cases=[shifted(case, 5.0) for case in runs[-1].cases])
    write_history(runs, replace(runs[-1], cases=[]), tmp_path)
    said = (tmp_path / "history" / page_name("claims/test_rate.py::test_rate")).read_text(encoding="utf-8")
    assert "Drifted: the interval [4.42, 4.57] lies above the range of 4 earlier runs, [-0.51, -0.507]." in said
    assert "3 drifted" in (tmp_path / "history" / "index.html").read_text(encoding="utf-8")


def test_scales_have_figures_of_their_own_this_reports_first(runs, tmp_path: Path, run) -> None:
    paper = Loaded(replace(run, run="p", scale="paper"), [case for case in runs[0].cases if case.case == "gd"])
    write_history([paper, *runs], replace(runs[-1], cases=[]), tmp_path)
    text = claim_page_of(tmp_path)
    assert text.count('class="trend"') == 4
    assert text.index('<span class="paper">standard</span>') < text.index('<span class="paper">paper</span>')


def test_a_case_that_is_gone_has_no_link(runs, tmp_path: Path) -> None:
    now = replace(runs[-1], cases=runs[-1].cases[1:])
    render(now, tmp_path)
    write_history([*runs[:-1], now], now, tmp_path)
    page = claim_page(tmp_path, "norm")
    assert f"../claims/{page_name(runs[0].cases[0].nodeid)}" not in page.links
    assert "4 runs, estimates" in next(a["aria-label"] for a in page.attributes if a.get("class") == "trend")


def test_the_same_runs_give_the_same_bytes_and_earlier_pages_go(runs, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_history(runs, runs[-1], tmp_path / folder)
    pages = {path.name: path.read_bytes() for path in (tmp_path / "a" / "history").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "b" / "history").iterdir()} == pages
    (tmp_path / "a" / "history" / "notes.html").write_text("mine")
    write_history([], runs[-1], tmp_path / "a")
    assert [path.name for path in (tmp_path / "a" / "history").iterdir()] == ["notes.html"]


def test_hostile_text_is_shown_as_text(run, case, tmp_path: Path) -> None:
    fields = ("title", "measured", "tolerance", "paper", "drops", "reason")
    record = case(HOSTILE, HOSTILE, verdict="ERROR", kind="control", **dict.fromkeys(fields, HOSTILE))
    judged = replace(record, verdict="REFUTED", estimate=1.0, low=0.0, high=2.0, values=[1.0], seeds=[1])
    environment = {"torch": HOSTILE, "revision": HOSTILE, "gpu": HOSTILE}
    run = replace(run, run=HOSTILE, scale=HOSTILE, device=HOSTILE, started=HOSTILE, environment=environment)
    runs = [Loaded(run, [record]), Loaded(replace(run, run="other", environment={}), [judged])]
    render(runs[-1], tmp_path)
    write_history(runs, runs[-1], tmp_path)
    for path in (tmp_path / "history").iterdir():
        page = Page(path)
        assert "<script>alert(1)</script>" in page.text


@pytest.mark.parametrize(
    ("estimates", "said"),
    [
        ([0.5], "Estimates of 1 run all 0.5; mean of all 2 values"),
        ([0.5, 0.5 + 1e-9], "Estimates of 2 runs all about 0.5, 1e-09 apart; mean of all 4 values 0.5,"),
        (
            [0.5, 0.7],
            "Estimates of 2 runs from 0.5 to 0.7; mean of all 4 values 0.6, standard deviation of",
        ),
        ([1e300, -1e300], ""),
    ],
)
def test_the_spread_over_runs_in_words(run, case, tmp_path: Path, estimates, said: str) -> None:
    values = [case("norm", "gd", verdict="HOLDS", estimate=e, low=e, high=e, values=[e, e]) for e in estimates]
    runs = [Loaded(replace(run, run=f"r{k}"), [one]) for k, one in enumerate(values)]
    write_history(runs, Loaded(run, []), tmp_path)
    page = claim_page_of(tmp_path)
    assert said in page
    assert ("Estimates of" in page) == bool(said)


def claim_page_of(folder: Path) -> str:
    return (folder / "history" / page_name("claims/test_norm.py::test_norm")).read_text(encoding="utf-8")


def test_the_page_of_runs_leads_with_what_changed(runs, tmp_path: Path) -> None:
    now = runs[-1]
    told = {
        now.cases[0].nodeid: Change("broken", "HOLDS 1 -> REFUTED 2", verdict=True, fails=True),
        now.cases[1].nodeid: Change("slower", "2.0 s -> 9.0 s"),
        now.cases[2].nodeid: Change("now run", "NOT RUN -> HOLDS 1"),
        "claims/test_old.py::test_old[a]": Change("gone", "was HOLDS 1"),
    }
    render(now, tmp_path)
    write_history(runs, now, tmp_path, changes=told)
    page = Page(tmp_path / "history" / "index.html")
    text = " ".join(page.text.split())
    begin = text.index("Other verdicts than in the runs before another verdict: 1 case")
    assert begin < text.index("HOLDS 1 -> REFUTED 2") < text.index("slower: 1 case") < text.index("now run: 1 case")
    assert begin < text.index("Claims over runs")
    assert "NOT RUN -> HOLDS 1" not in text
    linked = {link for link in page.links if link.startswith("../claims/")}
    assert linked == {f"../claims/{page_name(case.nodeid)}" for case in now.cases[:2]}
    assert all((tmp_path / "history" / link).is_file() for link in linked)
