"""Weight decay of the right size suppresses the noise of the targets, which improves generalization by much.

Krogh & Hertz (1991), abstract:

    "If the size is chosen right, a weight decay can suppress some of the effects of static noise on the targets, which
    improves generalization quite a lot."

Measured: the logarithm of the error on noiseless held-out points with the best decay, over that without decay and over
their expected ratio below, with the eigenvalues V_i of the inputs' covariance.
"""

import math
from dataclasses import replace

import torch
from gen_core import GD, Arms, Experiment, Linear, Run, Runs, Square, claim, expect
from gen_core.records import Figure
from torch import Tensor

from theory.data import NoisyTeacher
from theory.figures import against
from theory.hypotheses import converged, decay_of_the_right_size, noisy_targets
from theory.papers import KROGH

BEST = 0.5
WITHIN = math.log(1.5)  # 128 seeds of plain torch leave 0 (sd .15), and .58 (.05) with a tenth of the decay


def arms(decay: float = BEST, noise: float = 1.0) -> Arms:
    data = NoisyTeacher(n=400, d=200, noise=noise, n_test=1000)
    plain = Experiment(data=data, model=Linear(), rule=GD(0.3), loss=Square(), steps=600)
    return Arms(plain=plain, decayed=replace(plain, rule=GD(0.3, weight_decay=decay)))


def error(run: Run) -> Tensor:
    return (run.outputs(run.X_test) - run.y_test).square().mean(1)


def expected(run: Run) -> Tensor:
    V = torch.linalg.eigvalsh(run.X.double().mT @ run.X.double() / run.experiment.data.n)
    return (1 / (V + BEST)).sum(1) / (1 / V).sum(1)


def errors(run: Runs) -> Figure:
    x, y = error(run["plain"]) * expected(run["plain"]), error(run["decayed"])
    texts = {"title": "Held-out error with decay", "paper": "smaller by much than without (here .41 times)"}
    return against(x, y, xlabel="error without decay times the expected ratio", ylabel="error with decay", **texts)


@claim(
    cite=KROGH.at("abstract and the part on the linear network"),
    formula=r"\frac{\sum_i 1 / (V_i + \lambda)}{\sum_i 1 / V_i}, \quad \lambda = \frac{\sigma^2 d}{n |w|^2}",
    given=arms(),
    assuming=[noisy_targets, decay_of_the_right_size, converged],
    without={noisy_targets: arms(noise=0.0), decay_of_the_right_size: arms(decay=BEST / 10)},
    figure=errors,
)
def test_weight_decay_suppresses_the_noise_of_targets(run: Runs) -> None:
    ratio = error(run["decayed"]) / error(run["plain"])
    expect((ratio / expected(run["plain"])).log(), "log of the ratio of errors").between(-WITHIN, WITHIN)
