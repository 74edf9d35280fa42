"""The plugin's state in one process of a run: options, seeds, error budget, lab and journal."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from gen_core.assuming import Assumption
from gen_core.declaration import Case
from gen_core.experiment import Experiment
from gen_core.form import Form
from gen_core.lab import Lab, Store
from gen_core.papers import Paper
from gen_core.plugin.engine import engine_of
from gen_core.plugin.identity import Identity
from gen_core.plugin.journal import Journal
from gen_core.plugin.options import ERROR_BUDGET, Options, default_report, on_worker, writable
from gen_core.plugin.progress import ProgressFile
from gen_core.records import CaseRecord, Hypothesis, RunRecord, Work, read_run
from gen_core.records.ignored import make_ignored
from gen_core.run import Mutation
from gen_core.settings import describe
from gen_core.training import device

_KEY = pytest.StashKey["Session"]()

Asked = tuple[Assumption, str, int]
"""A hypothesis, the state of an experiment (`state_of`), and a seed."""


def case_of(item: pytest.Item) -> Case | None:
    """The claim case behind a test, if it is one."""
    callspec = getattr(item, "callspec", None)
    case = callspec.params.get("run") if callspec else None
    return case if isinstance(case, Case) else None


def work_of(experiments: Iterable[Experiment]) -> Work:
    """How the values of some experiments are obtained: "trained" if any of them is trained."""
    whole = list(experiments)
    if any(experiment.steps for experiment in whole):
        return "trained"
    return "drawn" if any(experiment.model is not None for experiment in whole) else "computed"


@dataclass
class Session:
    """One process's view of a run of claims.

    Attributes:
        config: pytest's configuration; `options` are this plugin's part of it.
        run: name of the run.
        base: base of its seeds.
        arguments: the command line, without the program.
        journal: the folder of its records.
        began: start time of this process.
        items: the selected claim cases, after deselection.
        shares: number of cases collected before deselection, which the error budget is split over by default, so that a
            verdict does not depend on the selection.
        papers: those of the collected claims, by key, with the ids of the statements that these test.
        whole: whether no file and no test beside the collected ones was left out.
        left_out: cases that do not fit into `--within`, with the reason.
        lab: the lab, set up once the selection is known.
        checked: what hypotheses say, once they have been asked.
        unkept: keeps this of the case that runs, once it is trained.
    """

    config: pytest.Config
    run: str
    base: int
    arguments: list[str]
    journal: Journal
    options: Options
    began: datetime
    items: dict[str, Case] = field(default_factory=dict)
    shares: int = 0
    papers: dict[str, tuple[Paper, set[str]]] = field(default_factory=dict)
    whole: bool = True
    left_out: dict[str, str] = field(default_factory=dict)
    lab: Lab | None = None
    checked: dict[Asked, tuple[bool, str]] = field(default_factory=dict)
    unkept: list[Callable[[], None]] = field(default_factory=list)

    @classmethod
    def of(cls, config: pytest.Config) -> Session:
        """The session of a configuration, created on first use."""
        if _KEY not in config.stash:
            known = Identity.of(config)
            journal = Journal(known.records, known.writer)
            config.stash[_KEY] = cls(
                config, known.run, known.base, known.arguments, journal, Options.of(config), known.began
            )
        return config.stash[_KEY]

    @property
    def scale(self) -> str:
        """The scale of this run."""
        return self.options.scale

    @property
    def budget_cases(self) -> int:
        """Number of cases that the error budget is split over."""
        return self.options.budget_over or max(1, self.shares)

    @property
    def level(self) -> float:
        """A case's share of the error budget, per side."""
        return self.options.error_budget / self.budget_cases

    def looks(self, case: Case) -> tuple[int, ...]:
        """Numbers of seeds at which a case is judged; those of a mean where the form of its expectation is unknown."""
        form, claim = case.claim.form or Form(""), case.claim
        holds = case.drops is None and not case.not_reproduced(self.scale)
        return form.looks(self.level, claim.first_look, self.options.max_seeds, holds=holds)

    def refusal(self, case: Case) -> str:
        """Why a case could never be decided in this run, in words; "" if it can."""
        form = case.claim.form
        return form.refusal(self.level, form.most(self.options.max_seeds)) if form else ""

    def plan(self) -> Lab:
        """Set the lab up for the selected cases."""
        device.fix_numerics()
        device.keep_freed_memory()
        store = Store(self.config.rootpath / self.options.store, self.options.locks)
        self.lab = Lab(store, device.resolve(self.options.device), self.base, keeps_measures=self.options.keep_measures)
        self.lab.plan(
            (nodeid, experiment, self.looks(case)[0])
            for nodeid, case in self.items.items()
            if nodeid not in self.left_out and not self.refusal(case)
            for experiment in case.experiments(self.scale).values()
        )
        return self.lab

    def open(self, lab: Lab) -> None:
        """Begin the records of this run, and have the lab report its progress and its trainings there.

        Raises:
            UsageError: if the report's folder cannot be written or is full, or the store cannot be written and lacks a
                training of a first look.
        """
        report = self.journal.folder.parents[1]
        writable(report, "--report-dir")
        try:
            writable(lab.store.root, "--store")
        except pytest.UsageError:
            if not lab.all_stored():
                raise
        lab.engine = engine_of(self.config, lab)
        lab.progress = ProgressFile(self.journal.progress / f"{self.journal.writer}.json")
        lab.finished = self.journal.training
        try:
            if report == default_report(self.config):  # one that was asked for may be there to be published
                make_ignored(report)
            self.journal.begin(self.run_record(), [self.record(nodeid, case) for nodeid, case in self.items.items()])
        except OSError as error:
            where = f"--report-dir {report}: records cannot be written"
            raise pytest.UsageError(f"{where} ({error.strerror}); expected room there, or another folder") from None

    def begun_run(self) -> RunRecord:
        """The record of the run as a process with claims has begun it."""
        try:
            return read_run(self.journal.folder / "run.json")
        except ValueError:
            return self.run_record()

    def record(self, nodeid: str, case: Case) -> CaseRecord:
        """The record of a case before it runs."""
        claim = case.claim
        hypotheses = [Hypothesis(name=a.name, statement=a.statement, dropped=a == case.drops) for a in claim.assuming]
        if isinstance(mutation := case.drops, Mutation):
            hypotheses.append(
                Hypothesis(
                    name=mutation.name,
                    statement=mutation.statement,
                    checked="the measure is mutated",
                    holds=False,
                    dropped=True,
                )
            )
        return CaseRecord(
            nodeid=nodeid,
            claim=nodeid.partition("[")[0],
            case=case.name,
            kind=case.kind,
            paper=claim.cite.paper.key,
            citation=str(claim.cite),
            reference=str(claim.cite.paper),
            place=claim.cite.place,
            year=claim.cite.paper.year,
            statements=list(claim.cite.statements),
            title=claim.title,
            statement=claim.statement,
            formula=claim.formula,
            drops=case.drops.name if case.drops else "",
            not_reproduced=case.not_reproduced(self.scale),
            work=work_of(case.experiments(self.scale).values()),
            hypotheses=hypotheses,
            recipes=dict(describe(case.at(self.scale))),
            level=self.level,
            repeat=self.repeat(nodeid),
            worker=self.journal.writer if on_worker(self.config) else "",
        )

    def repeat(self, nodeid: str) -> str:
        """The command that repeats a case exactly, from the root directory."""
        command = ["pytest", nodeid, "--scale", self.scale, "--seeds-from", str(self.base)]
        command += ["--device", self.options.device, "--budget-over", str(self.budget_cases)]
        if self.options.max_seeds is not None:
            command += ["--max-seeds", str(self.options.max_seeds)]
        if self.options.error_budget != ERROR_BUDGET:
            command += ["--error-budget", repr(self.options.error_budget)]
        if self.options.data_dir is not None:
            command += ["--data-dir", self.options.data_dir]
        return shlex.join(command)

    def run_record(self) -> RunRecord:
        """The record of the run before it has ended."""
        kept = [
            argument
            for before, argument in zip(["", *self.arguments], self.arguments, strict=False)
            if before != "--seeds-from" and not argument.startswith("--seeds-from")
        ]
        environment = device.environment(self.lab.device, self.config.rootpath) if self.lab else {}
        return RunRecord(
            run=self.run,
            started=self.began.isoformat(timespec="seconds"),
            command=shlex.join(["pytest", *self.arguments]),
            arguments=kept,
            repeat=shlex.join(["pytest", *kept, "--seeds-from", str(self.base)]),
            scale=self.scale,
            device=environment.get("device", self.options.device),
            seeds_from=self.base,
            fresh=self.options.seeds_from == "fresh",
            budget=self.options.error_budget,
            shares=self.budget_cases,
            store=self.options.store,
            environment=environment,
            papers=[paper.record(sorted(ids), self.whole) for paper, ids in self.papers.values()],
        )
