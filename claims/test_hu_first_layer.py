"""A network trained in its first layer follows a linear model early in training, the closer the larger d is.

Hu et al. (2020), section 3.1, Theorem 3.2 and Figure 1 (c):

    Let alpha < 1/4, n >~ d^(1+alpha), m >~ d^(1+alpha), eta_1 << d and eta_2 = 0, from the symmetric initialization.
    There is a constant c such that with high probability, for all t <= T = c d log d / eta_1, the network f_t^1 and the
    linear model f_t^lin1 on psi_1(x) = (zeta x, nu) / sqrt(d), trained by GD from zero with the same step size, are
    close on average on the training points, eq. (7), and on fresh ones, eq. (8): the mean of (f_t^1 - f_t^lin1)^2 is at
    most of order d^-Omega(alpha).

Measured: the exponent in d of the largest mean of (f_t^1 - f_t^lin1)^2 over 1000 fresh points and t <= T, every third
step, over the mean of (f_T^lin1)^2; c = 2, eta_1 = d/5, n = 4 d^1.25, m = 2 d^1.25, with erf at the paper's scale n =
20 000 and m = 256 as in Figure 1. Labels are signs of a network of width 5, as in section 3.4. The mean over seeds is
judged here, most seeds in test_hu_with_high_probability.py.
"""

from fixtures.hu.assumptions import (
    bounded_covariance,
    more_than_linear_points,
    more_than_linear_width,
    rate_below_dimension,
    starts_as_zero_function,
    starts_standard_normal,
    trained_for_d_log_d,
    trains_first_layer_alone,
)
from fixtures.hu.figures import early_dynamics
from fixtures.hu.two_layer import as_in_figure_1, first_layer
from fixtures.papers import HU
from gen_core import Runs, claim, expect
from gen_core.measures import early_discrepancy, early_outputs

# The paper states a decay and no exponent; this one lies between the settings and the controls. 48 seeds at quick give
# -.94 (erf on signs, sd .12), 16 -.89 (relu, sd .13), the controls -.12 (m = 16, sd .11), .10 (n = d) and .65 (rank 5).
EXPONENT = -0.5
# On training points the decay is slower: 16 seeds at quick give -.54 (relu, sd .18), -.59 (erf, sd .15), -.72 (tanh),
# and .75 in the control (rank 5, sd .35). It is .35 at n = d and -.14 at m = 16, with too much spread for controls.
SOME_DECAY = -0.1

TRAINED = {"erf": as_in_figure_1(), "relu": first_layer("relu")}
HYPOTHESES = (
    trained_for_d_log_d,
    trains_first_layer_alone,
    more_than_linear_points,
    more_than_linear_width,
    bounded_covariance,
    rate_below_dimension,
    starts_as_zero_function,
    starts_standard_normal,
)


@claim(
    cite=HU.at("Theorem 3.2, eq. (8), and Figure 1 (c)", "2", "29"),
    formula=r"\mathbb{E}_x[\min\{(f_t^1(x) - f_t^{\mathrm{lin1}}(x))^2, 1\}] \lesssim d^{-\Omega(\alpha)} "
    r"+ \sqrt{\frac{\log T}{n}}",
    given={**TRAINED, "erf-signs": first_layer("erf", entries="signs")},
    assuming=HYPOTHESES,
    without={
        more_than_linear_points: first_layer(n=lambda d: d),
        more_than_linear_width: first_layer(m=lambda d: 16),
        bounded_covariance: first_layer(spectrum="rank-5"),
    },
    figure=early_dynamics,
)
def test_first_layer_follows_a_linear_model(run: Runs) -> None:
    discrepancy = run.measure(early_discrepancy)

    expect(discrepancy, "max of mean (f - f_lin)^2 / mean f_lin^2").decays_in(run.x, exponent_at_most=EXPONENT)


@claim(
    cite=HU.at("Theorem 3.2, eq. (7)", "3"),
    formula=r"\frac{1}{n} \sum_{i=1}^{n} (f_t^1(x_i) - f_t^{\mathrm{lin1}}(x_i))^2 \lesssim d^{-\Omega(\alpha)}",
    given=TRAINED,
    assuming=HYPOTHESES,
    without={bounded_covariance: first_layer(spectrum="rank-5")},
)
def test_first_layer_follows_a_linear_model_on_training_points(run: Runs) -> None:
    """A network trained in its first layer follows a linear model on its training points, the closer the larger d is.

    Hu et al. (2020), Theorem 3.2, eq. (7): the mean of (f_t^1 - f_t^lin1)^2 over the training points is at most of
    order d^-Omega(alpha) for all t <= T.

    Measured: the exponent in d of its largest value over t <= T, over the mean of (f_T^lin1)^2, against some decay.
    """
    discrepancy = run.measure(lambda each: early_outputs(each, "train").discrepancy().amax(-1))

    expect(discrepancy, "max of mean (f - f_lin)^2 / mean f_lin^2").decays_in(run.x, exponent_at_most=SOME_DECAY)
