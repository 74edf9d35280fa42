"""JUnit XML: what CI systems count, the numbers as properties, hostile text as text."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from reports.changes import Change
from reports.junit import junit
from reports.load import Loaded

HOSTILE = "</failure>]]> & \"'<script>alert(1)</script> \x00\x1b[2J\ud800 汉 " + "z" * 10_000


def read(loaded: Loaded, changes=None) -> ElementTree.Element:
    return ElementTree.fromstring(junit(loaded, changes or {}).encode())


def properties(element: ElementTree.Element) -> dict[str, str]:
    return {p.get("name", ""): p.get("value", "") for p in element.findall("properties/property")}


def test_what_makes_a_run_red_is_a_failure_and_an_error_an_error(run, cases) -> None:
    root = read(Loaded(run, cases))
    results = {
        case.get("name", "").partition("[")[2]: [child.tag for child in case if child.tag != "properties"]
        for case in root.iter("testcase")
    }
    assert results == {
        "gd]": [],
        "sgd]": [],
        "gd-without-zero]": [],  # a control, refuted
        "noisefree]": [],
        "wide]": [],  # declared as not reproduced
        "ridge]": ["failure"],
        "lasso]": ["failure"],  # inconclusive
        "mlp-true-labels]": ["failure"],  # a control that holds
        "mlp]": ["error"],
        "alexnet]": ["skipped"],
        "resnet]": ["skipped"],  # never reached
    }
    for element in (root, root[0]):
        counts = {name: element.get(name) for name in ("tests", "failures", "errors", "skipped", "time")}
        assert counts == {"tests": "11", "failures": "3", "errors": "1", "skipped": "2", "time": "872.000"}


def test_verdict_and_numbers_are_properties(run, cases) -> None:
    changed = {cases[3].nodeid: Change("broken", "HOLDS -> REFUTED")}
    root = read(Loaded(run, cases), changed)
    assert properties(root[0])["torch"] == "2.13.0"
    assert properties(root[0])["seeds_from"] == "1700"
    ridge = next(case for case in root.iter("testcase") if case.get("name") == "test_rate[ridge]")
    assert ridge.get("classname") == "claims.test_rate"
    found = properties(ridge)
    assert (found["verdict"], found["standing"], found["change"]) == ("REFUTED", "refuted", "broken: HOLDS -> REFUTED")
    assert (float(found["estimate"]), float(found["low"]), float(found["headroom"])) == (-0.51, -0.58, 3.4)
    assert (found["seeds"], found["tolerance"]) == ("16", "exponent in [-1.2, -0.8]")
    (failure,) = ridge.findall("failure")
    assert "the lower bound -0.58 of the mean exponent over 16 seeds is above -0.8" in failure.get("message", "")
    wide = next(case for case in root.iter("testcase") if case.get("name") == "test_width[wide]")
    assert properties(wide)["standing"] == "not reproduced"


@pytest.mark.parametrize("verdict", ["REFUTED", "ERROR", "NOT RUN", "HOLDS"])
def test_hostile_text_is_text(run, case, verdict: str) -> None:
    fields = ("citation", "title", "statement", "reason", "measured", "tolerance", "paper", "drops", "not_reproduced")
    record = case(HOSTILE, HOSTILE, verdict=verdict, **dict.fromkeys(fields, HOSTILE))
    run = replace(run, run=HOSTILE, command=HOSTILE, started=HOSTILE, environment={HOSTILE: HOSTILE})
    root = read(Loaded(run, [record]), {record.nodeid: Change("new", HOSTILE)})
    assert {element.tag for element in root.iter()} <= {
        *("testsuites", "testsuite", "testcase", "properties", "property", "failure", "error", "skipped")
    }
    shown = HOSTILE.replace("\x00", r"\x00").replace("\x1b", r"\x1b").replace("\ud800", r"\ud800")
    assert properties(next(root.iter("testcase")))["title"] == shown
    assert shown in properties(root[0])


def test_numbers_that_are_missing_are_left_out(run, case) -> None:
    record = case("norm", "gd", verdict="ERROR")
    found = properties(next(read(Loaded(run, [record])).iter("testcase")))
    assert "estimate" not in found
    assert found["seeds"] == "0"
