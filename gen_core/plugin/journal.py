"""The journal: the folder of one run's records, written by its processes and closed at its end."""

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
        folder: the run's folder; it is not created before `begin`.
        writer: name of the process: xdist's name of the worker, or "main".
    """

    folder: Path
    writer: str

    @property
    def begun(self) -> bool:
        """Whether a process has found claims and begun the records."""
        return (self.folder / "run.json").exists()

    @property
    def progress(self) -> Path:
        """Folder of the processes' progress files."""
        return self.folder / "progress"

    def begin(self, run: RunRecord, cases: Sequence[CaseRecord]) -> None:
        """Write the selected cases and the run; every worker writes the same, so that none depends on another."""
        write_json(self.folder / "cases.json", list(cases))
        write_json(self.folder / "run.json", run)

    def attempt(self, record: CaseRecord) -> None:
        """Write the record of one attempt; of several attempts at a case the last one counts."""
        write_attempt(self.folder, record)

    def training(self, event: Event) -> None:
        """Log a finished training."""
        self._append("trainings", json.dumps(asdict(event)))

    def trainings(self) -> list[Event]:
        """The trainings of this run so far, in all its processes."""
        return [Event(**json.loads(line)) for line in self._read("trainings")]

    def note(self, lines: list[str]) -> None:
        """Write notes of this process for the end of the run, and empty the list."""
        while lines:
            self._append("notes", lines.pop(0))

    def notes(self) -> list[str]:
        """The notes of all processes of this run."""
        return self._read("notes")

    def _read(self, kind: str) -> list[str]:
        """All processes' lines of a kind; a line cut off by a kill is left out."""
        texts = [path.read_text(encoding="utf-8") for path in sorted(self.folder.glob(f"{kind}/*.jsonl"))]
        return [line[:-1] for text in texts for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def close(self, **ended: Any) -> None:
        """Close the records with `seconds` and `exit_status` of the run; only in the process with the terminal."""
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
