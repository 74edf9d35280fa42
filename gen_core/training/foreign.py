"""Which parts of a recipe are code of somebody else."""

from __future__ import annotations

from gen_core.code.fingerprint import types_of
from gen_core.experiment import Experiment


def foreign(experiment: Experiment) -> str:
    """The types of model, rule, loss and observables that are not gen_core's own, in words; "" if there are none."""
    return foreign_among((*experiment.parts, *experiment.watch))


def foreign_among(parts: tuple[object, ...]) -> str:
    """The types among some parts of recipes, nested ones included, that are not gen_core's own, in words."""
    return " and ".join(sorted({kind.__name__ for kind in types_of(parts) if _foreign(kind)}))


def _foreign(kind: type) -> bool:
    return kind.__module__.partition(".")[0] != "gen_core"
