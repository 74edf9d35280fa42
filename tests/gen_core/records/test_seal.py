"""Damaged records are named: by the digest that they carry, and by a verdict that their numbers do not bear out."""

from __future__ import annotations

import contextlib
import json
import random
from pathlib import Path

import pytest

from gen_core.records import last_attempts, plain, read_case, read_run, write_json
from reports.__main__ import main
from tests.run_records import judged


def test_a_record_is_read_as_it_was_written(records: Path, cases) -> None:
    written = sorted((c for c in cases if c.verdict), key=lambda c: c.nodeid)
    found, problems = last_attempts(records)
    assert problems == []
    assert [plain(c) for c in sorted(found, key=lambda c: c.nodeid) if c.verdict] == [plain(c) for c in written]


def test_no_flipped_bit_is_believed(records: Path) -> None:
    """200 flips at random places: each is named, or the record reads as before."""
    path, drawn = records / "attempts" / "0003.json", random.Random(5)
    whole, before = path.read_bytes(), read_case(path)
    named = 0
    for _ in range(200):
        flipped = bytearray(whole)
        flipped[drawn.randrange(len(whole))] ^= 1 << drawn.randrange(8)
        path.write_bytes(flipped)
        with contextlib.suppress(ValueError):
            assert plain(read_case(path)) == plain(before)
            continue
        named += 1
    assert named > 150


def test_a_changed_run_and_a_changed_selection_are_named(records: Path) -> None:
    for name, of, to in (("run.json", '"budget": 0.01', '"budget": 0.02'), ("cases.json", "<= 1e-10", "<= 1e-01")):
        path = records / name
        path.write_text(path.read_text(encoding="utf-8").replace(of, to, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=r"run\.json: damaged, its digest is not that of its fields"):
        read_run(records / "run.json")
    assert "cases.json: damaged, its digest" in last_attempts(records)[1][0]


CONTRADICTIONS = {
    "holds": ({"verdict": "HOLDS"}, r"the verdict HOLDS with \[0.52, 0.68\] against at most 1e-10; expected REFUTED"),
    "undecided": ({"verdict": "INCONCLUSIVE"}, "the verdict INCONCLUSIVE with .*; expected REFUTED"),
    "limit": ({"limits": [0.6]}, "the verdict REFUTED with .* against at most 0.6; expected INCONCLUSIVE"),
    "side": ({"direction": "at least"}, "the verdict REFUTED with .* against at least 1e-10; expected HOLDS"),
    "between": ({"limits": [0.1, 0.9], "direction": "between"}, ".* against between 0.1 and 0.9; expected HOLDS"),
    "interval": ({"low": -0.52}, r".* with \[-0.52, 0.68\] .*; expected INCONCLUSIVE"),
    "mean": ({"estimate": 0.61}, "the estimate 0.61; expected the mean of its values, 0.6"),
}


@pytest.mark.parametrize("kind", CONTRADICTIONS)
@pytest.mark.parametrize("with_seal", [True, False])
def test_a_verdict_that_does_not_follow_is_named(records: Path, case, kind, with_seal: bool, capsys) -> None:
    change, message = CONTRADICTIONS[kind]
    record = case("norm", "other", **(judged("REFUTED", 0.6, 0.52, 0.68) | change))
    path = records / "attempts" / "9999.json"
    if with_seal:
        write_json(path, record)
    else:  # as before there was one
        path.write_text(json.dumps(plain(record)), encoding="utf-8")
    with pytest.raises(ValueError, match=f"9999.json: damaged, {message}"):
        read_case(path)
    assert main([str(records), "-o", str(records / "report")]) == 0
    assert "9999.json: damaged, " in capsys.readouterr().err
    assert "9999.json: damaged, " in (records / "report" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("other", [{"statistic": "median"}, {"scale": "-log(1 - x)"}])
def test_the_estimate_is_that_of_its_statistic(records: Path, case, other) -> None:
    """The median is no mean, nor is a mean on a scale the mean of plain values: the verdict alone is compared."""
    path = records / "attempts" / "9999.json"
    write_json(path, case("norm", "other", **judged("REFUTED", 0.6, 0.52, 0.68) | {"estimate": 0.61} | other))
    assert read_case(path).estimate == 0.61
    write_json(path, case("norm", "other", **judged("HOLDS", 0.6, 0.52, 0.68) | other))
    with pytest.raises(ValueError, match="expected REFUTED"):
        read_case(path)
