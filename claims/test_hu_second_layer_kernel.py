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
from fixtures.hu.kernels import second_layer
from fixtures.papers import HU
from gen_core import Runs, claim, expect
from gen_core.measures import second_kernel_gap

# Some decay, since the paper states no exponent here. 24 seeds at quick give -.29 (sd .05), in the controls .54 (rank
# 5, sd .05) and .89 (m = 16, sd .07). ReLU, of mean theta_0 != 0, asks for more width: its exponent is .03 (sd .13) at
# m = d^1.75 and -.30 (sd .10) at m = d^2.25.
EXPONENT = -0.05


@claim(
    cite=HU.at("section 3.2, after Theorem 3.5"),
    formula=r"\left\| \Theta_2(W(0)) - \Theta^{\mathrm{lin2}} \right\| \ll \frac{n}{d}",
    given=second_layer(),
    assuming=(
        more_than_linear_points,
        more_than_linear_width,
        activation_of_mean_zero,
        bounded_covariance,
        starts_standard_normal,
    ),
    without={
        more_than_linear_width: second_layer(m=lambda d: 16),
        bounded_covariance: second_layer(spectrum="rank-5"),
    },
    figure=second_gap_along_dimension,
)
def test_second_layer_kernel_is_linear(run: Runs) -> None:
    gap = run.measure(second_kernel_gap)

    expect(gap, "|Theta_2 - Theta^lin2| / (n/d)").decays_in(run.x, exponent_at_most=EXPONENT)
