"""Figures over runs: what is where, that the spread can be seen, and what is said where it cannot be drawn."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen_core.records import CaseRecord, RunRecord
from reports.trends import HEIGHT, LEFT, PLOT, RIGHT, TOP, WIDTH, Trend, trend

VALUES = {"verdict": "HOLDS", "limits": [1.0], "direction": "at most", "tolerance": "<= 1"}


@pytest.fixture
def points(run, case):
    def make(
        *records: dict | None, environments: list[dict] | None = None
    ) -> list[tuple[RunRecord, CaseRecord | None]]:
        made = []
        for k, record in enumerate(records):
            environment = environments[k] if environments else run.environment
            one = replace(run, run=f"r{k}", started=f"2026-01-{k % 28 + 1:02}T03:04:05+00:00", environment=environment)
            made.append((one, None if record is None else case("norm", "gd", **VALUES | record)))
        return made

    return make


def at(mean: float, half: float = 0.05, **more) -> dict:
    return {
        "estimate": mean,
        "low": mean - half,
        "high": mean + half,
        "values": [mean - half, mean, mean + half],
    } | more


def coordinates(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"M([-\d.]+) ([-\d.]+)", path)]


def inside(drawn: Trend) -> bool:
    places = [(x, y) for x, y, *_ in (*drawn.dots, *drawn.signs, *drawn.versions)] + coordinates(drawn.seeds)
    return all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)


def test_runs_go_from_left_to_right_and_larger_values_are_higher(points) -> None:
    drawn = trend(points(at(0.2), at(0.4), at(0.3)))
    (x1, y1, *_), (x2, y2, *_), (x3, y3, *_) = drawn.dots
    assert LEFT < x1 < x2 < x3 < WIDTH - RIGHT
    assert TOP < y2 < y3 < y1 < TOP + PLOT
    assert y3 == pytest.approx((y1 + y2) / 2, abs=0.11)
    assert coordinates(drawn.bars["good"]) == [
        (x, pytest.approx(y + (y1 - y3) / 2, abs=0.2)) for x, y, *_ in drawn.dots
    ]
    assert len(coordinates(drawn.seeds)) == 9
    assert drawn.dots[1][3] == "HOLDS 0.4 [0.35, 0.45], 2026-01-02 03:04 UTC, seeds from 1700"
    assert drawn.label == "3 runs, estimates 0.2 to 0.4, tolerance <= 1"


def test_a_run_without_the_case_leaves_a_gap(points) -> None:
    drawn = trend(points(at(0.2), None, at(0.3)))
    assert [x for x, *_ in drawn.dots] == [x for x, *_ in trend(points(at(0.2), at(0.1), at(0.3))).dots][::2]


def test_the_tolerance_is_drawn_over_the_runs_that_have_it(points) -> None:
    drawn = trend(points(at(0.2, 0.2), at(0.3, 0.2), at(0.3, 0.2, limits=[0.8])))
    starts = coordinates(drawn.limits)
    (x1, y1, w1, h1), (x2, y2, _, h2) = drawn.allowed
    assert [x for x, _ in starts] == [x1, x2] == [LEFT, pytest.approx(LEFT + w1)]
    assert (starts[0][1], starts[1][1]) == (y1, y2)
    assert y1 < y2
    assert y1 + h1 == y2 + h2 == TOP + PLOT


@pytest.mark.parametrize(
    ("direction", "limits", "above", "below"),
    [("at least", [0.1], True, False), ("between", [0.1, 0.4], False, False), ("at most", [0.4], False, True)],
)
def test_what_is_allowed_reaches_where_the_direction_says(points, direction, limits, above, below) -> None:
    ((_, y, _, height),) = trend(points(at(0.2, direction=direction, limits=limits))).allowed
    assert ((y == TOP), (y + height == TOP + PLOT)) == (above, below)


def test_a_limit_far_away_does_not_hide_the_spread(points) -> None:
    drawn = trend(points(at(3e-15, 1e-15), at(4e-15, 1e-15), at(3.5e-15, 1e-15)))
    heights = [y for _, y in coordinates(drawn.seeds)]
    assert max(heights) - min(heights) > PLOT / 2
    assert (drawn.limits, drawn.beyond) == ("", [(TOP + 10, "limit 1 is above")])
    ((_, y, _, height),) = drawn.allowed
    assert (y, height) == (TOP, PLOT)


def test_a_near_limit_is_drawn(points) -> None:
    drawn = trend(points(at(0.8), at(0.75)))
    assert drawn.beyond == []
    assert len(coordinates(drawn.limits)) == 1


def test_values_without_spread_are_drawn_with_their_limit(points) -> None:
    drawn = trend(points(at(0.7, 0.0), at(0.7, 1e-17)))
    assert len(coordinates(drawn.limits)) == 1


def test_labels_of_values_close_together_differ(points) -> None:
    drawn = trend(points(at(0.8 + 2e-12, 3e-12), at(0.8 - 1e-12, 3e-12)))
    labels = [label for _, label in drawn.ticks]
    assert drawn.base == "0.8"
    assert len(set(labels)) == len(labels) >= 2
    assert all(abs(float(label)) < 1e-11 for label in labels)


def test_a_change_of_the_verdict_is_marked_and_so_is_a_run_without_a_value(points) -> None:
    error = {"verdict": "ERROR", "values": []}
    drawn = trend(points(at(0.2), at(2.0, verdict="REFUTED"), at(2.0, verdict="REFUTED"), error, at(0.2)))
    assert [sign + tone for _, _, sign, tone, _ in drawn.signs] == ["✗bad", "!bad", "✓good"]
    assert drawn.signs[0][4].startswith("HOLDS 0.2 [0.15, 0.25] -> REFUTED 2 [1.95, 2.05], 2026-01-02")
    assert len(drawn.turns) == 3
    assert [tone for _, _, tone, _ in drawn.dots] == ["good", "bad", "bad", "good"]


def test_versions_are_named_where_they_change(points) -> None:
    old, new = {"torch": "2.12.0", "revision": "a" * 12}, {"torch": "2.13.0", "revision": "a" * 12}
    dirty = {"torch": "2.13.0", "revision": "a" * 12 + "-dirty"}
    drawn = trend(points(*[at(0.2)] * 6, environments=[old, old, new, new, dirty, dirty]))
    assert [label for _, _, label, _ in drawn.versions] == ["torch 2.12.0", "torch 2.13.0", "aaaaaaa", "aaaaaaa*"]
    assert len(drawn.shifts) == 2
    assert drawn.versions[1][3] == "from 2026-01-03 03:04 UTC: torch 2.13.0"


def test_labels_of_versions_do_not_run_into_each_other(points) -> None:
    drawn = trend(points(*[at(0.2)] * 60, environments=[{"revision": f"{k:012}"} for k in range(60)]))
    places = [x for x, _, _, _ in drawn.versions]
    assert len(drawn.shifts) == 59
    assert all(b - a >= 52 for a, b in itertools.pairwise(places))
    assert places[-1] + 52 <= WIDTH + 0.5


def test_nothing_measured(points) -> None:
    drawn = trend(points({"verdict": "NOT RUN"}, {"verdict": None}))
    assert (drawn.dots, drawn.ticks, drawn.seeds) == ([], [], "")
    assert [sign for _, _, sign, _, _ in drawn.signs] == ["–"]
    assert drawn.label == "1 run, none with a value, tolerance <= 1"


FLOATS = st.none() | st.floats(allow_nan=False) | st.sampled_from([1e-299, 1e299, 5e-324, 1e300])


@given(st.lists(st.tuples(FLOATS, FLOATS, FLOATS, st.lists(FLOATS, max_size=4), FLOATS), min_size=1, max_size=4))
@settings(deadline=None)
def test_any_numbers_are_drawn_inside(rows) -> None:
    run = RunRecord(
        run="r", started="", command="", repeat="", scale="", device="", seeds_from=0, fresh=False, budget=0
    )
    made = [
        CaseRecord(
            nodeid="", claim="", case="", paper="", citation="", title="", statement="", verdict="HOLDS",
            estimate=estimate, low=low, high=high, values=values, limits=[limit], direction="at most",
        )
        for estimate, low, high, values, limit in rows
    ]  # fmt: skip
    assert inside(trend([(run, case) for case in made]))
