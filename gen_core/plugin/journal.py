"""The folder of one run's records: what its processes write there, and how it is closed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gen_core.lab import Event
from gen_core.records import CaseRecord, RunRecord, read_run, write_attempt, write_json

RUNS_KEPT = 20
"""Runs whose records stay in a report folder; older ones are removed when a run ends."""


@dataclass
class Journal:
    """Records of one run, written by one of its processes.

    Attributes:
        folder: the run's folder; nothing is made there before `begin`.
        writer: the process: xdist's name of it, "main" without xdist.
    """

    folder: Path
    writer: str

    @property
    def begun(self) -> bool:
        """Whether a process has found claims and begun the records."""
        return (self.folder / "run.json").exists()

    @property
    def progress(self) -> Path:
        """Folder of the files in which processes say what they train."""
        return self.folder / "progress"

    def begin(self, run: RunRecord, cases: Sequence[CaseRecord]) -> None:
        """Write down what is going to be run; every worker writes the same, so that none has to outlive another."""
        write_json(self.folder / "cases.json", list(cases))
        write_json(self.folder / "run.json", run)

    def attempt(self, record: CaseRecord) -> None:
        """Keep the record of one attempt; of several attempts of a case the last one counts."""
        write_attempt(self.folder, record)

    def training(self, event: Event) -> None:
        """Log a finished training."""
        self._append("trainings", json.dumps(asdict(event)))

    def trainings(self) -> list[Event]:
        """The trainings of this run so far, in all its processes."""
        return [Event(**json.loads(line)) for line in self._read("trainings")]

    def note(self, lines: list[str]) -> None:
        """Keep what this process has to say beside its records, and empty the list."""
        while lines:
            self._append("notes", lines.pop(0))

    def notes(self) -> list[str]:
        """What the processes of this run had to say."""
        return self._read("notes")

    def _read(self, kind: str) -> list[str]:
        """Every process's lines of a kind; one that a kill has cut off is left out."""
        texts = [path.read_text(encoding="utf-8") for path in sorted(self.folder.glob(f"{kind}/*.jsonl"))]
        return [line[:-1] for text in texts for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def close(self, **ended: Any) -> None:
        """End the records: `seconds` and `exit_status` of the run. On the process with the terminal alone."""
        record = read_run(self.folder / "run.json")
        for name, value in ended.items():
            setattr(record, name, value)
        record.trainings = len(self.trainings())
        write_json(self.folder / "run.json", record)
        shutil.rmtree(self.progress, ignore_errors=True)
        runs = sorted(path for path in self.folder.parent.iterdir() if (path / "run.json").exists())
        for old in runs[:-RUNS_KEPT]:
            shutil.rmtree(old, ignore_errors=True)

    def _append(self, kind: str, line: str) -> None:
        path = self.folder / kind / f"{self.writer}-{os.getpid()}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as out:
            out.write(line + "\n")
