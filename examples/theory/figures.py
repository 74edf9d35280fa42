"""Figures of the claims; the quantities that they show are measured by the claims themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gen_core import Run
from gen_core.records import Curve, Figure, Mark, Panel
from torch import Tensor


def escape(run: Run) -> Figure:
    """The chain furthest out, seed by seed, until it escapes."""
    furthest = run.watched("weights.x").abs().amax(-1).clamp(max=1e6)
    curves = [Curve(x=list(run.checkpoints), y=row.tolist(), style="faint") for row in furthest]
    overshoot = Mark(at=(2 * run.experiment.rule.rate) ** -0.5, label="a step overshoots")
    panel = Panel(xlabel="step", ylabel="largest $|x|$", curves=curves, yscale="log", marks=[overshoot])
    return Figure(title="The chain furthest out", panels=[panel], paper="transient for every step (section 3)")


def over(x: Sequence[float], quantities: Mapping[str, Tensor], *, scale: str = "linear", **texts: str) -> Figure:
    """Quantities over x, each (seeds, points), as the mean over seeds between the smallest and the largest seed."""
    curves = []
    for name, values in quantities.items():
        mean, low, high = (each.tolist() for each in (values.mean(0), values.amin(0), values.amax(0)))
        curves.append(Curve(x=x, y=mean, low=low, high=high, label=name))
    return _figure(curves, scale, **texts)


def against(predicted: Tensor, found: Tensor, **texts: str) -> Figure:
    """One number per seed, found against predicted."""
    seeds = Curve(x=predicted.tolist(), y=found.tolist(), style="points", label="seeds")
    ends = [float(predicted.min()), float(predicted.max())]
    equal = Curve(x=ends, y=ends, style="dashed", label="as predicted")
    return _figure([seeds, equal], **texts)


def _figure(curves: list[Curve], scale: str = "linear", *, title: str, xlabel: str, ylabel: str, paper: str) -> Figure:
    panel = Panel(xlabel=xlabel, ylabel=ylabel, curves=curves, xscale=scale, yscale=scale)
    return Figure(title=title, panels=[panel], paper=paper)
