"""The record of a claim case, and the record of the run that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from gen_core.records.figure import Figure
from gen_core.records.standing import standing
from gen_core.records.statement import PaperRecord
from gen_core.records.vocabulary import Direction, Kind, Statistic, Verdict, Work

SCHEMA = 3
"""Version of the fields below.

Schema 1 had no `formula` and `traceback` of a case, and no `store` of a run. Schema 2 had only sentences for the fields
`kind`, `reference`, `place`, `year`, `statistic`, `share`, `seed_limit`, `seed_direction` and `work` of a case, and
`arguments` of a run. Both are still read; see `gen_core.records.upgrade`.
"""


@dataclass(kw_only=True)
class Look:
    """One judgement: number of seeds, estimate and interval, verdict. Values that were not finite are None."""

    seeds: int
    estimate: float | None
    low: float | None
    high: float | None
    verdict: Verdict


@dataclass(kw_only=True)
class Hypothesis:
    """A declared hypothesis and its checked values. `dropped` marks the one that a control drops.

    The control of an identity has its mutated measure in place of a dropped hypothesis.
    """

    name: str
    statement: str
    checked: str = ""
    holds: bool | None = None
    dropped: bool = False


@dataclass(kw_only=True)
class CaseRecord:
    """One claim case (a setting or a control of a claim) and its outcome.

    Sentences are for people: `title`, `statement`, `citation`, `tolerance`, `reason`. No code should parse them, since
    all facts have fields of their own.

    Attributes:
        nodeid: pytest's id of the case; `claim` is the part before the bracket and `case` the part inside it.
        kind: "setting"; "control", which drops a hypothesis; or "mutation", which uses a wrong measure. For the last
            two `drops` names the hypothesis or the mutation, and the verdict must be REFUTED.
        paper: key of the paper (also the pytest marker); `reference` its authors, title and year in words, `place` the
            place of the statement in it, `citation` both; `year` is None where it is unknown. `statements` are the ids
            of the statements of the paper's list that the claim tests.
        title: the statement in one sentence; `statement` in full, as in the claim's docstring.
        formula: the paper's formula in LaTeX; empty where it gives none.
        not_reproduced: why the paper's statement is not reproduced here; empty for all other claims.
        work: "trained"; "drawn", for networks at initialization; or "computed", without a model.
        verdict: HOLDS, REFUTED, INCONCLUSIVE, ERROR or NOT RUN; None if the case was selected and never reached.
        reason: what failed, in one line; for NOT RUN the command that downloads the data.
        traceback: for ERROR and REFUTED, the lines of the claim's own file in the traceback, and the exception.
        measured: name of the measured quantity as plain text; `typeset` is the same with its formulas in LaTeX between
            dollar signs, empty where it has none; `tolerance` is the expectation in words, for example "<= 1e-10".
        statistic: the judged statistic over seeds: "mean", "worst", "share", "median", "exponent" or "trend"; empty
            before the first judgement.
        limits: the limits of that statistic: [c] or [a, b]; `direction` is "at most", "at least" or "between".
        share: for the statistic "share", the required share of seeds, else None. A seed counts if its value is
            `seed_direction` ("at most" or "at least") `seed_limit`.
        estimate, low, high: the judged value and its interval at the case's share of the error budget; None if not
            finite.
        scale: for a mean judged on a scale, the name of the scale, for example "-log(1 - x)"; `scaled` are the estimate
            and its bounds there. Estimate, bounds, limits and values are in plain units. "" and [] otherwise.
        values: one value per seed, in the order of `seeds`; None if not finite.
        headroom: limit minus estimate in standard deviations of one seed, positive inside; None if not defined.
        seeds_needed: number of seeds needed for a decision at this headroom; None if not defined.
        level: this case's share of the error budget, per side, over all looks.
        recipes: name -> recipe of each experiment (nested builtins); `keys` -> the keys of the stored results.
        settings: other facts for the report (name -> text), for example what ended a training.
        trained: number of seeds of its experiments that were trained in this run (0 if all were in the store).
        seconds: wall-clock time of the case.
        repeat: the command that repeats exactly this case.
    """

    DERIVED: ClassVar[tuple[str, ...]] = ("control", "as_expected")
    """Properties that are written with the fields but not read back, since the fields determine them."""

    nodeid: str
    claim: str
    case: str
    kind: Kind = "setting"
    paper: str
    citation: str
    reference: str = ""
    place: str = ""
    year: int | None = None
    statements: list[str] = field(default_factory=list)
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
    typeset: str = ""
    tolerance: str = ""
    statistic: Statistic | Literal[""] = ""
    limits: list[float] = field(default_factory=list)
    direction: Direction | Literal[""] = ""
    scale: str = ""
    scaled: list[float | None] = field(default_factory=list)
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
        """Whether this is a control, of either kind, whose verdict must be REFUTED."""
        return self.kind != "setting"

    @property
    def as_expected(self) -> bool:
        """Whether a run with this case may be green; see `standing`."""
        return standing(self).green


@dataclass(kw_only=True)
class RunRecord:
    """One run of the suite: its command, its environment, and its error budget.

    Attributes:
        started: UTC time, ISO 8601. `seconds`, `exit_status` and `trainings` are 0, None and 0 until the run has ended.
        command: the command line as given; `arguments` are its arguments without those that choose seeds, so that runs
            of the same cases have the same ones.
        seeds_from: the base of the seeds; `repeat` is the command with it.
        budget: chance of any false verdict per side in this run; `shares` is the number of cases it is split over.
        store: folder of the stored results, from the root directory.
        environment: name -> version or setting (python, torch, device, threads, ...).
        papers: the papers of all claims that were collected, selected or not, with the lists of their statements.
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
    papers: list[PaperRecord] = field(default_factory=list)
    seconds: float = 0.0
    exit_status: int | None = None
    trainings: int = 0
    schema: int = SCHEMA

    def chance(self, cases: int) -> float:
        """Chance of any false verdict per side in this number of cases, which may be more than the budget is for."""
        return max(self.budget, self.budget / max(self.shares, 1) * cases)
