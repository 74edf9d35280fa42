"""The journal: the folder of one run's records, written by its processes and closed at its end."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from gen_core.lab import Event
from gen_core.plugin.identity import utc_now
from gen_core.records import CaseRecord, RunRecord, built_case, plain, read_cases, read_run, write_attempt, write_json

RUNS_KEPT = 20
"""Runs whose records stay in a report folder; older ones are removed when a run ends."""

SILENT = 24 * 3600.0
"""Seconds after its last record for which a run without an exit status counts as going on."""


@dataclass
class Journal:
    """Records of one run, written by one of its processes.

    Attributes:
        folder: the run's folder; it is not created before `begin`.
        writer: name of the process: xdist's name of the worker, or "main".
        cases: node id -> last record of a case that this process has written or heard of.
        unwritten: why records could not be written, one line each.
    """

    folder: Path
    writer: str
    cases: dict[str, CaseRecord] = field(default_factory=dict)
    unwritten: list[str] = field(default_factory=list)
    _seeds: Counter[str] = field(default_factory=Counter)
    _trainings: int = 0
    _experiments: set[str] = field(default_factory=set)
    _read_to: dict[Path, int] = field(default_factory=dict)

    @property
    def begun(self) -> bool:
        """Whether a process has found claims and begun the records."""
        return bool(self.cases) or (self.folder / "run.json").exists()

    @property
    def progress(self) -> Path:
        """Folder of the processes' progress files."""
        return self.folder / "progress"

    def begin(self, run: RunRecord, cases: Sequence[CaseRecord]) -> None:
        """Write the selected cases and the run; every worker writes the same, so that none depends on another.

        Raises:
            OSError: if they cannot be written.
        """
        write_json(self.folder / "cases.json", list(cases))
        write_json(self.folder / "run.json", run)

    def attempt(self, record: CaseRecord) -> None:
        """Write the record of one attempt; of several attempts at a case the last one counts."""
        self.cases[record.nodeid] = record
        with self._writing():
            write_attempt(self.folder, record)

    def tell(self, record: CaseRecord) -> str:
        """A record, and what could not be written, as text for the process with the terminal; figures stay here."""
        return json.dumps([plain(replace(record, figure=None)), self.unwritten])

    def hear(self, told: str) -> None:
        """Keep what another process has told, which stands even where the disk is full."""
        entry, unwritten = json.loads(told)
        record = built_case(entry, self.folder)
        self.cases[record.nodeid] = record
        self.unwritten += [line for line in unwritten if line not in self.unwritten]

    def training(self, event: Event) -> None:
        """Log a finished training."""
        self._append("trainings", json.dumps(asdict(event)))

    def events(self) -> Iterator[Event]:
        """The trainings of all processes of this run that have not been read yet."""
        for line in self._new_lines("trainings"):
            with contextlib.suppress(ValueError, TypeError):  # two halves of lines, where a full disk cut the first
                yield Event(**json.loads(line))

    def trained(self, keys: Iterable[str]) -> int:
        """Number of seeds that all processes of this run have trained for some keys so far."""
        for event in self.events():
            self._seeds[event.key] += event.seeds
            self._trainings += 1
            self._experiments.add(event.experiment)
        return sum(self._seeds[key] for key in keys)

    def trained_in_words(self) -> str:
        """What all processes of this run have trained so far, in one line."""
        self.trained(())
        blocks, experiments = self._trainings, len(self._experiments)
        counts = f"{blocks} block{'s' * (blocks != 1)} of seeds of {experiments} experiment{'s' * (experiments != 1)}"
        return f"trained: {f'{counts}, beside what was in the store' if blocks else 'nothing new'}"

    def note(self, lines: list[str]) -> None:
        """Write notes of this process for the end of the run, and empty the list."""
        while lines:
            self._append("notes", lines.pop(0))

    def notes(self) -> list[str]:
        """The notes of all processes of this run that have not been read yet, each once."""
        return list(dict.fromkeys(self._new_lines("notes")))

    def outcome(self) -> list[CaseRecord]:
        """The last record of every selected case; one that was never reached has no verdict."""
        selected: list[CaseRecord] = []
        with self._writing("read"):
            selected = read_cases(self.folder / "cases.json")
        return list(({case.nodeid: case for case in selected} | self.cases).values())

    def close(self, run: RunRecord, seconds: float, exit_status: int) -> None:
        """Close the records with the time and the exit status; only in the process with the terminal."""
        self.trained(())
        run.seconds, run.exit_status, run.trainings = seconds, exit_status, self._trainings
        with self._writing():
            write_json(self.folder / "run.json", run)
        shutil.rmtree(self.progress, ignore_errors=True)
        if not self.folder.is_dir():
            return
        others = sorted(p for p in self.folder.parent.iterdir() if p != self.folder and (p / "run.json").exists())
        for old in others[: -(RUNS_KEPT - 1)]:
            if not _going_on(old):
                shutil.rmtree(old, ignore_errors=True)

    def _new_lines(self, kind: str) -> Iterator[str]:
        """The lines of a kind that were not read yet, of all processes; one cut off by a kill is left out."""
        for path in sorted(self.folder.glob(f"{kind}/*.jsonl")):
            with path.open("rb") as file:
                file.seek(self._read_to.get(path, 0))
                for line in file:
                    if line.endswith(b"\n"):
                        self._read_to[path] = self._read_to.get(path, 0) + len(line)
                        yield line.decode("utf-8")[:-1]

    def _append(self, kind: str, line: str) -> None:
        path = self.folder / kind / f"{self.writer}-{os.getpid()}.jsonl"
        with self._writing():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as out:
                out.write(line + "\n")

    @contextlib.contextmanager
    def _writing(self, what: str = "written") -> Iterator[None]:
        """Let no record cost a verdict: what cannot be written is said once, at the end of the run."""
        try:
            yield
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            line = f"--report-dir {self.folder.parents[1]}: records cannot be {what} ({reason})"
            if line not in self.unwritten:
                self.unwritten.append(line)


def _going_on(folder: Path) -> bool:
    """Whether a run may not have ended yet: one without an exit status that has written something within a day."""
    try:
        ended = read_run(folder / "run.json").exit_status is not None
        last = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except (OSError, ValueError):  # another process removes it, or it is no run's
        return False
    return not ended and utc_now().timestamp() - last < SILENT
