"""A run as JUnit XML, for CI systems: one test suite, one test case per claim case, verdict and numbers as properties.

What makes a run red is a failure, an ERROR an error, and what was not run or not reached is skipped. A refuted control
passes, and so does a claim that is declared as not reproduced; their properties say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree

from gen_core.records import ERROR, CaseRecord, standing

from .changes import Change
from .escaping import visible
from .explanations import explanation
from .load import Loaded

NUMBERS = ("share", "seed_limit", "estimate", "low", "high", "headroom", "seeds_needed", "level")


def junit(loaded: Loaded, changes: Mapping[str, Change]) -> str:
    """The XML of a run. Characters that XML cannot hold are written as their escapes."""
    cases = sorted(loaded.cases, key=lambda case: case.nodeid)
    kinds = [_result(case) for case in cases]
    totals = {
        "tests": str(len(cases)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
        "time": f"{loaded.run.seconds:.3f}",
    }
    root = ElementTree.Element("testsuites", totals)
    run = loaded.run
    suite = ElementTree.SubElement(root, "testsuite", {"name": "claims", "timestamp": visible(run.started), **totals})
    _properties(
        suite,
        {
            "run": run.run,
            "command": run.command,
            "scale": run.scale,
            "device": run.device,
            "seeds_from": str(run.seeds_from),
            "budget": repr(run.budget),
            **run.environment,
        },
    )
    for case, kind in zip(cases, kinds, strict=True):
        _case(suite, case, kind, changes.get(case.nodeid))
    ElementTree.indent(root, " ")
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _case(suite: ElementTree.Element, case: CaseRecord, kind: str, change: Change | None) -> None:
    file, _, name = case.nodeid.partition("::")
    place = {"classname": file.removesuffix(".py").replace("/", "."), "name": name or file}
    written = {key: visible(value) for key, value in place.items()}
    test = ElementTree.SubElement(suite, "testcase", {**written, "time": f"{case.seconds:.3f}"})
    numbers = {name: getattr(case, name) for name in NUMBERS}
    _properties(
        test,
        {
            "verdict": case.verdict or "",
            "standing": standing(case).name,
            "paper": case.paper,
            "title": case.title,
            "place": case.place,
            "kind": case.kind,
            "control": "true" if case.control else "",
            "drops": case.drops,
            "not_reproduced": case.not_reproduced,
            "measured": case.measured,
            "tolerance": case.tolerance,
            "statistic": case.statistic,
            "direction": case.direction,
            "limits": " ".join(map(repr, case.limits)),
            **{name: repr(value) for name, value in numbers.items() if value is not None},
            "seeds": str(len(case.values)),
            "change": f"{change.kind}: {change.text}" if change else "",
        },
    )
    if kind:
        message = visible(" ".join(part for part in (explanation(case), case.reason) if part))
        ElementTree.SubElement(test, kind, {"message": message, "type": standing(case).name}).text = visible(
            case.reason
        )


def _properties(element: ElementTree.Element, values: dict[str, str]) -> None:
    """Name and value of each that has one."""
    holder = ElementTree.SubElement(element, "properties")
    for name, value in values.items():
        if value:
            ElementTree.SubElement(holder, "property", {"name": visible(name), "value": visible(value)})


def _result(case: CaseRecord) -> str:
    """The element that says how a case ended; empty for one that has passed."""
    if case.verdict == ERROR:
        return "error"
    place = standing(case)
    if place.name in ("not run", "not reached"):
        return "skipped"
    return "failure" if place.attention else ""
