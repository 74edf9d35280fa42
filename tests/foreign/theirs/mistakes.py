"""Mistakes of a first claim, each of which is told in one line.

Measured: nothing where it ends before, and a distance at rounding level.
"""

from dataclasses import dataclass, replace

import numpy as np
from mine.data import Points, about, noiseless

from gen_core import Data, Run, TwoLayer, assumption, claim, expect
from gen_core.records import Curve, Figure, Panel


@assumption
def says_yes(experiment, data):
    """It is so."""
    return True


@dataclass(frozen=True)
class OfNumpy(Points):
    def draw(self, generator):
        return Data(np.zeros((self.n, 3)), np.zeros(self.n))


def of_a_range(run: Run) -> Figure:
    seeds = Curve(x=range(len(run.seeds)), y=run.train_loss)
    return Figure(title="Losses", panels=[Panel(xlabel="seed", ylabel="loss", curves=[seeds])])


def of_two_lengths(run: Run) -> Figure:
    curve = Curve(x=range(3), y=run.train_loss)
    return Figure(title="Losses", panels=[Panel(xlabel="seed", ylabel="loss", curves=[curve])])


usual = about(Points())
given = usual["given"]


@claim(**{**usual, "assuming": [noiseless, says_yes]})
def test_assumption_of_a_bool(run: Run) -> None:
    expect(run.w[:, 0], "w").at_most(2)


@claim(**{**usual, "given": replace(given, data=OfNumpy())})
def test_data_of_numpy(run: Run) -> None:
    expect(run.w[:, 0], "w").at_most(2)


@claim(**usual)
def test_unwatched(run: Run) -> None:
    expect(run.watched("train_loss")[:, -1], "loss").at_most(2)


@claim(**{**usual, "given": replace(given, model=TwoLayer(4))})
def test_not_trained(run: Run) -> None:
    expect(run.weights("v").sum(1), "v").at_most(2)


@claim(**usual, figure=of_a_range)
def test_rounding(run: Run) -> None:
    expect((run.w - 1).abs().amax(1), "distance").always_at_most(1e-3)


@claim(**usual, figure=of_two_lengths)
def test_figure(run: Run) -> None:
    expect((run.w - 1).abs().amax(1), "distance").always_at_most(1e-3)
