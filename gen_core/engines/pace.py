"""How long units take, by estimates and by what the latest ones took: when one is overdue, how many make a task."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterable

from gen_core.engines.folder import Unit

FACTOR = 5.0
"""A unit is overdue after so many times what it and those before it are expected to take."""

MEASURED, SLOWEST = 1.0, 10.0
"""What takes less than a second tells nothing of the next; estimates are taken to be no more than ten times too low."""

UNMEASURED = 3.0
"""What a training may take in terms of its estimate, before any has ended."""

TASK, MOST = 0.5, 32
"""Units that take less than so many seconds together are one task, but no more than so many of them."""


class Pace:
    """What the latest trainings took."""

    def __init__(self) -> None:
        self._ratios: deque[float] = deque(maxlen=64)
        self._took: deque[float] = deque(maxlen=16)

    def took(self, unit: Unit, seconds: float) -> None:
        """Learn what a unit took."""
        self._took.append(seconds)
        if seconds > MEASURED:
            self._ratios.append(min(seconds / max(unit.seconds, MEASURED / SLOWEST), SLOWEST))

    def _expected(self, seconds: float) -> float:
        return seconds * (statistics.median(self._ratios) if self._ratios else UNMEASURED)

    def allowed(self, units: Iterable[Unit], before: Iterable[Unit], slots: int) -> float:
        """Seconds in which units are to be trained, after what is in flight on so many slots."""
        ahead = sum(unit.seconds for unit in before) / max(1, slots)
        return FACTOR * self._expected(ahead + sum(unit.seconds for unit in units))

    def most(self, ready: int, slots: int) -> int:
        """How many units the next task may have, so that every slot has its share of those that are ready."""
        took = statistics.median(self._took) if self._took else TASK
        return min(MOST, int(TASK / max(took, TASK / MOST)), ready // max(1, slots))

    def one_task(self, units: list[Unit]) -> bool:
        """Whether several units may be one task: none has a teacher, and together they are short."""
        return not any(unit.needs for unit in units) and self._expected(sum(unit.seconds for unit in units)) < TASK
