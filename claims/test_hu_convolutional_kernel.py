"""The tangent kernel of a wide convolutional network is close to a linear kernel if its filters are wide.

Hu et al. (2020), section 4.1, Proposition 4.1:

    Let phi = erf, n >~ d^(1+alpha) and q >~ d^(1/2 + 2 alpha) with alpha < 1/4, and let the entries of the points be -1
    and +1 with equal chance. In the infinite-width limit the NTK matrix of the network (12), of one circular
    convolution of size q, satisfies |Theta_CNN - 2 zeta^2 X X^T / d| <~ n / d^(1+alpha) with high probability.

Measured: the exponent in d of the gap's spectral norm over n/d, with n = 4 d^1.25 and q = d^.9. The kernel at infinite
width is in closed form.
"""

from fixtures.hu.assumptions import entries_of_one, more_than_linear_points, wide_filters
from fixtures.hu.kernel_figures import convolutional_gap_along_dimension
from fixtures.hu.kernels import convolutions
from fixtures.papers import HU
from gen_core import Runs, claim, expect
from gen_core.measures import convolutional_kernel_gap

# The paper's alpha at its upper end, where q = d^.9 asks for .2 alone. 24 seeds at quick give -.73 (sd .03), in the
# control -.01 (q = 3, sd .03).
EXPONENT = -0.25


@claim(
    cite=HU.at("Proposition 4.1", "21"),
    formula=r"\left\| \Theta_{\mathrm{CNN}} - \frac{2 \zeta^2}{d} X X^\top \right\| \lesssim \frac{n}{d^{1+\alpha}}",
    given=convolutions(),
    assuming=(more_than_linear_points, wide_filters, entries_of_one),
    without={wide_filters: convolutions(q=lambda d: 3)},
    figure=convolutional_gap_along_dimension,
)
def test_convolutional_kernel_is_linear(run: Runs) -> None:
    gap = run.measure(convolutional_kernel_gap)

    expect(gap, r"$\|\Theta_\mathrm{CNN} - 2 \zeta^2 X X^\top / d\| / (n/d)$").decays_in(
        run.x, exponent_at_most=EXPONENT
    )
