"""The rotation of `--within`: claims that do not all fit into one night's hours take turns, night after night."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from random import Random


@dataclass(frozen=True)
class Need:
    """What a claim takes with its controls.

    Attributes:
        trainings: (number of a group, key of a training) -> seconds in one process. Claims share those that they have
            in common, and those of a group run in one process.
        judging: seconds of all else, in one process.
    """

    trainings: Mapping[tuple[int, str], float] = field(default_factory=dict)
    judging: float = 0.0


@dataclass(frozen=True)
class Machine:
    """Processes side by side: those that train, and those that judge."""

    trainers: int = 1
    judges: int = 1

    def seconds(self, needs: Iterable[Need]) -> float:
        """Time on the clock for some claims: an even split over the processes, or the longest group if it is longer."""
        needs = list(needs)
        groups: dict[int, float] = {}
        for (group, _), seconds in {key: s for need in needs for key, s in need.trainings.items()}.items():
            groups[group] = groups.get(group, 0.0) + seconds
        judging = sum(need.judging for need in needs) / self.judges
        return max(sum(groups.values()) / self.trainers, max(groups.values(), default=0.0)) + judging


def rotation(needs: Mapping[str, Need], machine: Machine, seconds: float) -> list[frozenset[str]]:
    """The claims of each night of a cycle; each claim that fits into a night by itself has one.

    The shortest claims, up to half of a night together, run every night beside which they fit. The longer ones share
    the nights among them, longest first, each in the night with room to which it adds least. What room is left others
    fill.

    Args:
        needs: what each claim takes.
        machine: what it runs on.
        seconds: the time of a night.
    """

    def took(claims: Iterable[str]) -> float:
        return machine.seconds(needs[claim] for claim in claims)

    fitting = [claim for claim in needs if took([claim]) <= seconds]
    rising = sorted(fitting, key=lambda claim: (took([claim]), claim))
    short: list[str] = []
    for claim in rising:
        if took([*short, claim]) > seconds / 2:
            break
        short.append(claim)
    nights: list[list[str]] = []
    for claim in reversed(rising[len(short) :]):
        homes = [night for night in nights if took([*short, *night, claim]) <= seconds]
        if homes:
            min(homes, key=lambda night: took([*night, claim]) - took(night)).append(claim)
        else:
            nights.append([claim])
    if not any(took([*short, *night]) <= seconds for night in nights):
        nights.append([])
    for night in nights:
        for claim in rising:
            if claim not in night and took([*night, claim]) <= seconds:
                night.append(claim)
    return [frozenset(night) for night in nights]


def place(night: int, nights: int) -> int:
    """Which night of the cycle it is: each once in a cycle, shuffled anew, so that no rhythm of runs misses any."""
    cycle, at = divmod(night, nights)
    return Random(cycle).sample(range(nights), nights)[at]


def number_of_night(base: int) -> int:
    """The day of a base of seeds that begins with a date, as `--seeds-from fresh` gives it; else the base itself."""
    text = str(base)
    if len(text) in (8, 14):
        try:
            return date.fromisoformat(text[:8]).toordinal()
        except ValueError:
            pass
    return base
