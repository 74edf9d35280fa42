"""The spread of a case's values over runs with seeds of their own, at one scale, and its file for programs.

The files, PAPER.json, lie beside the tables of `reports.evidence`, with a line per case and scale: what it is judged
by, and how its values spread. Drift is told from them, and a test of the repository compares the tolerances of claims
with theirs.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from gen_core.records import CaseRecord, RunRecord

from .changes import ROUNDING
from .history import recipe_digest
from .load import BadRecords
from .templating import write

PLACE = Path("claims", "evidence")
"""Path of the evidence, relative to the root directory."""

BY_T = ("mean", "exponent")
"""Statistics that are judged by Student's t."""

SKEWED, BEYOND = 1.0, 0.5
"""Skewness above which Student's t is kept only by values this many standard deviations beyond what decides."""

LAST_LOOK = 64


@dataclass(frozen=True, kw_only=True)
class Spread:
    """One case over the runs of one scale.

    Attributes:
        recipe: digest of its recipes; `measured` to `seed_direction` what it is judged by, as in its records.
        seeds_from: bases of the seeds of the runs.
        verdicts: how often which verdict came out, the most frequent first.
        seeds: number of values, over all runs; `mean` and `sd` theirs, None without any (two for the sd).
        skewness: of these values; None for exact statements and for values that differ by rounding alone.
        right: share of the seeds on the side of the limits where the case has to be.
        p: of the exact sign test that the median is on that side; for shares of seeds, of the exact binomial test that
            the share is; None for exact statements.
        headroom: the least of the runs, in standard deviations of a seed, on the side where the case has to be; None
            where it is not defined.
        look: whether the values are skewed, and a run's headroom is too near to what decides for Student's t to keep
            its promise: then the reader has to look at them.
    """

    nodeid: str
    scale: str
    recipe: str = ""
    measured: str = ""
    tolerance: str = ""
    statistic: str = ""
    direction: str = ""
    limits: list[float]
    share: float | None = None
    seed_limit: float | None = None
    seed_direction: str = ""
    seeds_from: list[int]
    verdicts: str
    seeds: int
    mean: float | None
    sd: float | None
    skewness: float | None
    right: float | None
    p: float | None
    headroom: float | None
    look: bool


JUDGED = ("measured", "tolerance", "statistic", "direction", "limits", "share", "seed_limit", "seed_direction")
"""Fields of a record, and of a spread, that say what a case is judged by."""


def spread(found: Sequence[tuple[RunRecord, CaseRecord]]) -> Spread:
    """The spread of a case over runs at one scale.

    Raises:
        BadRecords: if two runs have judged it by other limits, or with another recipe.
    """
    cases = [case for _, case in found]
    judged = [case for case in cases if case.statistic]
    one = judged[0] if judged else cases[0]
    for case in judged:
        if identity(case) != identity(one):
            raise BadRecords(
                f"{one.nodeid} has {one.tolerance} in one run and {case.tolerance} in another, or another recipe; "
                "expected runs of the same claims"
            )
    values = np.array([value for case in cases for value in case.values if value is not None])
    rooms = [(_room(case), case) for case in cases]
    sd = _deviation(values)
    right, p = _right_side(one, values)
    return Spread(
        nodeid=one.nodeid,
        scale=found[0][0].scale,
        recipe=recipe_digest(one.recipes),
        **{name: getattr(one, name) for name in JUDGED},
        seeds_from=[run.seeds_from for run, _ in found],
        verdicts=", ".join(
            f"{count} {verdict}" for verdict, count in Counter(c.verdict or "not reached" for c in cases).most_common()
        ),
        seeds=len(values),
        mean=float(values.mean()) if len(values) else None,
        sd=sd,
        skewness=(skewness := _skewness(one, values, sd)),
        right=right,
        p=p,
        headroom=min((room for room, _ in rooms if room is not None), default=None),
        look=one.statistic in BY_T
        and abs(skewness or 0.0) > SKEWED
        and any(room is not None and room < _decides(case) + BEYOND for room, case in rooms),
    )


