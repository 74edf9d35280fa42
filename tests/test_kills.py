"""A short version of `python -m tests.kills`: one worker, one process with the terminal, and one whole run."""

from __future__ import annotations

import pytest

from tests import kills

CLEAN = {"exit": 0, "wrong": 0, "retrained": 0, "damaged": 0, ".part": 0}


def test_what_random_kills_leave_is_whole(capsys):
    assert kills.main(["--kills", "3", "--steps", "1000", "--seed", "1"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == f"3 kills: {kills.summed([CLEAN])[0].partition(': ')[2]}"
    assert [line.split()[1] for line in said[2:5]] == ["worker", "controller", "group"]


@pytest.mark.parametrize("lost", CLEAN)
def test_a_loss_is_counted_and_ends_with_status_1(lost):
    line, status = kills.summed([CLEAN, CLEAN | {lost: 1}])
    assert status == 1
    assert line.count(" 1 ") == 1
