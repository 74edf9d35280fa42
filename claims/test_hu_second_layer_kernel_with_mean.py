"""Where the activation has a mean, a second layer's tangent kernel is close to a linear one at a quadratic width.

Hu et al. (2020), section 3.2, after Theorem 3.5:

    "An important step in proving Theorem 3.5 is to prove that the NTK matrix for the second layer is close to the
    kernel for the linear model (9)". Theorem 3.5 asks for m >~ d^(1+alpha) if E[phi(g)] = 0, and for m >~ d^(2+alpha)
    otherwise.

Measured: the exponent in d of the spectral norm of Theta_2(W(0)) - Theta^lin2 over n/d for ReLU and m = d^2.5.
"""

from fixtures.hu.assumptions import (
    activation_of_nonzero_mean,
    bounded_covariance,
    more_than_linear_points,
    more_than_quadratic_width,
    starts_standard_normal,
)
from fixtures.hu.kernel_figures import second_gap_along_dimension
from fixtures.hu.kernels import drawn_second_layer_with_mean
from fixtures.papers import HU
from gen_core import Runs, claim, expect
from gen_core.measures import second_kernel_gap

# Decay, since the paper states no exponent here. 16 quick seeds give -.34 (sd .06), those of the control .97 (m = 64,
# sd .11). In between the exponent falls with the width: .20 (sd .09, 24 seeds) at m = d^1.25, which is enough where the
# mean is zero, -.02 (sd .06, 8 seeds) at d^1.75 and -.26 (sd .06, 40 seeds) at 2 d^2.25. -.05 was tried before.
EXPONENT = 0.0


@claim(
    cite=HU.at("section 3.2, after Theorem 3.5", "12"),
    formula=r"m \gtrsim d^{2+\alpha}",
    given=drawn_second_layer_with_mean(),
    assuming=(
        more_than_linear_points,
        more_than_quadratic_width,
        activation_of_nonzero_mean,
        bounded_covariance,
        starts_standard_normal,
    ),
    without={more_than_quadratic_width: drawn_second_layer_with_mean(m=lambda d: 64)},
    figure=second_gap_along_dimension,
)
def test_second_layer_kernel_is_linear_where_the_activation_has_a_mean(run: Runs) -> None:
    gap = run.measure(second_kernel_gap)

    expect(gap, r"$\|\Theta_2 - \Theta^\mathrm{lin2}\| / (n/d)$").decays_in(run.x, exponent_at_most=EXPONENT)
