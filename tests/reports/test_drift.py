"""Drift over runs: a planted shift on the pages of a history, what counts as a night, and when a case starts anew."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gen_core.records import CaseRecord, RunRecord
from reports import history
from reports.drift import ALLOWANCES, CUT, LIMITS, watch
from reports.drift_pictures import MIDDLE, REACH, sums_picture
from reports.evidence import evidence
from reports.load import Loaded
from reports.publish import publish
from reports.spreads import read_spreads, spread
from reports.trends import LEFT, RIGHT, WIDTH
from tests.reports.markup import Page

Night = Callable[..., tuple[RunRecord, CaseRecord]]


@pytest.fixture
def night(run, case) -> Night:
    """A night with these values, after as many as its number says."""

    def make(place: int, values: Any, name: str = "c", **changes: Any) -> tuple[RunRecord, CaseRecord]:
        started = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=place)).isoformat()
        of_run = {key: changes.pop(key) for key in ("seeds_from", "scale") if key in changes}
        one = replace(run, run=f"n{place:03}", started=started, exit_status=0, **{"seeds_from": place} | of_run)
        kept = [float(value) for value in values]
        mean = math.fsum(kept) / len(kept)
        judged = {"verdict": "HOLDS", "estimate": mean, "low": mean - 0.1, "high": mean + 0.1, "limits": [9.0]}
        return one, case("drift", name, values=kept, tolerance="<= 9", **judged | changes)

    return make


def nights(night: Night, table: np.ndarray, first: int = 0, **changes: Any) -> list[tuple[RunRecord, CaseRecord]]:
    return [night(first + place, values, **changes) for place, values in enumerate(table)]


def test_a_page_shows_a_planted_shift_within_five_nights_and_none_before(night, tmp_path: Path) -> None:
    """Of one standard deviation of a seed; with 8 seeds a night some take longer (`test_drift_rates`)."""
    rng = np.random.default_rng(20260101)
    shifts = {f"eight-{k}": 1.0 for k in range(12)} | {f"sixteen-{k}": -1.0 for k in range(4)}
    shifts |= {f"steady-{k}": 0.0 for k in range(8)}

    def one(place: int, size: float = 0.0) -> Loaded:
        seeds = {name: 16 if name.startswith("sixteen") else 8 for name in shifts}
        made = [night(place, 5 + rng.normal(size * by, 1, seeds[name]), name) for name, by in shifts.items()]
        return Loaded(made[0][0], [case for _, case in made])

    evidence([one(1000 + k) for k in range(10)], tmp_path / "evidence", "make evidence")
    for place in range(60):
        history.append(tmp_path / "h", loaded := one(place))
    report = publish(loaded, tmp_path / "report", tmp_path / "h", tmp_path / "evidence").parent
    index = report / "history" / "index.html"
    assert "60 runs" in Page(index).text
    assert "drifting" not in Page(index).text.lower()
    for place in range(60, 65):
        history.append(tmp_path / "h", loaded := one(place, 1.0))
    publish(loaded, tmp_path / "report", tmp_path / "h", tmp_path / "evidence")
    (of_claim,) = (path for path in index.parent.iterdir() if path != index)
    found = {}
    for section in Page(of_claim).text.split(" Numbers of the last ")[:-1]:
        name = re.search(r"(eight|sixteen|steady)-\d+", section)[0]
        if "Drift alarm: " in section:
            found[name] = section.partition("Drift alarm: ")[2].partition(" standard deviations of a seed since ")
    assert not any(name.startswith("steady") for name in found)
    assert sum(name.startswith("sixteen") for name in found) == 4
    assert sum(name.startswith("eight") for name in found) >= 8
    ways = {name: said.split()[0] for name, (said, _, _) in found.items()}
    assert ways == {name: "up" if shifts[name] > 0 else "down" for name in found}
    assert 0.7 < statistics.median(float(said.split()[-1]) for said, _, _ in found.values()) < 1.3
    dates = sorted(rest[:10] for _, _, rest in found.values())
    assert dates[len(dates) // 2] in ("2026-03-01", "2026-03-02", "2026-03-03")  # the 61st night is March 2
    listed = Page(index).text.partition("Drifting")[2].partition("Started")[0]
    assert all(name in listed for name in found)
    assert "steady" not in listed
    summary = (report / "summary.md").read_text(encoding="utf-8").partition("### Drifting")[2].partition("###")[0]
    assert summary.count("| claims/") == len(found)


def test_the_sums_are_the_textbooks(night) -> None:
    """Against scipy's distributions and numpy's variance, seed by seed, with nights of different sizes."""
    rng = np.random.default_rng(3)
    table = [rng.normal(0.2 * (k > 9), 1, size) for k, size in enumerate([8, 8, 16, 5, 8, 32, 8] * 3)]
    (found,) = watch(nights(night, table), None).sums
    found = [(int(run[1:]), *sums) for run, *sums in found]
    up, down, expected = np.zeros(2), np.zeros(2), []
    for place in range(1, len(table)):
        known, now = np.concatenate(table[:place]), table[place]
        t = (now.mean() - known.mean()) / (known.std(ddof=1) * np.sqrt(1 / len(now) + 1 / len(known)))
        z = np.clip(stats.norm.ppf(stats.t.cdf(t, len(known) - 1)), -CUT, CUT)
        up, down = np.maximum(up + z - ALLOWANCES, 0), np.maximum(down - z - ALLOWANCES, 0)
        expected.append((place, (up / LIMITS).max(), (down / LIMITS).max()))
    assert np.array(found) == pytest.approx(np.array(expected), abs=1e-9)


def test_evidence_stands_in_for_earlier_nights(night) -> None:
    rng = np.random.default_rng(4)
    before, after = rng.normal(0, 1, (10, 8)), nights(night, rng.normal(0.5, 1, (8, 8)), 1)
    (with_evidence,) = watch(after, spread(nights(night, before, 100))).sums
    (as_one_night,) = watch([night(0, before.ravel()), *after], None).sums
    assert with_evidence == [(run, pytest.approx(up), pytest.approx(down)) for run, up, down in as_one_night]


def test_a_single_night_raises_no_alarm_and_a_shift_that_ends_ends_it(night) -> None:
    rng = np.random.default_rng(5)
    quiet, off = rng.normal(0, 1, (30, 8)), rng.normal(0, 1, (1, 8)) - 50
    assert watch(nights(night, np.concatenate([quiet, off, quiet[:1]])), None).alarms == []
    table = np.concatenate([quiet, rng.normal(-2, 1, (10, 8)), rng.normal(0, 1, (40, 8))])
    (alarm,) = watch(nights(night, table), None).alarms
    assert (alarm.since.run, alarm.rose.run, alarm.nights) == ("n030", "n032", 3)
    assert -2.6 < watch(nights(night, table[:40]), None).alarm.size < -1.4
    assert "n040" < alarm.ended.run < "n070"
    assert watch(nights(night, table), None).alarm is None


def test_the_same_seeds_are_counted_once(night) -> None:
    rng = np.random.default_rng(6)
    known, high = nights(night, rng.normal(0, 1, (10, 8))), np.full(8, 0.6) + rng.normal(0, 0.1, 8)
    again = [night(10 + k, high, seeds_from=77) for k in range(40)]
    fresh = [night(10 + k, high) for k in range(40)]
    assert watch(known + fresh, None).alarm
    assert len(watch(known + again, None).sums[0]) == 10
    # Nor are those of the evidence.
    assert watch(known, spread(known)).sums == [[]]


@pytest.mark.parametrize(
    "other",
    [{"limits": [8.0]}, {"recipes": {"run": {"rate": 2}}}, {"statistic": "median"}, {"measured": "another distance"}],
    ids=["limits", "recipe", "statistic", "measured"],
)
def test_a_case_of_other_limits_recipe_or_statistic_starts_anew(night, other: dict) -> None:
    rng = np.random.default_rng(8)
    before, after = rng.normal(0, 1, (20, 8)), rng.normal(3, 1, (20, 8))
    assert watch(nights(night, np.concatenate([before, after])), None).alarm
    found = watch(nights(night, before) + nights(night, after, 20, **other), None)
    assert found.alarms == []
    assert [len(one) for one in found.sums] == [19, 19]
    # Evidence of before is none of what comes after it.
    assert watch(nights(night, after, 20, **other), spread(nights(night, before))).alarms == []
    # An alarm ends with what it was raised for.
    table = np.concatenate([before, after])
    (alarm,) = watch([*nights(night, table), *nights(night, after, 40, **other)], None).alarms
    assert (alarm.since.run, alarm.ended.run) == ("n020", "n040")


def test_versions_of_the_code_do_not_start_a_case_anew(night) -> None:
    rng = np.random.default_rng(9)
    points = nights(night, np.concatenate([rng.normal(0, 1, (20, 8)), rng.normal(3, 1, (5, 8))]))
    points[20:] = [(replace(run, environment={"revision": "b" * 12}), case) for run, case in points[20:]]
    assert watch(points, None).alarm


def test_nights_without_a_value_are_passed_over(night) -> None:
    rng = np.random.default_rng(10)
    points = nights(night, np.concatenate([rng.normal(0, 1, (20, 8)), rng.normal(2, 1, (5, 8))]))
    error = replace(points[3][1], verdict="ERROR", estimate=None, values=[], statistic="", limits=[], recipes={})
    gap = replace(points[3][0], run="gap", seeds_from=3000)
    with_gaps = [pair for one in points for pair in (one, (gap, error))]
    assert watch(with_gaps, None) == watch(points, None)
    assert watch(points, None).alarm


@pytest.mark.parametrize("statistic", ["worst", "mean"])
def test_exact_statements_and_values_without_spread_are_not_watched(night, statistic: str) -> None:
    rng = np.random.default_rng(11)
    shift = np.repeat([0.0, 1.0], 20)[:, None]
    table = {"worst": rng.normal(shift, 1, (40, 8)), "mean": 0.5 + 1e-12 * rng.normal(shift, 1, (40, 8))}[statistic]
    found = watch(nights(night, table, statistic=statistic), None)
    assert (found.alarms, sums_picture(found, [run for run, _ in nights(night, table)])) == ([], None)


def test_the_picture_has_the_shift_and_the_night_of_its_alarm(night) -> None:
    rng = np.random.default_rng(12)
    points = nights(night, np.concatenate([rng.normal(0, 1, (20, 8)), rng.normal(2, 1, (20, 8))]))
    found = watch(points, None)
    drawn = sums_picture(found, [run for run, _ in points])
    slot = (WIDTH - LEFT - RIGHT) / 40
    assert drawn.shifts == [(pytest.approx(LEFT + 20 * slot, abs=0.1), pytest.approx(20 * slot, abs=0.1))]
    ((x, y, sign),) = drawn.signs
    assert (sign, x) == ("▲", pytest.approx(LEFT + (int(found.alarm.rose.run[1:]) + 0.5) * slot, abs=0.1))
    assert y < MIDDLE
    assert f"{MIDDLE - REACH:.1f}" in drawn.up
    assert drawn.label == "Sums of drift, 1 alarm"
    # Of a shift that began before the runs in sight, the part in sight is drawn.
    last = sums_picture(found, [run for run, _ in points[30:]])
    assert last.shifts == [(LEFT, pytest.approx(WIDTH - LEFT - RIGHT, abs=0.1))]
    assert last.signs == []


def test_runs_that_are_no_longer_drawn_are_watched(night, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(history, "RUNS", 10)
    rng = np.random.default_rng(13)
    for run, case in nights(night, np.concatenate([rng.normal(0, 1, (20, 8)), rng.normal(2, 1, (15, 8))])):
        history.append(tmp_path / "h", loaded := Loaded(run, [case]))
    assert len(history.latest(tmp_path / "h", 10)) == 10
    assert [one.run.run for one in history.latest(tmp_path / "h", 12, 10)] == ["n023", "n024"]
    publish(loaded, tmp_path / "report", tmp_path / "h", tmp_path / "none")
    assert "10 runs, latest first" in Page(tmp_path / "report" / "history" / "index.html").text
    said = (tmp_path / "report" / "summary.md").read_text(encoding="utf-8")
    assert re.search(
        r"up by [12]\.\d standard deviations of a seed since 2026-01-2\d .* noticed in night \d, 2026-01-2", said
    )


def test_damaged_evidence_is_named_and_the_report_is_written(night, tmp_path: Path) -> None:
    run, case = night(0, range(8))
    (tmp_path / "bad.json").write_text('[{"nodeid": "x"}]', encoding="utf-8")
    loaded = Loaded(run, [case])
    index = publish(loaded, tmp_path / "report", tmp_path / "h", tmp_path)
    assert "bad.json: no evidence" in index.read_text(encoding="utf-8")
    assert (tmp_path / "report" / "history" / "index.html").is_file()
    assert read_spreads(tmp_path / "none") == {}


VALUES = st.none() | st.floats(allow_nan=False) | st.sampled_from([0.0, 1e-300, 5e-324, 1e99, 1e300, 1.0, 1 + 1e-15])


@given(st.lists(st.lists(VALUES, max_size=4), max_size=8))
@settings(deadline=None)
def test_any_numbers_are_watched(table) -> None:
    run = RunRecord(run="", started="", command="", repeat="", scale="", device="", seeds_from=0, fresh=False, budget=0)
    base = dict.fromkeys(("nodeid", "claim", "case", "paper", "citation", "title", "statement"), "")
    points = [
        (
            replace(run, run=f"r{k}", seeds_from=k),
            CaseRecord(**base, statistic="mean", estimate=1.0, verdict="HOLDS", values=values),
        )
        for k, values in enumerate(table)
    ]
    found = watch(points, None)
    assert all(0 <= share <= 1 for sums in found.sums for _, *shares in sums for share in shares)
    if found.sums and any(found.sums):
        assert sums_picture(found, [run for run, _ in points])
