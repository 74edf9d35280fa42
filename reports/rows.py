"""The rows of the pages: a run's cases, grouped by claim, worst first."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gen_core.records import CaseRecord, Standing, standing, urgency

from .changes import Change
from .pictures import Picture, interval_picture

PAGE = re.compile(r".*-[0-9a-f]{12}\.html")


@dataclass(frozen=True)
class CaseRow:
    """One case, with its standing, the file name of its page, and its change since the runs before."""

    case: CaseRecord
    standing: Standing
    page: str
    picture: Picture | None
    change: Change | None


@dataclass(frozen=True)
class ClaimGroup:
    """All selected cases of one claim, worst first and controls last among equals."""

    name: str
    title: str
    paper: str
    rows: list[CaseRow]

    @property
    def urgency(self) -> int:
        """Place of the worst case in the order worst first."""
        return min(urgency(row.case) for row in self.rows)


def claims_of(cases: list[CaseRecord], changes: Mapping[str, Change]) -> list[ClaimGroup]:
    """Group cases by claim, worst first."""
    grouped: dict[str, list[CaseRecord]] = {}
    for case in cases:
        grouped.setdefault(case.claim, []).append(case)
    claims = []
    for name, members in grouped.items():
        members.sort(key=lambda case: (urgency(case), case.control, case.nodeid))
        first = next((case for case in members if not case.control), members[0])
        rows = [
            CaseRow(case, standing(case), page_name(case.nodeid), interval_picture(case), changes.get(case.nodeid))
            for case in members
        ]
        claims.append(ClaimGroup(name, first.title, first.paper, rows))
    return sorted(claims, key=lambda claim: (claim.urgency, claim.paper, claim.name))


def page_name(nodeid: str) -> str:
    """File name of a case's page: readable, safe on every file system, and different for different node ids."""
    slug = re.sub(r"[^a-z0-9]+", "-", nodeid.rpartition("::")[2].lower()).strip("-")[:80]
    return f"{slug or 'case'}-{hashlib.sha256(nodeid.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}.html"
