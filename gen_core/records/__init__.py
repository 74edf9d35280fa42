"""What a run leaves behind: typed records of builtin values, one JSON file each.

Records are all that a report reads. A run's folder holds

    run.json             the run: options, environment, error budget          (`RunRecord`)
    cases.json           every case that was selected, before any has run     (list of `CaseRecord`, undecided)
    attempts/*.json      one file per test attempt, written before the assertion   (`CaseRecord`)

Every file is written to a temporary name and renamed, so that a killed run leaves whole files only.
"""

from gen_core.records.case import (
    ERROR,
    HOLDS,
    INCONCLUSIVE,
    NOT_RUN,
    REFUTED,
    SCHEMA,
    CaseRecord,
    Hypothesis,
    Look,
    RunRecord,
)
from gen_core.records.figure import Curve, Figure, Mark, Panel, Reported, Tick
from gen_core.records.files import WORST_FIRST, merged, plain, read_case, read_cases, read_run, write_json
from gen_core.records.standing import STANDINGS, Standing, standing, standing_counts, urgency

__all__ = [
    "ERROR",
    "HOLDS",
    "INCONCLUSIVE",
    "NOT_RUN",
    "REFUTED",
    "SCHEMA",
    "STANDINGS",
    "WORST_FIRST",
    "CaseRecord",
    "Curve",
    "Figure",
    "Hypothesis",
    "Look",
    "Mark",
    "Panel",
    "Reported",
    "RunRecord",
    "Standing",
    "Tick",
    "merged",
    "plain",
    "read_case",
    "read_cases",
    "read_run",
    "standing",
    "standing_counts",
    "urgency",
    "write_json",
]
