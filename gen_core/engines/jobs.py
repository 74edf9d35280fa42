"""Units on their way, and those that wait to be sent: in the order that they are asked for, students after teachers."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush

from gen_core.engines.folder import Unit


@dataclass(eq=False)
class Job:
    """A unit on its way.

    Attributes:
        unit: the unit, without its payload.
        order: the name of its file, which tells its place.
        sent: ticket -> when.
        tries: times that it was sent.
        due: when it is overdue.
        avoid: nodes that have refused it.
        whys: why it was sent again.
    """

    unit: Unit
    order: str
    sent: dict[Hashable, float] = field(default_factory=dict)
    tries: int = 0
    due: float = 0.0
    avoid: set[str] = field(default_factory=set)
    whys: list[str] = field(default_factory=list)


class Waiting:
    """Jobs that were not sent yet. What a round costs does not grow with their number, but by its logarithm."""

    def __init__(self) -> None:
        self._ready: list[tuple[str, Job]] = []
        self._students: dict[str, list[Job]] = {}

    def __len__(self) -> int:
        return len(self._ready)

    def add(self, job: Job, teacher: str | None) -> None:
        """Have a job wait for a teacher's block, or, where all are there, to be sent."""
        if teacher is None:
            heappush(self._ready, (job.order, job))
        else:
            self._students.setdefault(teacher, []).append(job)

    def students(self, keys: Iterable[str] | None = None) -> list[Job]:
        """Take out the jobs that wait for one of some teachers, or for any."""
        found = list(self._students) if keys is None else keys
        return [job for key in found for job in self._students.pop(key, ())]

    def take(self, most: int, fits: Callable[[list[Unit]], bool]) -> list[Job]:
        """Take out the first job, and those after it that fit with it into one task; none where none is ready."""
        taken = [heappop(self._ready)[1]] if self._ready else []
        while self._ready and len(taken) < most and fits([job.unit for job in (*taken, self._ready[0][1])]):
            taken.append(heappop(self._ready)[1])
        return taken
