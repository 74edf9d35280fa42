"""The sums of a case's watch over runs as plain geometry, under its figure over runs and on the same axis."""

from __future__ import annotations

from dataclasses import dataclass

from reports.drift import Watch
from reports.trends import LEFT, RIGHT, WIDTH
from reports.wording import plural

MIDDLE, REACH = 26.0, 18.0
"""Height of zero, and how far above and below it an alarm is raised."""


@dataclass(frozen=True)
class SumsPicture:
    """Geometry, in units of the view box of `reports.trends`.

    Attributes:
        label: the picture in words.
        up, down: SVG paths of the two sums; both begin anew where the case does.
        shifts: (x, width) of each alarm, from the first night of the shift to its last.
        signs: (x, height, sign) of the night at which each was noticed.
    """

    label: str
    up: str
    down: str
    shifts: list[tuple[float, float]]
    signs: list[tuple[float, float, str]]


def sums_picture(watch: Watch, runs: int) -> SumsPicture | None:
    """Draw the sums over so many runs; None where no night of them could be standardized."""
    slot = (WIDTH - LEFT - RIGHT) / runs
    up, down = "", ""
    for nights in filter(None, watch.sums):
        up += "M" + "L".join(f"{LEFT + (k + 0.5) * slot:.1f} {MIDDLE - REACH * sum_:.1f}" for k, sum_, _ in nights)
        down += "M" + "L".join(f"{LEFT + (k + 0.5) * slot:.1f} {MIDDLE + REACH * sum_:.1f}" for k, _, sum_ in nights)
    if not up:
        return None
    shifts, signs = [], []
    for alarm in watch.alarms:
        end = runs if alarm.ended is None else alarm.ended
        shifts.append((round(LEFT + alarm.since * slot, 1), round((end - alarm.since) * slot, 1)))
        above = alarm.size > 0
        signs.append(
            (round(LEFT + (alarm.rose + 0.5) * slot, 1), MIDDLE + (-6 if above else 14), "▲" if above else "▼")
        )
    return SumsPicture(f"Sums of drift, {plural(len(watch.alarms), 'alarm')}", up, down, shifts, signs)
