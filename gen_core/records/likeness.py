"""Whether a control is judged as its claim is: that a measure can fail is shown by the same measure alone."""

from __future__ import annotations

from collections.abc import Iterable

from gen_core.records.case import CaseRecord


def judged_as(case: CaseRecord) -> str:
    """What is measured of a case, and what is expected of it, in words."""
    scale = f" as {case.scale}" if case.scale else ""
    return f"{case.measured}{scale} {case.tolerance} ({case.statistic})"


def unlike_their_claims(cases: Iterable[CaseRecord]) -> list[CaseRecord]:
    """Controls with a value that no setting of their claim with a value is judged as; none where no setting was run."""
    judged = [case for case in cases if case.estimate is not None]
    forms: dict[str, set[str]] = {}
    for case in judged:
        if case.kind == "setting":
            forms.setdefault(case.claim, set()).add(judged_as(case))
    return [
        case
        for case in judged
        if case.kind != "setting" and case.claim in forms and judged_as(case) not in forms[case.claim]
    ]
