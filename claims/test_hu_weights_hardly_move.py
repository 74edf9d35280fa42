"""A network's first layer hardly moves while it follows the linear model, the less the larger d is.

Hu et al. (2020), section 3.1.1, on the proof of Theorem 3.2:

    The agreement of the kernels persists in the early phase of training up to iteration T. "We carefully track (i) the
    prediction difference between f_t^1 and f_t^lin1, (ii) how much the weight matrix W move away from initialization,
    as well as (iii) how much the NTK changes."

Measured: the exponent in d of |W(T) - W(0)|_F / |W(0)|_F, in the trainings of Theorem 3.2, with m = 2 d^1.25 and
T = 2 d log d / eta_1. Outputs of order 1 take a move of order sqrt(d), which is m^-1/2 of |W(0)|_F = sqrt(m d).
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
from fixtures.hu.kernel_figures import moves_along_dimension
from fixtures.hu.two_layer import first_layer
from fixtures.papers import HU
from gen_core import Runs, claim, expect
from gen_core.measures import distance_moved, kernel_change

# The paper states no exponents; these lie between the settings and the controls. 40 seeds at quick give for the weights
# -.54 (erf, sd .03) and -.48 (relu, sd .04), in the control .09 (sd .04); for the kernel -1.31 (erf, sd .18), in the
# control .04 (sd .09). That of relu falls too, by -.80, with a spread (sd .13) that is too large for 8 seeds.
WEIGHTS, KERNEL = -0.2, -0.4
# At d = 48 the same seeds give .008 (erf, sd .001) and .035 (relu, sd .003), in the control .21 (sd .015).
LITTLE = 0.08

TRAINED = {"erf": first_layer("erf"), "relu": first_layer("relu")}
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
    cite=HU.at("section 3.1.1, (ii)", "9"),
    given=TRAINED,
    assuming=HYPOTHESES,
    without={more_than_linear_width: first_layer(m=lambda d: 16)},
    figure=moves_along_dimension,
)
def test_weights_hardly_move(run: Runs) -> None:
    expect(run.measure(distance_moved), r"$\|W(T) - W(0)\| / \|W(0)\|$").decays_in(run.x, exponent_at_most=WEIGHTS)


@claim(
    cite=HU.at("section 3.1.1, (iii)", "9"),
    given=TRAINED["erf"],
    assuming=HYPOTHESES,
    without={more_than_linear_width: first_layer("relu", m=lambda d: 8)},
    figure=moves_along_dimension,
)
def test_tangent_kernel_hardly_changes(run: Runs) -> None:
    """The first layer's tangent kernel hardly changes while the network follows the linear model.

    Hu et al. (2020), section 3.1.1: the agreement of the NTK matrix with the linear kernel, to n / d^(1+alpha) with
    alpha < 1/4 at initialization, persists up to iteration T.

    Measured: the exponent in d of |Theta_1(W(T)) - Theta_1(W(0))| / |Theta_1(W(0))| in the spectral norm.
    """
    expect(run.measure(kernel_change), r"$\|\Theta_1(T) - \Theta_1(0)\| / \|\Theta_1(0)\|$").decays_in(
        run.x, exponent_at_most=KERNEL
    )


@claim(
    cite=HU.at("section 3.1.1, (iii)", "9"),
    given=TRAINED,
    assuming=HYPOTHESES,
    without={more_than_linear_width: first_layer("relu", m=lambda d: 16)},
)
def test_tangent_kernel_changes_little_at_the_largest_dimension(run: Runs) -> None:
    """At the largest d, the first layer's tangent kernel changes by a small part of itself.

    Hu et al. (2020), section 3.1.1, as above.

    Measured: |Theta_1(W(T)) - Theta_1(W(0))| / |Theta_1(W(0))| at the largest d.
    """
    expect(run.measure(kernel_change)[-1], r"$\|\Theta_1(T) - \Theta_1(0)\| / \|\Theta_1(0)\|$").at_most(LITTLE)
