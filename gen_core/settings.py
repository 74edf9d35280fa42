"""Settings of a claim: one experiment, arms of a comparison, a sweep, or any of these at several scales."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from gen_core.errors import InvalidExperiment
from gen_core.experiment import Experiment
from gen_core.recipe import brief, canonical


@dataclass(frozen=True)
class Arms:
    """Experiments to compare seed by seed; arms with equal data, model or batches share those random draws."""

    arms: tuple[tuple[str, Experiment], ...]

    def __init__(self, **arms: Experiment) -> None:
        if len(arms) < 2:
            raise InvalidExperiment(f"Arms of {', '.join(arms) or 'nothing'}; expected two or more named experiments")
        for name, arm in arms.items():
            _check_experiment(f"arm {name!r}", arm)
            same = [other for other, before in arms.items() if before == arm]
            if same[0] != name:
                found = f"arms {same[0]!r} and {name!r} are one experiment"
                raise InvalidExperiment(f"{found}; expected two (start=1 or order=1 gives one other draws)")
        object.__setattr__(self, "arms", tuple(arms.items()))


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Experiments along an axis, for scaling exponents and trends.

    Attributes:
        axis: name of x.
        points: (value of x, experiment), in increasing order of x.
    """

    axis: str
    points: tuple[tuple[float, Experiment], ...]

    def __post_init__(self) -> None:
        if not isinstance(self.axis, str):
            raise InvalidExperiment(f"axis {brief(self.axis)} of a Sweep; expected the name of x")
        if not isinstance(self.points, tuple) or not all(isinstance(p, tuple) and len(p) == 2 for p in self.points):
            expected = "expected a tuple of (x, experiment), ((10, a), (20, b))"
            raise InvalidExperiment(f"Sweep over {self.axis} of points {brief(self.points)}; {expected}")
        x = [at for at, _ in self.points]
        if len(x) < 2 or not all(isinstance(at, Real) for at in x) or x != sorted(set(x)):
            raise InvalidExperiment(f"Sweep over {self.axis} at {x}; expected two or more increasing values")
        for at, experiment in self.points:
            _check_experiment(f"point {self.axis}={at:.10g}", experiment)


Setting = Experiment | Arms | Sweep


@dataclass(frozen=True, kw_only=True)
class AtScale:
    """One setting for each scale; a scale that is left out takes the standard one."""

    standard: Setting
    quick: Setting | None = None
    paper: Setting | None = None

    def __post_init__(self) -> None:
        for scale in ("standard", "quick", "paper"):
            setting = getattr(self, scale)
            if not isinstance(setting, Setting) and (setting is not None or scale == "standard"):
                raise InvalidExperiment(f"{scale} {brief(setting)}; expected an Experiment, Arms or a Sweep")

    def at(self, scale: str) -> Setting:
        """The setting of a scale."""
        return getattr(self, scale) or self.standard


def experiments(setting: Setting) -> dict[str, Experiment]:
    """Label -> experiment of a setting; the label is "" for a single one, an arm's name, or "axis=x" in a sweep."""
    if isinstance(setting, Experiment):
        return {"": setting}
    if isinstance(setting, Arms):
        return dict(setting.arms)
    return {f"{setting.axis}={x:.10g}": experiment for x, experiment in setting.points}


def describe(setting: Setting) -> Mapping[str, Any]:
    """Label -> canonical recipe, for records."""
    return {label or "experiment": canonical(experiment) for label, experiment in experiments(setting).items()}


def _check_experiment(name: str, value: object) -> None:
    if not isinstance(value, Experiment):
        raise InvalidExperiment(f"{name} {brief(value)}; expected an Experiment")
