"""Publishing: all parts of the report of a run, written in one go."""

from __future__ import annotations

import os
from pathlib import Path

from . import history
from .changes import since, tolerances_since
from .drift import watch_all
from .load import BadRecords, Loaded
from .machines import append_summary, write_machine_files
from .render import render
from .runs import write_history
from .spreads import PLACE, read_spreads


def publish(loaded: Loaded, folder: Path, kept: Path | None, evidence: Path = PLACE) -> Path:
    """Append a run to its history, and write pages over runs, files for machines, and pages; the index comes last.

    What is damaged in the history or in the evidence is added to the run's problems, which the index names; without its
    evidence drift is told from the first runs. The summary is also appended to the file that GITHUB_STEP_SUMMARY names.

    Args:
        loaded: the run.
        folder: where the report goes.
        kept: the file of the history; None to keep none.
        evidence: folder of the evidence, which drift is told from where it has the case.

    Returns:
        The path of `index.html`.

    Raises:
        BadHistory: if the history cannot be used; then nothing is written.
        BadRecords: if GITHUB_STEP_SUMMARY cannot be written to.
        OSError: if the folder cannot be made or written to.
    """
    changes, runs, watched, unchanged = None, [], {}, {}
    if kept is not None:
        history.append(kept, loaded)
        if before := history.before(kept, loaded.run):  # else all would be new
            changes = since(before, loaded)
        runs = history.latest(kept, history.RUNS)
        unchanged = tolerances_since([one for one in runs if one.run.started <= loaded.run.started])
        spreads = {}
        try:
            spreads = read_spreads(evidence)
        except BadRecords as error:
            loaded.problems.append(str(error))
        loaded.problems.extend(problem for one in runs for problem in one.problems)
        watched = watch_all([*history.latest(kept, history.WATCHED, history.RUNS), *runs], spreads)
    drifting = write_history(runs, loaded, folder, watched, changes)
    markdown = write_machine_files(loaded, changes or {}, folder, drifting)
    index = render(loaded, folder, changes, unchanged)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            append_summary(Path(summary), loaded, markdown)
        except OSError as error:
            raise BadRecords(f"GITHUB_STEP_SUMMARY {summary}: cannot be written to ({error.strerror})") from error
    return index
