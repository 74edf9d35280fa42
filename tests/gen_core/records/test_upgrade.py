"""Records of earlier schemas: read as today's, with what they said in sentences as fields."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from gen_core.records import (
    CaseRecord,
    last_attempts,
    plain,
    read_case,
    read_run,
    upgraded_case,
    upgraded_run,
    write_json,
)

NEW = ["kind", "reference", "place", "year", "work", "statistic", "share", "seed_limit", "seed_direction"]
NEWER = {1: ["formula", "traceback", *NEW], 2: NEW}


def age(path: Path, schema: int) -> None:
    """Write a file as it was in an earlier schema."""
    held = json.loads(path.read_text(encoding="utf-8"))
    for entry in held if isinstance(held, list) else [held]:
        for name in NEWER[schema] if "nodeid" in entry else ["arguments", *["store"][schema - 1 :]]:
            del entry[name]
        entry["schema"] = schema
        del entry["digest"]
        if entry.get("verdict") == "NOT RUN":
            entry["as_expected"] = False  # as it was said then
    path.write_text(json.dumps(held), encoding="utf-8")


@pytest.mark.parametrize("schema", [1, 2])
def test_old_records_are_read_as_todays(records: Path, schema: int) -> None:
    run, (cases, _) = read_run(records / "run.json"), last_attempts(records)
    for path in records.rglob("*.json"):
        age(path, schema)
    found, problems = last_attempts(records)
    assert problems == []
    assert read_run(records / "run.json") == run
    assert found == cases
    assert [case.as_expected for case in found] == [case.as_expected for case in cases]


@pytest.mark.parametrize(
    ("tolerance", "limits", "statistic", "share", "seed"),
    [
        ("<= 1e-10", [1e-10], "mean", None, (None, "")),
        ("in [1, 2]", [1.0, 2.0], "mean", None, (None, "")),
        (">= 1 in every seed", [1.0], "worst", None, (None, "")),
        ("<= 0.1 in at least 90% of seeds", [0.9], "share", 0.9, (0.1, "at most")),
        (">= -1e-05 in at least 50% of seeds", [0.5], "share", 0.5, (-1e-5, "at least")),
        ("exponent <= -0.5", [-0.5], "exponent", None, (None, "")),
        ("rank correlation > 0", [1e-9], "trend", None, (None, "")),
        ("", [], "", None, (None, "")),
    ],
)
def test_what_is_judged_was_in_the_words_of_the_tolerance(case, tolerance, limits, statistic, share, seed) -> None:
    old = {**plain(case("a", "b")), "tolerance": tolerance, "limits": limits, "schema": 2}
    new = upgraded_case(old)
    assert (new["statistic"], new["share"], (new["seed_limit"], new["seed_direction"])) == (statistic, share, seed)


@pytest.mark.parametrize(
    ("control", "name", "kind"),
    [
        (False, "mutated-sign", "setting"),
        (True, "mutated-sign-small", "mutation"),
        (True, "without-zero", "control"),
    ],
)
def test_the_kind_was_in_the_name_of_the_case(control: bool, name: str, kind: str) -> None:
    assert upgraded_case({"control": control, "case": name})["kind"] == kind


def test_the_place_was_in_the_citation() -> None:
    new = upgraded_case({"citation": 'A. Author, "On (2019) toys", Venue (2020), section 2, Figure 3'})
    assert (new["reference"], new["year"], new["place"]) == (
        'A. Author, "On (2019) toys", Venue (2020)',
        2020,
        "section 2, Figure 3",
    )
    bare = upgraded_case({"citation": "unpublished notes"})
    assert (bare["reference"], bare["year"], bare["place"]) == ("unpublished notes", None, "")


def test_what_was_drawn_is_told_of_no_training() -> None:
    ended = {"ended": "8 by steps at step 0", "a ended": "", "steps": "autograd", "b steps": "", "figure": "not drawn"}
    drawn = upgraded_case({"recipes": {"a": {"steps": 0}, "b": {"steps": 0}}, "settings": ended})
    assert (drawn["work"], drawn["settings"]) == ("drawn", {"figure": "not drawn"})
    mixed = upgraded_case({"recipes": {"a": {"steps": 0}, "b": {"steps": 9}}, "settings": ended})
    assert (mixed["work"], mixed["settings"]) == ("trained", ended)
    assert upgraded_case({})["work"] == ""


@pytest.mark.parametrize(
    ("repeat", "arguments"),
    [
        ("pytest claims -k 'a b' --seeds-from 7", ["claims", "-k", "a b"]),
        ("pytest --seeds-from 7", []),
        ("make claims", []),
        ("pytest 'claims --seeds-from 7", ["pytest 'claims"]),
    ],
)
def test_the_arguments_were_in_the_command(repeat: str, arguments: list[str]) -> None:
    assert upgraded_run({"repeat": repeat})["arguments"] == arguments


def test_a_limit_that_was_not_finite_is_none(tmp_path: Path, case) -> None:
    write_json(tmp_path / "a.json", replace(case("a", "b"), limits=[float("inf")], schema=2))
    assert read_case(tmp_path / "a.json").limits == []


@pytest.mark.parametrize("value", [None, 3, [], {"a": 1}, "x"])
@pytest.mark.parametrize("name", ["case", "citation", "tolerance", "limits", "recipes", "settings", "control"])
def test_foreign_values_are_left_to_the_checks(tmp_path: Path, case, name: str, value) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({**plain(case("a", "b")), "schema": 2, name: value}), encoding="utf-8")
    with contextlib.suppress(ValueError):  # and nothing else
        assert isinstance(read_case(path), CaseRecord)
