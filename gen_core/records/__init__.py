"""The records of a run: typed dataclasses of builtin values, one JSON file each.

Reports read nothing else. A run's folder holds

    run.json             the run: options, environment, error budget          (`RunRecord`)
    cases.json           every case that was selected, before any has run     (list of `CaseRecord`, undecided)
    attempts/*.json      one file per test attempt, written before the assertion   (`CaseRecord`)

Every file is written under a temporary name and renamed, so that a killed run leaves no partial files.
"""

from gen_core.records.case import SCHEMA, CaseRecord, Hypothesis, Look, RunRecord
from gen_core.records.deviations import in_deviations
from gen_core.records.figure import Curve, Figure, Mark, Panel, Reported, Tick
from gen_core.records.files import (
    built_case,
    built_figure,
    last_attempts,
    plain,
    read_case,
    read_cases,
    read_run,
    sound_figure,
    worst_first,
    write_attempt,
    write_json,
)
from gen_core.records.latex import has_formula, name_defect, pieces, plain_name
from gen_core.records.likeness import judged_as, unlike_their_claims
from gen_core.records.standing import STANDINGS, Standing, standing, standing_counts, urgency
from gen_core.records.statement import PaperRecord, Statement
from gen_core.records.upgrade import upgraded_case, upgraded_run
from gen_core.records.visible import visible
from gen_core.records.vocabulary import (
    ERROR,
    HOLDS,
    INCONCLUSIVE,
    NOT_RUN,
    REFUTED,
    Direction,
    Kind,
    Statistic,
    Verdict,
    Work,
)

__all__ = [
    "ERROR",
    "HOLDS",
    "INCONCLUSIVE",
    "NOT_RUN",
    "REFUTED",
    "SCHEMA",
    "STANDINGS",
    "CaseRecord",
    "Curve",
    "Direction",
    "Figure",
    "Hypothesis",
    "Kind",
    "Look",
    "Mark",
    "Panel",
    "PaperRecord",
    "Reported",
    "RunRecord",
    "Standing",
    "Statement",
    "Statistic",
    "Tick",
    "Verdict",
    "Work",
    "built_case",
    "built_figure",
    "has_formula",
    "in_deviations",
    "judged_as",
    "last_attempts",
    "name_defect",
    "pieces",
    "plain",
    "plain_name",
    "read_case",
    "read_cases",
    "read_run",
    "sound_figure",
    "standing",
    "standing_counts",
    "unlike_their_claims",
    "upgraded_case",
    "upgraded_run",
    "urgency",
    "visible",
    "worst_first",
    "write_attempt",
    "write_json",
]
