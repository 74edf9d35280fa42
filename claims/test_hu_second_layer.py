"""A network trained in its second layer follows a linear model early in training, the closer the larger d is.

Hu et al. (2020), section 3.2, Theorem 3.5:

    Let n >~ d^(1+alpha), m >~ d^(1+alpha) if E[phi(g)] = 0, eta_2 << d / log n and eta_1 = 0. There is a constant c
    such that with high probability, for all t <= T = c d log d / eta_2, the network f_t^2 and the linear model f_t^lin2
    on psi_2(x) of eq. (9), trained by GD from zero with the same step size, are close on average on the training points
    and on fresh ones, to d^-Omega(alpha).

Measured: the exponent in d of the largest mean of (f_t^2 - f_t^lin2)^2 over 500 fresh points and t <= T, every tenth
step, over the mean of (f_T^lin2)^2, and its level at large d; c = 2, eta_2 = d/10, n = m = 2 d^1.75, with erf. At
m = 4 d^1.25 it decays too, more slowly.
"""

from fixtures.assumptions import held_out_apart
from fixtures.hu.assumptions import (
    activation_of_mean_zero,
    bounded_covariance,
    more_than_linear_points,
    more_than_linear_width,
    second_rate_below_dimension,
    starts_as_zero_function,
    starts_standard_normal,
    trained_for_d_log_d,
    trains_second_layer_alone,
)
from fixtures.hu.dynamics import LARGE, second_layer
from fixtures.hu.figures import early_dynamics
from fixtures.papers import HU
from gen_core import Runs, claim, expect
from gen_core.measures import early_discrepancy

# The paper states a decay and no exponent. 24 seeds at quick give -1.03 (sd .17), 8 of the control .87 (m = 16).
EXPONENT = -0.28
# 8 seeds at quick give .035 (sd .006), the control .80 (m = 8, sd .06).
LEVEL = 0.06

HYPOTHESES = (
    trained_for_d_log_d,
    trains_second_layer_alone,
    activation_of_mean_zero,
    more_than_linear_points,
    more_than_linear_width,
    bounded_covariance,
    second_rate_below_dimension,
    starts_as_zero_function,
    starts_standard_normal,
    held_out_apart,
)


@claim(
    cite=HU.at("Theorem 3.5", "10"),
    formula=r"\mathbb{E}_x[\min\{(f_t^2(x) - f_t^{\mathrm{lin2}}(x))^2, 1\}] \lesssim d^{-\Omega(\alpha)}",
    given=second_layer("erf"),
    assuming=HYPOTHESES,
    without={more_than_linear_width: second_layer(m=lambda d: 16)},
    figure=early_dynamics,
)
def test_second_layer_follows_a_linear_model(run: Runs) -> None:
    discrepancy = run.measure(early_discrepancy)

    expect(discrepancy, r"max of mean $(f - f_\mathrm{lin})^2$ / mean $f_\mathrm{lin}^2$").decays_in(
        run.x, exponent_at_most=EXPONENT
    )


@claim(
    cite=HU.at("Theorem 3.5, eq. (9)", "10"),
    given=second_layer("erf"),
    assuming=HYPOTHESES,
    without={more_than_linear_width: second_layer(m=lambda d: 8)},
)
def test_second_layer_is_near_a_linear_model(run: Runs) -> None:
    """Early in training a network trained in its second layer is close to a linear model.

    Hu et al. (2020), Theorem 3.5 with the features of eq. (9).

    Measured: the level of the discrepancy at large d. Features with another factor than zeta would leave the
    exponent as it is.
    """
    discrepancy = run.measure(early_discrepancy)[LARGE].mean(0)

    expect(discrepancy, r"max of mean $(f - f_\mathrm{lin})^2$ / mean $f_\mathrm{lin}^2$ at large $d$").at_most(LEVEL)
