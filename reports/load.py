"""Loading the records of a run from its folder. Damaged files are reported and left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gen_core.records import CaseRecord, RunRecord, last_attempts, read_run


class BadRecords(ValueError):
    """A folder that is not a run's folder; the message names the path and what was expected there."""


@dataclass(frozen=True)
class Loaded:
    """One run, as its folder holds it. `problems` names every file that could not be used, one line each."""

    run: RunRecord
    cases: list[CaseRecord]
    problems: list[str] = field(default_factory=list)


def load_run(folder: Path) -> Loaded:
    """Read a run's folder, in the layout of `gen_core.records`: every case with its last attempt.

    Raises:
        BadRecords: if there is no folder, or no whole `run.json` in it.
    """
    if not folder.is_dir():
        raise BadRecords(f"{folder}: no such folder; expected the folder of a run, the one with run.json")
    if not (folder / "run.json").is_file():
        raise BadRecords(f"{folder}: holds no run.json; expected the folder of a run")
    try:
        run = read_run(folder / "run.json")
    except ValueError as error:
        raise BadRecords(f"{error}; expected the record of a run") from error
    return Loaded(run, *last_attempts(folder))
