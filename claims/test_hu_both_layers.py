"""A network trained in both layers follows a linear model early in training, the closer the larger d is.

Hu et al. (2020), section 3.3, eq. (11), Theorem D.1 as it is cited there, and Figure 1 (c):

    With both layers trained, eta_1 = eta_2 = eta, the kernel of the linear model is the sum of those of the layers. Its
    features are psi(x) = (sqrt(2/d) zeta x, sqrt(3/2d) nu, theta_0 + theta_1 (|x|/sqrt(d) - 1) + ...). "Again, we can
    show that the neural network is close to the linear model (11) in early time. The guarantee is very similar to
    Theorems 3.2 and 3.5." Figure 1 (c): "the discrepancy becomes smaller as d increases".

Measured: the exponent in d of the largest mean of (f_t - f_t^lin)^2 over 500 fresh points and t <= T, every fifth
step, over the mean of (f_T^lin)^2, and its level at large d; c = 1.5, eta = d/5, n = m = 4 d^1.25.
"""

from fixtures.assumptions import held_out_apart
from fixtures.hu.assumptions import (
    bounded_covariance,
    more_than_linear_points,
    more_than_linear_width,
    rate_below_dimension,
    starts_as_zero_function,
    starts_standard_normal,
    trained_for_d_log_d,
    trains_both_layers,
)
from fixtures.hu.dynamics import LARGE, both_layers
from fixtures.hu.figures import early_dynamics
from fixtures.papers import HU
from gen_core import Runs, claim, expect
from gen_core.measures import early_discrepancy

# The paper states a decay and no exponent. 16 seeds at quick give -.67 (sd .07), the control .47 (rank 5, sd .13). tanh
# gives -.66, and m = 8 .14, with too much spread for a control.
EXPONENT = -0.3
# 16 seeds at quick give .015 (sd .001), the control .094 (rank 5, sd .015), and .11 with m = 8.
LEVEL = 0.03

HYPOTHESES = (
    trained_for_d_log_d,
    trains_both_layers,
    more_than_linear_points,
    more_than_linear_width,
    bounded_covariance,
    rate_below_dimension,
    starts_as_zero_function,
    starts_standard_normal,
    held_out_apart,
)
RANK_5 = both_layers(spectrum="rank-5")


@claim(
    cite=HU.at("section 3.3, Theorem D.1 and Figure 1 (c)", "16", "18"),
    given=both_layers("erf"),
    assuming=HYPOTHESES,
    without={bounded_covariance: RANK_5},
    figure=early_dynamics,
)
def test_both_layers_follow_a_linear_model(run: Runs) -> None:
    discrepancy = run.measure(early_discrepancy)

    expect(discrepancy, r"max of mean $(f - f_\mathrm{lin})^2$ / mean $f_\mathrm{lin}^2$").decays_in(
        run.x, exponent_at_most=EXPONENT
    )


@claim(
    cite=HU.at("section 3.3, eq. (11), and Figure 1 (b)", "16"),
    formula=r"\psi(x) = \left( \sqrt{\tfrac{2}{d}} \zeta x,\ \sqrt{\tfrac{3}{2d}} \nu,\ \vartheta_0 + \ldots \right)",
    given=both_layers("erf"),
    assuming=HYPOTHESES,
    without={bounded_covariance: RANK_5},
)
def test_both_layers_are_near_a_linear_model(run: Runs) -> None:
    """Early in training a network trained in both layers is close to the linear model of both kernels together.

    Hu et al. (2020), section 3.3, eq. (11): the kernel of the linear model is the sum of the two layers'.

    Measured: the level of the discrepancy at large d. The kernel of one layer alone would decay in d no less, at
    a level that is far higher.
    """
    discrepancy = run.measure(early_discrepancy)[LARGE].mean(0)

    expect(discrepancy, r"max of mean $(f - f_\mathrm{lin})^2$ / mean $f_\mathrm{lin}^2$ at large $d$").at_most(LEVEL)
