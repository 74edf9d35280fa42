"""The record of a claim case, and the record of the run that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from gen_core.records.figure import Figure
from gen_core.records.standing import standing
from gen_core.records.vocabulary import Direction, Kind, Statistic, Verdict, Work

SCHEMA = 3
"""Version of the fields below.

1 had no `formula` and `traceback` of a case, and no `store` of a run. 2 said in sentences alone what a case has in
`kind`, `reference`, `place`, `year`, `statistic`, `share`, `seed_limit`, `seed_direction` and `work`, and a run in
`arguments`. Both are read; see `gen_core.records.upgrade`.
"""


@dataclass(kw_only=True)
class Look:
    """One judgement: after how many seeds, with what interval, to what verdict. What was not finite is None."""

    seeds: int
    estimate: float | None
    low: float | None
    high: float | None
    verdict: Verdict


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

    Sentences are for people: `title`, `statement`, `citation`, `tolerance`, `reason`. Nothing is to be read out of
    them that has a field of its own.

    Attributes:
        nodeid: pytest's id of the case; `claim` is the part before the bracket and `case` the part inside it.
        kind: "setting", or "control" where a hypothesis is dropped, or "mutation" where the measure is a wrong one.
            Of the last two `drops` names the hypothesis or the mutation, and REFUTED is what they must be.
        paper: key of the paper (also the pytest marker); `reference` its authors, title and year in words, `place`
            where in it the statement is, `citation` both; `year` is None where it is not known.
        title: the statement in one sentence; `statement` the whole of it, as the claim's docstring gives it.
        formula: the paper's formula in LaTeX; empty where it gives none.
        not_reproduced: why the paper's statement does not come out here; empty for all other claims.
        work: "trained"; "drawn" where networks are taken as they are drawn; "computed" where there is no model.
        verdict: HOLDS, REFUTED, INCONCLUSIVE, ERROR or NOT RUN; None where the case was selected and never reached.
        reason: what failed, in one line; for NOT RUN the command that gets the data.
        traceback: for ERROR and REFUTED the lines of the claim's own file that led there, and what they raised.
        measured: name of the measured quantity; `tolerance` the expectation in words, for example "<= 1e-10".
        statistic: what of the seeds is judged: "mean", "worst", "share", "median", "exponent" or "trend"; empty before
            anything is judged.
        limits: the limits of that statistic: [c], [a, b]; `direction` is "at most", "at least" or "between".
        share: of a share the part of the seeds that is demanded, else None. A seed counts where its value is
            `seed_direction` ("at most" or "at least") `seed_limit`.
        estimate, low, high: the judged value and its interval at the level that the error budget leaves it; None
            where they are not finite.
        values: one value per seed, in the order of `seeds`; None where it is not finite.
        headroom: limit minus estimate in standard deviations of a seed, positive inside; None if not defined.
        seeds_needed: seeds that this headroom needs for a decision; None if not defined.
        level: this case's share of the error budget, per side, over all looks.
        recipes: name -> recipe of each experiment (nested builtins); `keys` -> the keys of the stored results.
        settings: checked facts of the run worth a line in the report (name -> text), for example what ended a training.
        trained: seeds of its experiments that were trained in this run (0 where all were in the store before).
        seconds: wall-clock time of the case.
        repeat: the command that repeats exactly this case.
    """

    DERIVED: ClassVar[tuple[str, ...]] = ("control", "as_expected")
    """What is written with the fields and not read back, since the fields say it."""

    nodeid: str
    claim: str
    case: str
    kind: Kind = "setting"
    paper: str
    citation: str
    reference: str = ""
    place: str = ""
    year: int | None = None
    title: str
    statement: str
    formula: str = ""
    drops: str = ""
    not_reproduced: str = ""
    work: Work | Literal[""] = ""
    verdict: Verdict | None = None
    reason: str = ""
    traceback: str = ""
    measured: str = ""
    tolerance: str = ""
    statistic: Statistic | Literal[""] = ""
    limits: list[float] = field(default_factory=list)
    direction: Direction | Literal[""] = ""
    share: float | None = None
    seed_limit: float | None = None
    seed_direction: Direction | Literal[""] = ""
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    values: list[float | None] = field(default_factory=list)
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

    @property
    def control(self) -> bool:
        """Whether this is a control, of either kind: REFUTED is what it must be."""
        return self.kind != "setting"

    @property
    def as_expected(self) -> bool:
        """Whether the run may be green with this case as it stands; see `standing`."""
        return standing(self).green


@dataclass(kw_only=True)
class RunRecord:
    """One run of the suite: how it was called, where, and what it promises.

    Attributes:
        started: UTC time, ISO 8601. `seconds`, `exit_status` and `trainings` are 0, None and 0 until the run has ended.
        command: the command line as it was given; `arguments` those of its arguments that do not choose seeds, which
            runs of the same cases share.
        seeds_from: the base of the seeds; `repeat` is the command with it.
        budget: chance of any false verdict per side in this run; `shares` the number of cases that it is split over.
        store: folder of the stored results, from the root directory.
        environment: name -> version or setting (python, torch, device, threads, ...).
    """

    run: str
    started: str
    command: str
    arguments: list[str] = field(default_factory=list)
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
