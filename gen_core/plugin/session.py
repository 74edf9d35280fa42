"""What the plugin knows of a run in one process: options, seeds, error budget, lab and the folder of records."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gen_core import device
from gen_core.claim import Case
from gen_core.errors import InvalidExperiment
from gen_core.experiment import describe
from gen_core.lab import Event, Lab
from gen_core.plugin.progress import ProgressFile
from gen_core.records import CaseRecord, Hypothesis, RunRecord, read_run, write_json
from gen_core.statistics import looks
from gen_core.store import Store

KEY = pytest.StashKey["Session"]()


def case_of(item: pytest.Item) -> Case | None:
    """The claim case behind a test, if it is one."""
    callspec = getattr(item, "callspec", None)
    case = callspec.params.get("run") if callspec else None
    return case if isinstance(case, Case) else None


@dataclass
class Session:
    """One process's view of a run of claims.

    Attributes:
        config: pytest's configuration.
        run: name of the run; `base` of its seeds, `fresh` if that was drawn from the date.
        worker: xdist's name of this process, "" without xdist and on its controller.
        items: the claim cases selected, after deselection.
        shares: cases that the error budget is split over.
    """

    config: pytest.Config
    run: str
    base: int
    fresh: bool
    worker: str
    began: float = field(default_factory=time.time)
    items: dict[str, Case] = field(default_factory=dict)
    shares: int = 0
    lab: Lab | None = None
    progress: ProgressFile | None = None
    report: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, config: pytest.Config) -> Session:
        """The session of a configuration; made at its first use, on a worker from what the controller sent."""
        if KEY not in config.stash:
            sent = getattr(config, "workerinput", {})
            now = datetime.now(UTC)
            chosen = config.getoption("seeds_from")
            base = int(now.strftime("%Y%m%d%H%M%S")) if chosen == "fresh" else int(chosen)
            config.stash[KEY] = cls(
                config,
                run=sent.get("gen_core_run", f"{now:%Y%m%d-%H%M%S}-{os.getpid()}"),
                base=sent.get("gen_core_base", base),
                fresh=chosen == "fresh",
                worker=sent.get("workerid", ""),
            )
        return config.stash[KEY]

    @property
    def report_dir(self) -> Path:
        """Where the report goes."""
        sent = getattr(self.config, "workerinput", {}).get("gen_core_report")
        return Path(sent) if sent else self.config.invocation_params.dir / self.config.getoption("report_dir")

    @property
    def records(self) -> Path:
        """The folder of this run's records."""
        return self.report_dir / "records" / self.run

    @property
    def scale(self) -> str:
        """The scale of this run."""
        return self.config.getoption("scale")

    @property
    def level(self) -> float:
        """A case's share of the error budget, per side."""
        return self.config.getoption("error_budget") / max(1, self.config.getoption("budget_over") or self.shares)

    def looks(self, case: Case) -> tuple[int, ...]:
        """Numbers of seeds at which a case is judged."""
        return looks(case.claim.first_look, self.config.getoption("max_seeds"))

    def plan(self) -> Lab:
        """Set the lab up for the selected cases, and write down which they are.

        Raises:
            UsageError: if the report's folder cannot be written, or the device is not there.
        """
        device.settle()
        try:
            where = device.resolve(self.config.getoption("device"))
        except InvalidExperiment as error:
            raise pytest.UsageError(str(error)) from None
        folder = self.config.rootpath / self.config.getoption("store")
        self.lab = Lab(Store(folder), where, self.base)
        self.lab.plan(
            (nodeid, experiment, self.looks(case)[0])
            for nodeid, case in self.items.items()
            for experiment in case.experiments(self.scale).values()
        )
        return self.lab

    def open(self) -> None:
        """Begin the records of this run, and let the lab tell its progress there.

        Raises:
            UsageError: if the report's folder cannot be written.
        """
        assert self.lab is not None
        writable(self.report_dir)
        self.progress = ProgressFile(self.records / "progress" / f"{self.worker or 'main'}.json")
        self.lab.progress = self.progress.update
        self.lab.finished = self._log
        if not (self.records / "cases.json").exists():
            write_json(self.records / "cases.json", [self.record(nodeid, case) for nodeid, case in self.items.items()])
        write_json(self.records / "run.json", self.run_record())

    def record(self, nodeid: str, case: Case) -> CaseRecord:
        """What is known of a case before it runs."""
        claim = case.claim
        return CaseRecord(
            nodeid=nodeid,
            claim=nodeid.partition("[")[0],
            case=case.name,
            paper=claim.cite.paper.key,
            citation=str(claim.cite),
            title=claim.title,
            statement=claim.statement,
            control=case.drops is not None,
            drops=case.drops.name if case.drops else "",
            not_reproduced=claim.not_reproduced if not case.drops else "",
            hypotheses=[
                Hypothesis(name=a.name, statement=a.statement, dropped=a == case.drops) for a in claim.assuming
            ],
            recipes=dict(describe(case.at(self.scale))),
            level=self.level,
            repeat=self.repeat(nodeid),
            worker=self.worker,
        )

    def repeat(self, nodeid: str) -> str:
        """The command that runs a case again as it ran here."""
        option = self.config.getoption
        capped = f" --max-seeds {option('max_seeds')}" if option("max_seeds") != 64 else ""
        budget = f" --error-budget {option('error_budget'):g}" if option("error_budget") != 0.01 else ""
        return (
            f"pytest '{nodeid}' --scale {self.scale} --seeds-from {self.base} --device {option('device')}"
            f" --budget-over {option('budget_over') or self.shares}{capped}{budget}"
        )

    def run_record(self, **ended: Any) -> RunRecord:
        """What is known of the run; after its end with `seconds`, `exit_status` and `trainings`."""
        option, arguments = self.config.getoption, list(self.config.invocation_params.args)
        kept = [
            a
            for i, a in enumerate(arguments)
            if not str(a).startswith("--seeds-from") and arguments[i - 1] != "--seeds-from"
        ]
        environment = device.environment(self.lab.device) if self.lab else {}
        return RunRecord(
            run=self.run,
            started=datetime.fromtimestamp(self.began, UTC).isoformat(timespec="seconds"),
            command=" ".join(["pytest", *map(str, arguments)]),
            repeat=" ".join(["pytest", *map(str, kept), f"--seeds-from {self.base}"]),
            scale=self.scale,
            device=environment.get("device", option("device")),
            seeds_from=self.base,
            fresh=self.fresh,
            budget=option("error_budget"),
            shares=option("budget_over") or self.shares,
            environment=environment,
            **ended,
        )

    def close(self, exit_status: int) -> bool:
        """End the records; False if no claim was selected. On the process with the terminal alone."""
        if not (self.records / "run.json").exists():
            return False
        record = read_run(self.records / "run.json")
        record.seconds, record.exit_status = time.time() - self.began, exit_status
        record.trainings = len(self.trainings())
        record.command, record.repeat = (fresh := self.run_record()).command, fresh.repeat
        write_json(self.records / "run.json", record)
        return True

    def trainings(self) -> list[dict[str, Any]]:
        """Every training of this run so far, in all its processes."""
        lines = [
            line for path in sorted(self.records.glob("trainings/*.jsonl")) for line in path.read_text().splitlines()
        ]
        return [json.loads(line) for line in lines if line.endswith("}")]

    def note(self) -> None:
        """Write down what this process has to say beside its records: damaged store entries."""
        assert self.lab is not None
        if self.lab.store.damaged:
            path = self.records / "notes" / f"{self.worker or 'main'}-{os.getpid()}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(self.lab.store.damaged) + "\n", encoding="utf-8")

    def notes(self) -> list[str]:
        """What the processes of this run had to say."""
        return [line for path in sorted(self.records.glob("notes/*.txt")) for line in path.read_text().splitlines()]

    def _log(self, event: Event) -> None:
        path = self.records / "trainings" / f"{self.worker or 'main'}-{os.getpid()}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(asdict(event)) + "\n")


def writable(folder: Path) -> None:
    """Check that a folder can be written, and leave no trace.

    Raises:
        UsageError: naming the folder.
    """
    made = [p for p in (folder, *folder.parents) if not p.exists()]
    probe = folder / f".{os.getpid()}.probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise pytest.UsageError(
            f"report directory {folder} cannot be written ({error.strerror}); expected a writable folder (--report-dir)"
        ) from None
    finally:
        for path in made:
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
