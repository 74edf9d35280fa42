"""Early in training a network's second layer comes as far as the best linear model, the closer the larger d is.

Hu et al. (2020), section 3.2, after Theorem 3.5:

    If the data distribution is well-conditioned, there is a guarantee similar to Corollary 3.3: after T = c d log d /
    eta_2 iterations, f_T^2 is close to f_*^lin2, the linear model on psi_2(x) of eq. (9) that gradient descent
    converges to, on the training points and on fresh ones.

Measured: the exponent in d of mean (f_T^2 - f_*^lin2)^2 / mean (f_*^lin2)^2 on 500 fresh points, for c = 2, and its
level at large d; n = m = 2 d^1.75, with erf.
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
    trained_until_the_optimum,
    well_conditioned,
)
from fixtures.hu.dynamics import LARGE, second_layer
from fixtures.hu.dynamics_figures import distance_to_the_optimum
from fixtures.papers import HU
from gen_core import Runs, claim, expect
from gen_core.measures import distance_to_linear_optimum

# As for the first layer. 8 seeds at quick give -1.19 (sd .21), the control of short training -.04 (.01); with a limit
# of -.3, one of three runs with other seeds took 16 of them.
EXPONENT = -0.2
# 8 seeds at quick give .040 (sd .005); short training .89 (.006), m = 16 .66 (.07).
LEVEL = 0.08

HYPOTHESES = (
    activation_of_mean_zero,
    more_than_linear_points,
    more_than_linear_width,
    bounded_covariance,
    well_conditioned,
    second_rate_below_dimension,
    starts_as_zero_function,
    starts_standard_normal,
    trained_until_the_optimum,
    held_out_apart,
)
TOO_SHORT = second_layer("erf", until=0.05)


@claim(
    cite=HU.at("section 3.2, after Theorem 3.5", "14"),
    given=second_layer("erf"),
    assuming=HYPOTHESES,
    without={trained_until_the_optimum: TOO_SHORT},
    figure=distance_to_the_optimum,
)
def test_second_layer_reaches_the_linear_optimum(run: Runs) -> None:
    distance = run.measure(distance_to_linear_optimum)

    expect(distance, "mean $(f_T - f_*)^2$ / mean $f_*^2$").decays_in(run.x, exponent_at_most=EXPONENT)


@claim(
    cite=HU.at("section 3.2, after Theorem 3.5", "14"),
    given=second_layer("erf"),
    assuming=HYPOTHESES,
    without={trained_until_the_optimum: TOO_SHORT, more_than_linear_width: second_layer(m=lambda d: 16)},
)
def test_second_layer_is_near_the_linear_optimum(run: Runs) -> None:
    """Early in training a network's second layer is close to the best linear model.

    Hu et al. (2020), section 3.2, after Theorem 3.5.

    Measured: the mean of (f_T^2 - f_*^lin2)^2 over that of (f_*^lin2)^2, at large d.
    """
    distance = run.measure(distance_to_linear_optimum)[LARGE].mean(0)

    expect(distance, "mean $(f_T - f_*)^2$ / mean $f_*^2$ at large $d$").at_most(LEVEL)
