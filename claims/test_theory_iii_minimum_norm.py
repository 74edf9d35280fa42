"""Descent from zero finds the minimum-norm interpolant.

Zhang et al., "Theory of Deep Learning III" (2017), section 9.6, Corollary 1:

    Let X be n x d with n < d and rank n. On L(w) = |Xw - y|^2 / 2n, started at w = 0, gradient descent and SGD both
    converge to w+ = X^T (X X^T)^-1 y, the interpolant of least norm.

Measured: |w_T - w+| / |w+| in every seed, once |Xw - y| / |y| has come below 1e-9. Momentum moves along sums of
gradients, so that the paper's proof covers it too.
"""

from fixtures.papers import THEORY_III
from fixtures.theory_iii.assumptions import full_row_rank, starts_at_zero, steps_along_gradients, underdetermined
from fixtures.theory_iii.figures import distance_to_minimum_norm
from fixtures.theory_iii.regressions import DESCENTS, FROM_ANYWHERE, adagrad, gd, sgd
from gen_core import Run, claim, expect
from gen_core.measures import interpolating_weights, minimum_norm, relative_distance

TOLERANCE = 1e-9  # the residual that counts as converged; 8 seeds leave 3e-15 to 8e-15, controls 26 and 1.4


@claim(
    cite=THEORY_III.at("section 9.6, Corollary 1", "99"),
    formula=r"w_\dagger = X^\top (X X^\top)^{-1} y",
    given=DESCENTS,
    assuming=(underdetermined, full_row_rank, starts_at_zero, steps_along_gradients),
    without={
        starts_at_zero: {"gd": gd(model=FROM_ANYWHERE), "sgd": sgd(model=FROM_ANYWHERE)},
        steps_along_gradients: adagrad(),
    },
    figure=distance_to_minimum_norm,
)
def test_descent_from_zero_finds_the_minimum_norm_interpolant(run: Run) -> None:
    w_plus = minimum_norm(run.X, run.y)

    expect(relative_distance(interpolating_weights(run), w_plus), r"$\|w - w_+\| / \|w_+\|$").always_at_most(TOLERANCE)
