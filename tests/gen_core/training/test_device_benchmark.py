"""The benchmark of the device at hand runs on a CPU too."""

import re

from benchmarks.cases import CASES
from benchmarks.device.__main__ import main


def test_it_prints_a_line_for_each_case(capsys):
    assert main(["--device", "cpu", "--steps", "8"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("cpu (")
    assert [line[:24].strip() for line in lines[2:]] == list(CASES)
    for line, case in zip(lines[2:], CASES.values(), strict=True):
        networks, steps, rate, seconds, _ = (float(n.replace(",", "")) for n in re.split(r"\s+", line[24:].strip()))
        assert (networks, steps) == (case.seeds, 8)
        assert abs(rate * seconds / (networks * steps) - 1) < 0.5  # the seconds are printed to the millisecond
