"""Spreads of cases over runs: by independent routes, for every statistic; what is marked; and their file."""

from __future__ import annotations

import json
import math
import statistics
from dataclasses import replace

import numpy as np
import pytest

from gen_core.records import CaseRecord, Look, RunRecord
from gen_core.statistics import headroom, mean_interval, verdict
from reports.load import BadRecords
from reports.spreads import decided_from, identity, read_spreads, spread, write_spreads


@pytest.fixture
def found(run, case):
    """Two runs of a case with these values."""

    def make(values, **changes) -> list[tuple[RunRecord, CaseRecord]]:
        half, level = len(values) // 2, 0.01 / 243
        made = []
        for k, part in enumerate((values[:half], values[half:])):
            look = Look(seeds=len(part), estimate=0.0, low=None, high=None, verdict="HOLDS")
            judged = {"verdict": "HOLDS", "headroom": 5.0 - k, "level": level, "looks": [look]}
            made.append((replace(run, seeds_from=k), case("norm", "gd", values=list(part), **judged | changes)))
        return made

    return make


def tail(n: int, least: int, share: float = 0.5) -> float:
    """P(at least so many of n), term by term."""
    return sum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(least, n + 1))


VALUES = [float(k) for k in range(1, 17)]


@pytest.mark.parametrize(
    ("changes", "right", "p"),
    [
        ({"limits": [12.0]}, 12 / 16, tail(16, 12)),  # 12 itself is inside
        ({"limits": [12.0], "direction": "at least"}, 5 / 16, tail(16, 5)),
        ({"limits": [2.0, 13.0], "direction": "between"}, 12 / 16, tail(16, 13)),
        ({"limits": [12.0], "kind": "control"}, 4 / 16, tail(16, 4)),
        ({"limits": [12.0], "not_reproduced": "why"}, 4 / 16, tail(16, 4)),
        ({"limits": [2.0, 5.0], "direction": "between", "kind": "control"}, 12 / 16, 2 * tail(16, 11)),
        ({"limits": [12.0], "statistic": "median"}, 12 / 16, tail(16, 12)),
        ({"limits": [12.0], "statistic": "worst"}, 12 / 16, None),
        ({"limits": []}, None, None),
    ],
    ids=["most", "least", "between", "control", "not reproduced", "outside", "median", "worst", "not judged"],
)
def test_the_share_on_the_right_side_with_its_sign_test(found, changes, right, p) -> None:
    made = spread(found(VALUES, **changes))
    assert made.right == right
    assert made.p == (None if p is None else pytest.approx(p))


@pytest.mark.parametrize(("kind", "right", "least"), [("setting", 14, 14), ("control", 2, None)])
def test_a_share_of_seeds_is_tested_against_the_share_that_is_required(found, kind, right, least) -> None:
    demanded = {"statistic": "share", "limits": [0.9], "share": 0.9, "seed_limit": 14.0, "seed_direction": "at most"}
    made = spread(found(VALUES, direction="at least", kind=kind, **demanded))
    assert made.right == right / 16
    assert made.p == pytest.approx(tail(16, least, 0.9) if least else 1 - tail(16, 15, 0.9))
    assert made.skewness is None


def test_mean_spread_and_skewness_of_all_seeds(found) -> None:
    values = np.random.default_rng(1).exponential(size=40)
    made = spread(found(values))
    n, mean, sd = 40, statistics.fmean(values), statistics.stdev(values)
    assert (made.seeds, made.mean, made.sd) == (n, pytest.approx(mean), pytest.approx(sd))
    third = sum(((x - mean) / sd) ** 3 for x in values)
    assert made.skewness == pytest.approx(n / ((n - 1) * (n - 2)) * third)  # Fisher and Pearson, adjusted
    assert made.seeds_from == [0, 1]
    assert made.headroom == 4.0
    assert made.verdicts == "2 HOLDS"


