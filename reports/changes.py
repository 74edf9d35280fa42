"""Differences between a run and those before it, case by case.

Compared are runs at one scale. A case has at most one change, the first that fits of these:

    new        no earlier run has it
    broken     the run is red for it now, and was not
    fixed      the run was red for it, and it is as it has to be
    changed    another verdict or tolerance, or other values of the same seeds, beyond the rounding of floats
    drifted    its interval lies outside the range of the earlier runs' estimates
    slower     it took more than 1.5 times, and more than a second longer than, every earlier run that trained if this
               one did, or did not if it did not
    gone       the run before had it, and this one does not
    now run    the last run had not run it, and this one did: as its data are there now, say; it is otherwise compared
               with the last run that judged it
    not run    the other way round

The last two are counted and not listed: a machine without data, or one night's limit of time, is no change of a case.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gen_core.records import NOT_RUN, CaseRecord, standing

from .load import Loaded
from .wording import interval, moment, number, plural

KINDS = ("new", "gone", "fixed", "broken", "changed", "drifted", "slower", "now run", "not run")
COUNTED = ("now run", "not run")
"""Kinds of which only the number is told."""
SLOWER, SLOWER_BY = 1.5, 1.0
"""How many times as long, and how many seconds longer, a case must take to be called slower.

Where several processes train, which of the cases that share a training waits for it is chance: in few runs some are
called slower for that alone, and the more runs there are, the fewer.
"""

ROUNDING = 1e-6
"""Relative difference above which two values of one seed count as different."""


@dataclass(frozen=True)
class Change:
    """The difference between a case and its earlier runs.

    Attributes:
        kind: one of `KINDS`.
        text: the same in numbers, before -> after.
        verdict: whether its verdict is another; that of a new case is if the run is red for it.
        fails: whether the run is red for this case now.
    """

    kind: str
    text: str
    verdict: bool = False
    fails: bool = False


def kind_counts(found: Mapping[str, Change]) -> list[tuple[str, int]]:
    """Number of cases with each kind of change, in the order of `KINDS`; kinds without a case are left out."""
    counts = Counter(change.kind for change in found.values())
    return [(kind, counts[kind]) for kind in KINDS if counts[kind]]


def changes(before: Sequence[Loaded], now: Loaded) -> dict[str, Change]:
    """Compare every case of a run with the earlier runs that reached it, the last of them first of all.

    Args:
        before: runs at the same scale, oldest first.
        now: the run; what it did not reach is left out.

    Returns:
        Node id -> change, in the order of the run's cases; cases without a change are left out.
    """
    history: dict[str, list[CaseRecord]] = {}
    for loaded in before:
        for case in loaded.cases:
            if case.verdict is not None:
                history.setdefault(case.nodeid, []).append(case)
    compared = ((c.nodeid, _change(history.get(c.nodeid, []), c)) for c in now.cases if c.verdict is not None)
    return {nodeid: change for nodeid, change in compared if change}


def since(before: Sequence[Loaded], now: Loaded) -> dict[str, Change]:
    """The changes of a run since those before it, with the cases that are gone.

    A case is gone if the last run of the same command had it: a run of some claims alone does not lose the others.
    """
    same = [old for old in before if old.run.exit_status in (0, 1) and old.run.arguments == now.run.arguments]
    return changes(before, now) | (gone(same[-1], now) if same and not now.problems else {})


def gone(before: Loaded, now: Loaded) -> dict[str, Change]:
    """The cases of one run that another does not have."""
    here = {case.nodeid for case in now.cases}
    return {c.nodeid: Change("gone", f"was {outcome(c)}") for c in before.cases if c.nodeid not in here}


def tolerances_since(runs: Sequence[Loaded]) -> dict[str, str]:
    """Node id -> since which revision the tolerance of each case of the last run has been what it is, in words.

    Args:
        runs: those at the last one's scale are looked at, oldest first.
    """
    if not runs:
        return {}
    last = runs[-1]
    held = [
        (loaded.run, {case.nodeid: _expected(case) for case in loaded.cases if case.limits})
        for loaded in reversed(runs)
        if loaded.run.scale == last.run.scale
    ]
    told = {}
    for case in (case for case in last.cases if case.limits):
        same = []
        for run, expected in held:
            if expected.get(case.nodeid, _expected(case)) != _expected(case):
                break
            same += [run] if case.nodeid in expected else []
        since = same[-1]
        when, revision = moment(since.started), since.environment.get("revision")
        first = f"revision {revision} ({when})" if revision else when
        told[case.nodeid] = f"Tolerance unchanged since {first}, {plural(len(same), 'run')}."
    return told


def drift(before: Iterable[CaseRecord], now: CaseRecord) -> str:
    """In words, how a case's interval has left the range of earlier ones; empty if it has not.

    The range is that of the earlier estimates. Where a case is judged on its worst seed and has no interval, the span
    of its seeds stands for the interval, and that of all earlier seeds for the range.
    """
    point = now.low == now.high
    span = _span(now.values if point else [now.low, now.high])
    earlier = [c for c in before if c.estimate is not None]
    known = _span([v for c in earlier for v in (c.values if point else [c.estimate])])
    if not span or not known or (known[0] <= span[1] and span[0] <= known[1]):
        return ""
    what = "every seed" if point else "the interval"
    runs = plural(len(earlier), "earlier run")
    return (
        f"{what} [{number(span[0])}, {number(span[1])}] lies {'above' if span[0] > known[1] else 'below'} the range "
        f"of {runs}, [{number(known[0])}, {number(known[1])}]"
    )


def outcome(case: CaseRecord) -> str:
    """A verdict with its value and interval."""
    value = f" {number(case.estimate, 4)} {interval(case)}".rstrip() if case.estimate is not None else ""
    return standing(case).badge + value


def _change(before: list[CaseRecord], now: CaseRecord) -> Change | None:
    after, red = outcome(now), standing(now).attention
    if not before:
        return Change("new", after, verdict=red, fails=red)
    if now.verdict == NOT_RUN:
        return None if before[-1].verdict == NOT_RUN else Change("not run", f"{outcome(before[-1])} -> {after}")
    if before[-1].verdict == NOT_RUN:
        judged = [case for case in before if case.verdict != NOT_RUN]
        if red and not judged:
            return Change("broken", f"NOT RUN -> {after}", verdict=True, fails=True)
        return (_change(judged, now) if judged else None) or Change("now run", f"NOT RUN -> {after}")
    last = before[-1]
    was, outcomes = standing(last), f"{outcome(last)} -> {after}"
    if was != standing(now):
        kind = "changed" if red == was.attention else "broken" if red else "fixed"
        return Change(kind, outcomes, verdict=True, fails=red)
    if last.limits and now.limits and _expected(last) != _expected(now):
        what, one, other = "tolerance", last.tolerance, now.tolerance
        if one == other:  # in words
            what, one, other = "limits", _limits(last), _limits(now)
        return Change("changed", f"{what} {one} -> {other}; {outcomes}", fails=red)
    if moved := _moved(last, now):
        return Change("changed", f"{outcomes}; {moved}", fails=red)
    if drifted := drift(before, now):
        return Change("drifted", drifted, fails=red)
    alike = [c.seconds for c in before if bool(c.trained) == bool(now.trained)]
    if alike and now.seconds > max(SLOWER * max(alike), SLOWER_BY + max(alike)):
        return Change("slower", f"{max(alike):.1f} s -> {now.seconds:.1f} s", fails=red)
    return None


def _limits(case: CaseRecord) -> str:
    shown = (*case.limits, case.seed_limit)
    return f"{case.statistic} {case.direction} " + ", ".join(repr(limit) for limit in shown if limit is not None)


def _expected(case: CaseRecord) -> tuple[Any, ...]:
    return case.statistic, case.direction, case.limits, case.seed_direction, case.seed_limit


def _moved(before: CaseRecord, now: CaseRecord) -> str:
    """The difference of values of the same seeds, in words; empty without such seeds, or if equal up to rounding."""
    known = dict(zip(before.seeds, before.values, strict=False))
    pairs = [(known[s], v) for s, v in zip(now.seeds, now.values, strict=False) if s in known]
    apart = [(a, b) for a, b in pairs if _differ(a, b)]
    if not apart:
        return ""
    a, b = max(apart, key=lambda pair: abs((pair[0] or 0.0) - (pair[1] or 0.0)))
    return f"{len(apart)} of {len(pairs)} seeds have another value, at most {number(a, 4)} -> {number(b, 4)}"


def _differ(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is not b
    return abs(a - b) > ROUNDING * max(abs(a), abs(b))


def _span(values: Iterable[float | None]) -> tuple[float, float] | None:
    kept = [v for v in values if v is not None and math.isfinite(v)]
    return (min(kept), max(kept)) if kept else None
