"""Geometry of the small pictures."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.pictures import INSET, Axis, interval_picture, seeds_picture

floats = st.one_of(st.none(), st.floats())


def test_huge_ratios_are_shown_on_a_logarithmic_axis(case) -> None:
    small = interval_picture(case("a", "b", estimate=1e-15, low=5e-16, high=2e-15))
    large = interval_picture(case("a", "b", estimate=20.0, low=18.0, high=22.0))
    assert "logarithmic axis" in small.label
    assert small.dot < small.limits[0] < small.width
    assert large.limits[0] < large.dot
    assert small.bar[0] < small.dot < small.bar[1]


def test_small_ratios_and_signs_stay_linear() -> None:
    assert not Axis.around([1.0, 50.0], 100).log
    assert not Axis.around([-1.0, 500.0], 100).log
    assert not Axis.around([0.0, 1e-10], 100).log
    axis = Axis.around([0.0, 1.0], 100)
    assert axis.at(0.5) == pytest.approx(50)
    assert axis.at(-9) == INSET


def test_the_allowed_stretch_follows_the_direction(case) -> None:
    numbers = {"estimate": 0.5, "low": 0.4, "high": 0.6}
    most = interval_picture(case("a", "b", limits=[1.0], direction="at most", **numbers))
    least = interval_picture(case("a", "b", limits=[1.0], direction="at least", **numbers))
    between = interval_picture(case("a", "b", limits=[0.2, 1.0], direction="between", **numbers))
    other = interval_picture(case("a", "b", limits=[1.0], direction="sideways", **numbers))
    assert most.allowed == (0.0, most.limits[0])
    assert sum(least.allowed) == pytest.approx(least.width)
    assert between.allowed[0] == between.limits[0]
    assert sum(between.allowed) == pytest.approx(between.limits[1])
    assert other.allowed is None


def test_a_missing_end_leaves_the_interval_open(case) -> None:
    picture = interval_picture(case("a", "b", estimate=0.5, low=None, high=0.6, limits=[1.0]))
    assert picture.bar[0] == 0


def test_a_share_is_no_value_of_a_seed(case) -> None:
    share = {"statistic": "share", "limits": [0.9], "direction": "at least", "estimate": 1.0, "low": 0.93, "high": 1.0}
    record = case("a", "b", values=[70.0, 80.0], seeds=[1, 2], seed_limit=90.0, seed_direction="at most", **share)
    seeds, small = seeds_picture(record), interval_picture(record)
    assert (seeds.bar, seeds.dot) == (None, None)
    assert seeds.allowed == (0.0, seeds.limits[0])
    assert seeds.seeds[-1][0] < seeds.limits[0]
    assert small.limits[0] < small.dot
    assert "estimate 1" in small.label
    assert "estimate" not in seeds.label


def test_nothing_measured_no_picture(case) -> None:
    assert interval_picture(case("a", "b")) is None
    assert interval_picture(case("a", "b", estimate=1.0, limits=[])) is None
    assert seeds_picture(case("a", "b")) is None


def test_every_seed_has_its_dot(case) -> None:
    picture = seeds_picture(case("a", "b", estimate=1.0, values=[1.0] * 64, seeds=list(range(64)), limits=[2.0]))
    assert len({(x, y) for x, y, _, _ in picture.seeds}) == 64
    assert all(0 < y < picture.height for _, y, _, _ in picture.seeds)
    assert len(picture.ticks) >= 2


@given(
    floats,
    floats,
    floats,
    st.lists(floats, max_size=2),
    st.lists(floats, max_size=9),
    st.sampled_from(["at most", "between"]),
)
@settings(deadline=None, suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture])
def test_any_numbers_stay_inside_the_picture(case, estimate, low, high, limits, values, direction) -> None:
    record = case("a", "b", estimate=estimate, low=low, high=high, limits=limits, direction=direction)
    record.values, record.seeds = values, list(range(len(values)))
    for picture in (interval_picture(record), seeds_picture(record)):
        if picture is None:
            continue
        places = [*picture.limits, *(picture.bar or ()), *(picture.allowed or ()), picture.dot or 0.0]
        places += [x for x, *_ in picture.seeds] + [x for x, _ in picture.ticks]
        assert all(math.isfinite(x) and 0 <= x <= picture.width for x in places)
        assert len(picture.ticks) <= 7
