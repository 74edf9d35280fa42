"""Upgrade of records of schemas 1 and 2: facts that they have only in sentences are parsed here, and nowhere else.

Entries are mappings from a file or from a row of the history, with any values: those that do not fit a record are left
for `gen_core.records.checks` to reject.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from gen_core.records.case import SCHEMA

_LIMIT = re.compile(r"(<=|>=) (\S+) in at least ")
_CITATION = re.compile(r"(.*?\((\d{4})\)), (.*)", re.DOTALL)
_OF_TRAINING = re.compile(r"(.* )?(ended|steps)", re.DOTALL)


def upgraded_case(entry: dict[str, Any]) -> dict[str, Any]:
    """A case of schema 1 or 2 with the fields of today."""
    tolerance = _text(entry, "tolerance")
    statistic = _statistic(tolerance)
    limit = _LIMIT.match(tolerance) if statistic == "share" else None
    limits = entry.get("limits")
    if isinstance(limits, list) and None in limits:  # was not finite, which is no limit
        entry, limits = {**entry, "limits": []}, []
    work = _work(entry.get("recipes"))
    kind = "setting"
    if entry.get("control"):
        kind = "mutation" if _text(entry, "case").startswith("mutated-") else "control"
    added = {
        "kind": kind,
        "statistic": statistic,
        "share": limits[0] if statistic == "share" and isinstance(limits, list) and limits else None,
        "seed_limit": _number(limit[2]) if limit else None,
        "seed_direction": {"<=": "at most", ">=": "at least"}[limit[1]] if limit else "",
        "work": work,
        "schema": SCHEMA,
    }
    settings = entry.get("settings")
    if work == "drawn" and isinstance(settings, dict):
        added["settings"] = {name: text for name, text in settings.items() if not _OF_TRAINING.fullmatch(str(name))}
    return {**entry, **_source(_text(entry, "citation")), **added}


def upgraded_run(entry: dict[str, Any]) -> dict[str, Any]:
    """A run of schema 1 or 2 with the fields of today."""
    command, found, _ = _text(entry, "repeat").rpartition(" --seeds-from ")
    try:
        arguments = shlex.split(command)[1:]
    except ValueError:  # not written by a run
        arguments = [command]
    return {**entry, "arguments": arguments if found else [], "schema": SCHEMA}


def _statistic(tolerance: str) -> str:
    if tolerance.endswith("in every seed"):
        return "worst"
    if tolerance.endswith("of seeds"):
        return "share"
    if tolerance.startswith("exponent"):
        return "exponent"
    if tolerance.startswith("rank correlation"):
        return "trend"
    return "mean" if tolerance else ""


def _source(citation: str) -> dict[str, Any]:
    """The reference of a paper, up to its year, the year, and the place in it."""
    found = _CITATION.fullmatch(citation)
    if not found:
        return {"reference": citation, "year": None, "place": ""}
    return {"reference": found[1], "year": int(found[2]), "place": found[3]}


def _work(recipes: Any) -> str:
    if not isinstance(recipes, Mapping) or not recipes:
        return ""
    steps = [recipe.get("steps") for recipe in recipes.values() if isinstance(recipe, Mapping)]
    return "drawn" if steps and all(number == 0 for number in steps) else "trained"


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