def identity(case: CaseRecord | Spread) -> tuple[object, ...]:
    """What has to be the same for the values of two runs to be of one law: what is measured, how, and of what."""
    recipe = case.recipe if isinstance(case, Spread) else recipe_digest(case.recipes)
    return (recipe, *(getattr(case, name) for name in JUDGED))


def decided_from(level: float, seeds: int) -> float:
    """The headroom from which Student's t decides a mean of so many seeds, at a look's share of the error budget."""
    return float(stats.t.isf(level, seeds - 1)) / math.sqrt(seeds)


def spreads_text(spreads: Iterable[Spread]) -> str:
    """The file of some spreads: a JSON list with a line per case and scale."""
    return "[\n" + ",\n".join(json.dumps(asdict(one), allow_nan=False) for one in spreads) + "\n]\n"


def write_spreads(path: Path, spreads: Iterable[Spread]) -> None:
    """Write the file of a paper."""
    write(path, spreads_text(spreads))


def read_spreads(folder: Path) -> dict[tuple[str, str], Spread]:
    """(node id, scale) -> spread, of all files of a folder; empty without any.

    Raises:
        BadRecords: if a file cannot be read, or is not one of spreads.
    """
    found: dict[tuple[str, str], Spread] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            rows = [Spread(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
            for row in rows:
                if not (row.mean is None or row.sd is None or math.isfinite(row.seeds * row.mean * row.sd)):
                    raise ValueError(f"{row.nodeid} has mean {row.mean} and sd {row.sd}")
                found[row.nodeid, row.scale] = row
        except (OSError, TypeError, ValueError, RecursionError) as error:
            raise BadRecords(f"{path}: no evidence ({error}); expected what `reports evidence` writes") from error
    return found


def _room(case: CaseRecord) -> float | None:
    """Headroom on the side where a case has to be: one that must be refuted is the safer the farther it is outside."""
    if case.headroom is None:
        return None
    return -case.headroom if _outside(case) else case.headroom


def _outside(case: CaseRecord) -> bool:
    return bool(case.control or case.not_reproduced)


def _decides(case: CaseRecord) -> float:
    """Headroom that decides a case at the seeds of its last look; its level is shared by looks of n, 2 n, 4 n, ..."""
    first = case.looks[0].seeds if case.looks else len(case.values)
    looks = max(1, (LAST_LOOK // max(first, 1)).bit_length())
    return decided_from(case.level / looks, len(case.values)) if case.level and len(case.values) > 1 else 0.0


def _deviation(values: np.ndarray) -> float | None:
    if len(values) < 2:
        return None
    with np.errstate(over="ignore", invalid="ignore"):  # squares of values of 1e155 and more
        sd = float(values.std(ddof=1))
    return sd if math.isfinite(sd) else None


def _skewness(case: CaseRecord, values: np.ndarray, sd: float | None) -> float | None:
    exact = case.statistic in ("", "worst", "share")
    if exact or sd is None or len(values) < 3 or sd <= ROUNDING * abs(values.mean()):
        return None
    return float(stats.skew((values - values.mean()) / sd, bias=False))


def _right_side(case: CaseRecord, values: np.ndarray) -> tuple[float | None, float | None]:
    n, outside = len(values), _outside(case)
    if not n or not case.limits:
        return None, None
    if case.statistic == "share":
        met = int(np.sum(values <= case.seed_limit if case.seed_direction == "at most" else values >= case.seed_limit))
        p = stats.binom.cdf(met, n, case.share) if outside else stats.binom.sf(met - 1, n, case.share)
        return (n - met if outside else met) / n, float(p)
    lows = case.limits[:1] if case.direction in ("at least", "between") else []
    highs = case.limits[-1:] if case.direction in ("at most", "between") else []
    within = [values >= low for low in lows] + [values <= high for high in highs]
    sides = [~side for side in within] if outside else within
    right = float(np.mean(np.any(sides, axis=0) if outside else np.all(sides, axis=0)))
    if case.statistic == "worst":
        return right, None
    tests = [float(stats.binom.sf(int(side.sum()) - 1, n, 0.5)) for side in sides]
    # Inside two limits both have to be shown; outside it is either of them, for which both were tried.
    return right, min(1.0, len(tests) * min(tests)) if outside else max(tests)
