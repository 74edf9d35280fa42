"""A network's second-layer tangent kernel at initialization is close to a linear kernel, in the spectral norm.

Hu et al. (2020), section 3.2, after Theorem 3.5:

    "An important step in proving Theorem 3.5 is to prove that the NTK matrix for the second layer is close to the
    kernel for the linear model (9)", of the features psi_2(x): zeta x / sqrt(d), nu / sqrt(2d), and a polynomial in
    |x| / sqrt(d) - 1. Theorem 3.5 asks for m >~ d^(1+alpha) if E[phi(g)] = 0, and for m >~ d^(2+alpha) otherwise.

Measured: the exponent in d of the spectral norm of Theta_2(W(0)) - Theta^lin2 over n/d.
"""

from fixtures.hu.assumptions import (
    activation_of_mean_zero,
    bounded_covariance,
    more_than_linear_points,
    more_than_linear_width,
    starts_standard_normal,
)
from fixtures.hu.kernel_figures import second_gap_along_dimension
from fixtures.hu.kernels import drawn_second_layer
from fixtures.papers import HU
from gen_core import Assumption, AtScale, Mutation, Runs, claim, expect
from gen_core.measures import second_kernel_gap

# Some decay, since the paper states no exponent here. 24 seeds at quick give -.30 (sd .05), in the controls .54 (rank
# 5, sd .05) and .89 (m = 16, sd .06). ReLU, of mean theta_0 != 0, asks for more width and has a claim of its own.
EXPONENT = -0.05
# The same seeds at d = 64 give .29 (sd .015), in the controls 1.5 (sd .10) and 5.3 (sd .5); against a linear kernel of
# 3/4 its size it is .42, and |Theta^lin2| / (n/d) itself .70.
LEVEL = 0.38

HYPOTHESES = (
    more_than_linear_points,
    more_than_linear_width,
    activation_of_mean_zero,
    bounded_covariance,
    starts_standard_normal,
)
CONTROLS: dict[Assumption | Mutation, AtScale] = {
    more_than_linear_width: drawn_second_layer(m=lambda d: 16),
    bounded_covariance: drawn_second_layer(spectrum="rank-5"),
}


@claim(
    cite=HU.at("section 3.2, after Theorem 3.5", "12"),
    formula=r"\left\| \Theta_2(W(0)) - \Theta^{\mathrm{lin2}} \right\| \ll \frac{n}{d}",
    given=drawn_second_layer(),
    assuming=HYPOTHESES,
    without=CONTROLS,
    figure=second_gap_along_dimension,
)
def test_second_layer_kernel_is_linear(run: Runs) -> None:
    gap = run.measure(second_kernel_gap)

    expect(gap, r"$\|\Theta_2 - \Theta^\mathrm{lin2}\| / (n/d)$").decays_in(run.x, exponent_at_most=EXPONENT)


@claim(
    cite=HU.at("section 3.2, eq. (9) and after Theorem 3.5", "12"),
    given=drawn_second_layer(),
    assuming=HYPOTHESES,
    without=CONTROLS,
)
def test_second_layer_kernel_is_near_the_linear_one_at_the_largest_dimension(run: Runs) -> None:
    """At the largest d, a second layer's kernel is off the linear one by about half of the norm of that or less.

    Hu et al. (2020), section 3.2: the NTK matrix for the second layer is close to the kernel for the linear model (9).

    Measured: the spectral norm of Theta_2(W(0)) - Theta^lin2 over n/d at the largest d.
    """
    expect(run.measure(second_kernel_gap)[-1], r"$\|\Theta_2 - \Theta^\mathrm{lin2}\| / (n/d)$").at_most(LEVEL)
