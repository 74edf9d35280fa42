"""Diagnosis of a failed case: the first failure, the nearest setting that passes, and the call that loads its run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gen_core.records import ERROR, HOLDS, INCONCLUSIVE, REFUTED, CaseRecord, RunRecord, standing

from .explanations import outside
from .wording import number, recipe_of, tolerance


@dataclass(frozen=True)
class Difference:
    """One field of a recipe: its path, its value in the failed case, and its value in the passing one."""

    field: str
    here: str
    there: str


@dataclass(frozen=True)
class Nearest:
    """The case whose recipe differs in the fewest fields, and these fields."""

    case: CaseRecord
    differences: list[Difference]


def first_failures(case: CaseRecord) -> list[str]:
    """The first failures, one sentence each: hypothesis, look, seed. Empty if the record does not have them."""
    sentences = []
    for hypothesis in case.hypotheses:
        if hypothesis.holds is not None and hypothesis.holds == hypothesis.dropped:
            broken = "does not hold" if not hypothesis.dropped else "is to be dropped here and still holds"
            sentences.append(f"Hypothesis “{hypothesis.name}” {broken}: {hypothesis.checked or hypothesis.statement}.")
            break
    wanted = REFUTED if case.control else HOLDS
    looks = [look for look in case.looks if look.verdict != wanted]
    if looks:
        look = looks[0]
        sentences.append(
            f"The first look that did not come to {wanted} was at {look.seeds} seeds: "
            f"{look.verdict}, {number(look.estimate, 4)} in [{number(look.low, 4)}, {number(look.high, 4)}]."
        )
    seeds = [(s, v) for s, v in zip(case.seeds, case.values, strict=False) if v is None or outside(case, v)]
    if seeds and case.verdict in (REFUTED, INCONCLUSIVE, ERROR) and not case.control:
        seed, value = seeds[0]
        sentences.append(
            f"The first seed outside the tolerance {tolerance(case.tolerance)} is {seed}, with {number(value, 6)}; "
            f"{len(seeds)} of {len(case.values)} seeds are outside it."
        )
    return sentences


def nearest(case: CaseRecord, others: Sequence[CaseRecord]) -> Nearest | None:
    """The nearest passing case of the same claim and kind, by the number of fields that differ."""
    good = "control refuted" if case.control else "holds"
    found = [
        Nearest(other, _differences(_recipes(case), _recipes(other)))
        for other in others
        if other.nodeid != case.nodeid and other.recipes and standing(other).name == good
    ]
    return min(found, key=lambda near: (len(near.differences), near.case.nodeid), default=None)


def _recipes(case: CaseRecord) -> dict[str, Any]:
    return {name: recipe_of(recipe, case.work) for name, recipe in case.recipes.items()}


def _differences(here: Any, there: Any) -> list[Difference]:
    ours, theirs = _fields(here), _fields(there)
    return [
        Difference(field, ours.get(field, "–"), theirs.get(field, "–"))
        for field in dict.fromkeys([*ours, *theirs])
        if ours.get(field) != theirs.get(field)
    ]


def _fields(value: Any, place: str = "") -> dict[str, str]:
    """Path -> value, for every plain value of a recipe."""
    if isinstance(value, dict) and value:
        parts = value.items()
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        parts = enumerate(value)
    else:
        return {place: str(value)}
    return {k: v for name, item in parts for k, v in _fields(item, f"{place}.{name}" if place else str(name)).items()}


def loading(case: CaseRecord, run: RunRecord) -> str:
    """Python code that loads the run of a case as in this run; "" if its id names no test."""
    path, _, test = case.claim.partition("::")
    if not path.endswith(".py") or not test:
        return ""
    chosen = {"scale": run.scale, "seeds": len(case.values) or None, "seeds_from": run.seeds_from}
    arguments = ", ".join(f"{name}={value!a}" for name, value in chosen.items() if value is not None)
    where = ", ".join(f"{name}={value!a}" for name, value in (("device", run.device), ("store", run.store)) if value)
    return "\n".join(
        [
            "import gen_core",
            "",
            f"run = gen_core.load({f'{case.claim}[{case.case}]'!a},",
            f"                    {arguments}, {where})",
        ]
    )
