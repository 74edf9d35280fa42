"""The data kernel has a norm of order n, and the linear kernel one of order n/d.

Hu et al. (2020), section 3, Claim 3.1:

    Suppose n >> d. Then under Assumption 3.1, with high probability |X X^T| = Theta(n).

Measured: the exponent in d of |X X^T| over n, with n = 4 d^1.25.
"""

from fixtures.hu.assumptions import bounded_covariance, more_than_linear_points
from fixtures.hu.kernels import first_layer_parts, pairs_of_points
from fixtures.papers import HU
from gen_core import Runs, claim, expect
from gen_core.measures import first_linear_norm, gram_norm

# 24 seeds at quick give -.03 to -.01 (sd .02), in the controls .90 (rank 5, sd .02) and .99 (spike, sd .05). The ratio
# is near (1 + sqrt(d / n))^2, which is slow to reach 1.
FLAT = (-0.15, 0.15)

CONCENTRATED = (more_than_linear_points, bounded_covariance)


@claim(
    cite=HU.at("Claim 3.1, the data kernel", "1"),
    formula=r"\|X X^\top\| = \Theta(n)",
    given={
        "normal": pairs_of_points(),
        "mild": pairs_of_points(spectrum="mild"),
        "signs": pairs_of_points(entries="signs"),
    },
    assuming=CONCENTRATED,
    without={bounded_covariance: pairs_of_points(spectrum="rank-5")},
)
def test_gram_matrix_has_a_norm_of_order_n(run: Runs) -> None:
    expect(run.measure(gram_norm), r"$\|X X^\top\| / n$").scales_in(run.x, exponent_between=FLAT)


@claim(
    cite=HU.at("section 3.1.1, after Proposition 3.4", "7"),
    formula=r"\|\Theta^{\mathrm{lin1}}\| = \Theta\left(\frac{n}{d}\right)",
    given={"erf": first_layer_parts("erf"), "relu": first_layer_parts("relu")},
    assuming=CONCENTRATED,
    without={bounded_covariance: first_layer_parts(spectrum="spike")},
)
def test_linear_kernel_has_a_norm_of_order_n_over_d(run: Runs) -> None:
    """The linear kernel of the first layer has a norm of order n/d.

    Hu et al. (2020), section 3.1.1: |Theta^lin1| = Theta(n/d) according to Claim 3.1.

    Measured: the exponent in d of |Theta^lin1| over n/d.
    """
    expect(run.measure(first_linear_norm), r"$\|\Theta^\mathrm{lin1}\| / (n/d)$").scales_in(
        run.x, exponent_between=FLAT
    )
