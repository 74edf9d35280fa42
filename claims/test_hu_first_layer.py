"""A network trained in its first layer follows a linear model early in training, the closer the larger d is.

Hu et al. (2020), section 3.1, Theorem 3.2 and Figure 1 (c):

    Let alpha < 1/4, n >~ d^(1+alpha), m >~ d^(1+alpha), eta_1 << d and eta_2 = 0, from the symmetric initialization.
    There is a constant c such that with high probability, for all t <= T = c d log d / eta_1, the network f_t^1 and the
    linear model f_t^lin1 on psi_1(x) = (zeta x, nu) / sqrt(d), trained by GD from zero with the same step size, are
    close on average on the training points and on fresh ones: the mean of (f_t^1 - f_t^lin1)^2 is at most of order
    d^-Omega(alpha).

Measured: the exponent in d of the largest mean of (f_t^1 - f_t^lin1)^2 over 1000 fresh points and t <= T, every third
step, over the mean of (f_T^lin1)^2; c = 2, eta_1 = d/5, n = 4 d^1.25, m = 2 d^1.25. Labels are signs of a network of
width 5, as in section 3.4.
"""

from fixtures.hu.assumptions import (
    bounded_covariance,
    more_than_linear_points,
    more_than_linear_width,
    rate_below_dimension,
    starts_as_zero_function,
    starts_standard_normal,
)
from fixtures.hu.figures import early_dynamics
from fixtures.hu.two_layer import first_layer
from fixtures.papers import HU
from gen_core import Runs, claim, expect
from gen_core.measures import first_layer_discrepancy

# The paper states a decay and no exponent; this one lies between the settings and the controls. 48 seeds at quick give
# -.94 (erf on signs, sd .12) to -.99 (tanh, sd .08), the controls -.12 (m = 16, sd .11), .10 (n = d) and .65 (rank 5).
EXPONENT = -0.5


@claim(
    cite=HU.at("Theorem 3.2 and Figure 1 (c)"),
    formula=r"\frac{1}{n} \sum_{i=1}^{n} (f_t^1(x_i) - f_t^{\mathrm{lin1}}(x_i))^2 \lesssim d^{-\Omega(\alpha)}",
    given={
        "erf": first_layer("erf"),
        "erf-signs": first_layer("erf", entries="signs"),
        "tanh": first_layer("tanh"),
    },
    assuming=(
        more_than_linear_points,
        more_than_linear_width,
        bounded_covariance,
        rate_below_dimension,
        starts_as_zero_function,
        starts_standard_normal,
    ),
    without={
        more_than_linear_points: first_layer(n=lambda d: d),
        more_than_linear_width: first_layer(m=lambda d: 16),
        bounded_covariance: first_layer(spectrum="rank-5"),
    },
    figure=early_dynamics,
)
def test_first_layer_follows_a_linear_model(run: Runs) -> None:
    discrepancy = run.measure(first_layer_discrepancy)

    expect(discrepancy, "max of mean (f - f_lin)^2 / mean f_lin^2").decays_in(run.x, exponent_at_most=EXPONENT)
