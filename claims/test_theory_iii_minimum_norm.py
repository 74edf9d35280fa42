"""Descent from zero finds the minimum-norm interpolant.

Zhang et al., "Theory of Deep Learning III" (2017), section 9.6, Corollary 1:

    Let X be n x d with n < d and rank n. On L(w) = |Xw - y|^2 / 2n, started at w = 0, gradient descent and SGD both
    converge to w+ = X^T (X X^T)^-1 y, the interpolant of least norm.

Measured: |w_T - w+| / |w+| in every seed, once the loss has come down to rounding level. Momentum moves along
gradients too, so that the statement carries over to it.
"""

from dataclasses import replace

from fixtures.assumptions import full_row_rank, starts_at_zero, steps_along_gradients, underdetermined
from fixtures.figures import distance_to_minimum_norm
from fixtures.papers import THEORY_III
from fixtures.synthetic import Gaussian
from gen_core import GD, SGD, AdaGrad, Experiment, Linear, Momentum, Run, Square, claim, expect
from gen_core.measures import minimum_norm, relative_distance

TOLERANCE = 1e-10

descent = Experiment(
    data=Gaussian(n=50, d=200),
    model=Linear(),
    rule=GD(rate=0.1),
    loss=Square(),
    steps=2000,
    watch=("weights",),
    dtype="float64",
)


@claim(
    cite=THEORY_III.at("section 9.6, Corollary 1"),
    given={"gd": descent, "sgd": replace(descent, rule=SGD(rate=0.004, batch=1), steps=10000)},
    assuming=(underdetermined, full_row_rank, starts_at_zero, steps_along_gradients),
    without={
        starts_at_zero: replace(descent, model=Linear(init_std=1.0)),
        steps_along_gradients: replace(descent, rule=AdaGrad(rate=0.1), steps=10000),
    },
    figure=distance_to_minimum_norm,
)
def test_descent_from_zero_finds_the_minimum_norm_interpolant(run: Run) -> None:
    w_plus = minimum_norm(run.X, run.y)

    expect(relative_distance(run.w, w_plus), "|w - w+| / |w+|").always_at_most(TOLERANCE)
