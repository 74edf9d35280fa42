"""The record of a claim case, and the record of the run that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gen_core.records.figure import Figure

SCHEMA = 2
"""Version of the fields below. 1 had no `formula` and `traceback` of a case, and no `store` of a run."""

HOLDS, REFUTED, INCONCLUSIVE, ERROR, NOT_RUN = "HOLDS", "REFUTED", "INCONCLUSIVE", "ERROR", "NOT RUN"


@dataclass(kw_only=True)
class Look:
    """One judgement: after how many seeds, with what interval, to what verdict."""

    seeds: int
    estimate: float
    low: float
    high: float
    verdict: str


@dataclass(kw_only=True)
class Hypothesis:
    """A declared hypothesis and the value it was checked with. `dropped` marks the one that a control drops.

    The control of an identity has its mutated measure in the place of a dropped hypothesis.
    """

    name: str
    statement: str
    checked: str = ""
    holds: bool | None = None
    dropped: bool = False


@dataclass(kw_only=True)
class CaseRecord:
    """One claim case (a setting of a claim, or a control of it) and what came out.

    Attributes:
        nodeid: pytest's id of the case; `claim` is the part before the bracket and `case` the part inside it.
        paper: key of the paper (also the pytest marker); `citation` its full reference with the place in it.
        title: the statement in one sentence; `statement` the whole of it, as the claim's docstring gives it.
        formula: the paper's formula in LaTeX; empty where it gives none.
        control: whether this is a control; then `drops` names the hypothesis that it drops, or the mutation of the
            measure that it runs with, and REFUTED is what it must be.
        not_reproduced: why the paper's statement does not come out here; empty for all other claims.
        verdict: HOLDS, REFUTED, INCONCLUSIVE, ERROR or NOT RUN; None where the case was selected and never reached.
        as_expected: whether the run may be green with this verdict (a refuted control is as expected).
        reason: what failed, in one line; for NOT RUN the command that gets the data.
        traceback: for ERROR and REFUTED the lines of the claim's own file that led there, and what they raised.
        measured: name of the measured quantity; `tolerance` the expectation in words, for example "<= 1e-10".
        limits: the limits of the expectation: [c], [a, b]; `direction` is "at most", "at least" or "between".
        estimate, low, high: the judged value and its interval at the level that the error budget leaves it.
        values: one value per seed, in the order of `seeds`.
        headroom: limit minus estimate in standard deviations of a seed, positive inside; None if not defined.
        seeds_needed: seeds that this headroom needs for a decision; None if not defined.
        level: this case's share of the error budget, per side, over all looks.
        recipes: name -> recipe of each experiment (nested builtins); `keys` -> the keys of the stored results.
        settings: checked facts of the run worth a line in the report (name -> text), for example what ended a training.
        trained: seeds of its experiments that were trained in this run (0 where all were in the store before).
        seconds: wall-clock time of the case.
        repeat: the command that repeats exactly this case.
    """

    nodeid: str
    claim: str
    case: str
    paper: str
    citation: str
    title: str
    statement: str
    formula: str = ""
    control: bool = False
    drops: str = ""
    not_reproduced: str = ""
    verdict: str | None = None
    as_expected: bool = False
    reason: str = ""
    traceback: str = ""
    measured: str = ""
    tolerance: str = ""
    limits: list[float] = field(default_factory=list)
    direction: str = ""
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    values: list[float] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    headroom: float | None = None
    seeds_needed: int | None = None
    level: float | None = None
    looks: list[Look] = field(default_factory=list)
    hypotheses: list[Hypothesis] = field(default_factory=list)
    recipes: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    figure: Figure | None = None
    trained: int = 0
    seconds: float = 0.0
    repeat: str = ""
    worker: str = ""
    schema: int = SCHEMA


@dataclass(kw_only=True)
class RunRecord:
    """One run of the suite: how it was called, where, and what it promises.

    Attributes:
        started: UTC time, ISO 8601. `seconds`, `exit_status` and `trainings` are 0, None and 0 until the run has ended.
        seeds_from: the base of the seeds; `repeat` is the command with it.
        budget: chance of any false verdict per side in this run; `shares` the number of cases that it is split over.
        store: folder of the stored results, from the root directory.
        environment: name -> version or setting (python, torch, device, threads, ...).
    """

    run: str
    started: str
    command: str
    repeat: str
    scale: str
    device: str
    seeds_from: int
    fresh: bool
    budget: float
    shares: int = 0
    store: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    exit_status: int | None = None
    trainings: int = 0
    schema: int = SCHEMA
