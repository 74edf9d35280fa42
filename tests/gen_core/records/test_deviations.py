"""A headroom in words: plain up to 1000 deviations, and no number where only rounding is measured."""

from __future__ import annotations

import math

import pytest

from gen_core.judgement import Judgement
from gen_core.records import in_deviations
from gen_core.statistics import Interval
from reports.explanations import explanation


@pytest.mark.parametrize(
    ("headroom", "words"),
    [
        (3.7041, "3.7 sd"),
        (-10.23, "-10.2 sd"),
        (1000.0, "1000 sd"),
        (1000.1, "> 1000 sd"),
        (1.4e5, "> 1000 sd"),
        (-2e4, "< -1000 sd"),
        (math.inf, "> 1000 sd"),
    ],
)
def test_a_number_of_deviations_in_words(headroom, words):
    assert in_deviations(headroom) == words


def test_messages_and_reports_say_the_same(case):
    for headroom, words in ((1.4e5, "> 1000"), (2.5, "2.5")):
        judged = Judgement(
            name="q",
            tolerance="<= 1",
            statistic="mean",
            low_limit=None,
            high_limit=1.0,
            values=[0.0],
            interval=Interval(0.0, -1.0, 2.0, sd=1.0, n=8),
            verdict="INCONCLUSIVE",
            headroom=headroom,
            seeds_needed=9,
        )
        assert judged.undecided().endswith(f"needs about 9 seeds at a headroom of {words} sd")
        record = case("a", "b", verdict="HOLDS", estimate=0.0, low=-0.1, high=0.1, limits=[1.0], headroom=headroom)
        assert f"headroom {words} standard deviations" in explanation(record)
