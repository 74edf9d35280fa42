"""The sums of a case's watch over runs as plain geometry, under its figure over runs and on the same axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gen_core.records import RunRecord

from .drift import Watch
from .trends import LEFT, RIGHT, WIDTH
from .wording import plural

MIDDLE, REACH = 26.0, 18.0
"""Height of zero, and how far above and below it an alarm is raised."""


@dataclass(frozen=True)
class SumsPicture:
    """Geometry, in units of the view box of `reports.trends`.

    Attributes:
        label: the picture in words.
        up, down: SVG paths of the two sums; both begin anew where the case does.
        shifts: (x, width) of each alarm in sight, from the first night of the shift to its last.
        signs: (x, height, sign) of the night at which each was noticed.
    """

    label: str
    up: str
    down: str
    shifts: list[tuple[float, float]]
    signs: list[tuple[float, float, str]]


def sums_picture(watch: Watch, runs: Sequence[RunRecord]) -> SumsPicture | None:
    """Draw the sums over these runs; None where no night of them could be standardized."""
    places = {run.run: place for place, run in enumerate(runs)}
    slot = (WIDTH - LEFT - RIGHT) / len(runs)
    up, down = "", ""
    for nights in watch.sums:
        if drawn := [(LEFT + (places[run] + 0.5) * slot, *sums) for run, *sums in nights if run in places]:
            up += "M" + "L".join(f"{x:.1f} {MIDDLE - REACH * high:.1f}" for x, high, _ in drawn)
            down += "M" + "L".join(f"{x:.1f} {MIDDLE + REACH * low:.1f}" for x, _, low in drawn)
    if not up:
        return None
    shifts, signs = [], []
    for alarm in watch.alarms:
        # What lies before the first of the runs begins with it.
        start = places.get(alarm.since.run, 0)
        end = places.get(alarm.ended.run, 0) if alarm.ended else len(runs)
        if end > start:
            shifts.append((round(LEFT + start * slot, 1), round((end - start) * slot, 1)))
        if alarm.rose.run in places:
            x = round(LEFT + (places[alarm.rose.run] + 0.5) * slot, 1)
            signs.append((x, MIDDLE - 6, "▲") if alarm.size > 0 else (x, MIDDLE + 14, "▼"))
    return SumsPicture(f"Sums of drift, {plural(len(shifts), 'alarm')}", up, down, shifts, signs)