def test_values_that_differ_by_rounding_have_no_skewness(found) -> None:
    assert spread(found([0.8 + 1e-12 * k * k for k in range(16)])).skewness is None
    assert spread(found([1.0] * 16)).skewness is None
    assert spread(found([])).right is None


@pytest.mark.parametrize("seeds", [8, 16, 32, 64])
def test_a_mean_is_decided_from_the_headroom_that_is_printed(seeds: int) -> None:
    """By the library's own judgement, a little above it and a little below."""
    level = 0.01 / 243 / 4
    values = np.random.default_rng(seeds).normal(size=seeds)
    values = (values - values.mean()) / values.std(ddof=1)
    for factor, decided in ((1.001, "HOLDS"), (0.999, "INCONCLUSIVE")):
        interval = mean_interval(values, level=level)
        limit = factor * decided_from(level, seeds)
        assert headroom(interval, None, limit) == pytest.approx(limit)
        assert verdict(interval, None, limit) == decided


def test_the_headroom_of_eight_seeds_at_243_cases() -> None:
    assert decided_from(0.01 / 243 / 4, 8) == pytest.approx(3.556, abs=0.001)
    assert decided_from(0.01 / 120 / 4, 8) == pytest.approx(3.193, abs=0.001)


@pytest.mark.parametrize(
    ("room", "values", "changes", "look"),
    [
        (4.0, "skewed", {}, True),  # 3.56 decides 8 seeds
        (4.1, "skewed", {}, False),
        (-4.0, "skewed", {"kind": "control"}, True),
        (4.0, "even", {}, False),
        (4.0, "skewed", {"statistic": "median"}, False),
        (4.0, "skewed", {"statistic": "trend"}, False),
        (4.0, "skewed", {"statistic": "worst"}, False),
    ],
)
def test_skewed_values_near_what_decides_are_to_be_looked_at(found, room, values, changes, look) -> None:
    drawn = {"skewed": [2.0**k for k in range(8)] * 2, "even": VALUES}[values]
    assert spread(found(drawn, headroom=room, **changes)).look is look


@pytest.mark.parametrize("other", [{"limits": [2.0]}, {"recipes": {}}, {"statistic": "worst"}])
def test_runs_of_other_claims_are_no_evidence(found, other) -> None:
    first, second = found(VALUES)
    with pytest.raises(BadRecords, match="expected runs of the same claims"):
        spread([first, (second[0], replace(second[1], **other))])


def test_the_file_gives_back_what_was_written(found, tmp_path) -> None:
    made = [spread(found(VALUES)), spread(found([])), spread(found([1e300, -1e300, 1e300, -1e300]))]
    made = [replace(one, scale=f"s{k}") for k, one in enumerate(made)]
    write_spreads(tmp_path / "p.json", made)
    read = read_spreads(tmp_path)
    assert list(read.values()) == made
    assert identity(read["claims/test_norm.py::test_norm[gd]", "s0"]) == identity(found(VALUES)[0][1])
    assert len((tmp_path / "p.json").read_text(encoding="utf-8").splitlines()) == 5  # a line a case


@pytest.mark.parametrize(
    "text",
    ["{", "[1]", "3", "[[]]", '[{"nodeid": "x"}]', "MEAN", "[" * 100_000, "\x00"],
    ids=["cut", "number", "no list", "lists", "fields", "mean", "deep", "binary"],
)
def test_a_damaged_file_is_one_line(found, tmp_path, text: str) -> None:
    if text == "MEAN":
        write_spreads(tmp_path / "p.json", [spread(found(VALUES))])
        rows = json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))
        text = json.dumps([rows[0] | {"mean": "much"}])
    (tmp_path / "p.json").write_text(text, encoding="utf-8")
    with pytest.raises(BadRecords, match=r"p\.json: no evidence \(.*\); expected what") as caught:
        read_spreads(tmp_path)
    assert "\n" not in str(caught.value)
