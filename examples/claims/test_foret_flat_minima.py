"""Sharpness-aware minimization reaches a training loss where it is less sharp than stochastic gradients do.

Foret, Kleiner, Mobahi & Neyshabur (2021), section 4.2 and Figure 3:

    Models trained with SAM converge to minima of lower curvature, as the Hessian's largest eigenvalue shows.

Measured: the logarithm of the largest eigenvalue where SAM first has a training loss of .03, over that where SGD has.
"""

import math
from dataclasses import replace

from gen_core import MLP, SAM, SGD, Arms, AtLoss, CrossEntropy, Experiment, Runs, Stop, claim, expect
from gen_core.data import Digits
from gen_core.hypotheses import trained_to
from gen_core.records import Figure

from theory.figures import over
from theory.hypotheses import looks_around
from theory.observables import Sharpness
from theory.papers import FORET

LEVELS = (1.0, 0.3, 0.1, 0.03)
LOWER = math.log(0.8)  # 16 seeds of plain torch leave -.6 (sd .14); with a rho near 0, nothing differs


seen = {"checkpoints": AtLoss(LEVELS, every=10), "stop": Stop(loss=LEVELS[-1], every=10), "watch": (Sharpness(),)}
digits, network = Digits(n=300, task="ten_classes"), MLP(hidden=(32,), outputs=10)
sgd = Experiment(data=digits, model=network, rule=SGD(0.1, batch=32), loss=CrossEntropy(), steps=2000, **seen)


def beside_sgd(rho: float) -> Arms:
    return Arms(sgd=sgd, sam=replace(sgd, rule=SAM(sgd.rule, rho=rho)))


def sharpness_over_loss(run: Runs) -> Figure:
    arms = {name: arm.watched(Sharpness()) for name, arm in run.runs.items()}
    texts = {"title": "Sharpness at equal training loss", "paper": "lower with SAM (Figure 3)"}
    return over(LEVELS, arms, scale="log", xlabel="training loss", ylabel="largest eigenvalue", **texts)


@claim(
    cite=FORET.at("section 4.2 and Figure 3"),
    given=beside_sgd(rho=0.5),
    assuming=[looks_around, trained_to(LEVELS[-1])],
    without={looks_around: beside_sgd(rho=1e-4)},
    figure=sharpness_over_loss,
)
def test_sam_ends_where_the_loss_is_less_sharp(run: Runs) -> None:
    plain, sam = (run[arm].watched(Sharpness())[:, -1] for arm in ("sgd", "sam"))
    expect((sam / plain).log(), "log of the ratio of sharpness").at_most(LOWER)
