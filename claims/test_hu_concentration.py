"""Points of high dimension have nearly equal norms, are nearly orthogonal, and fill all directions alike.

Hu et al. (2020), section 3, Claim 3.1:

    Suppose n >> d. Then with high probability |x_i|^2 / d = 1 +- O(sqrt(log n / d)) for all i, |<x_i, x_j>| / d =
    O(sqrt(log n / d)) for all i != j, and |X X^T| = Theta(n).

Measured: the exponent in d of the largest ||x_i|^2 / d - 1| over sqrt(log n / d), with n = 4 d^1.25. Points of -1 and
+1, whose norms are all equal, are judged for the other two statements alone.
"""

from fixtures.hu.assumptions import bounded_covariance, more_than_linear_points
from fixtures.hu.kernels import first_layer_parts, pairs_of_points, points
from fixtures.papers import HU
from gen_core import Runs, claim, expect
from gen_core.measures import first_linear_norm, gram_norm, largest_inner_product, largest_norm_deviation

# No growth, and no decay. 24 seeds at quick give -.01 (normal, sd .05) and -.03 (mild, sd .04) for norms, -.03 to .07
# (signs, sd .02) for inner products, in the controls .60 (sd .05) and .59 (sd .04).
FLAT = (-0.3, 0.3)
# 24 seeds at quick give -.03 to -.01 (sd .02), in the controls .90 (rank 5, sd .02) and .99 (spike, sd .05). The ratio
# is near (1 + sqrt(d / n))^2, which is slow to reach 1.
LEVEL = (-0.15, 0.15)

CONCENTRATED = (more_than_linear_points, bounded_covariance)
PAIRS = {
    "normal": pairs_of_points(),
    "mild": pairs_of_points(spectrum="mild"),
    "signs": pairs_of_points(entries="signs"),
}
SPREAD = pairs_of_points(spectrum="rank-5")


@claim(
    cite=HU.at("Claim 3.1, norms"),
    formula=r"\frac{\|x_i\|^2}{d} = 1 \pm O\left(\sqrt{\frac{\log n}{d}}\right)",
    given={"normal": points(), "mild": points(spectrum="mild")},
    assuming=CONCENTRATED,
    without={bounded_covariance: points(spectrum="rank-5")},
)
def test_norms_concentrate(run: Runs) -> None:
    deviation = run.measure(largest_norm_deviation)

    expect(deviation, "largest ||x|^2 / d - 1| / sqrt(log n / d)").scales_in(run.x, exponent_between=FLAT)


@claim(
    cite=HU.at("Claim 3.1, inner products"),
    formula=r"\frac{|\langle x_i, x_j \rangle|}{d} = O\left(\sqrt{\frac{\log n}{d}}\right)",
    given=PAIRS,
    assuming=CONCENTRATED,
    without={bounded_covariance: SPREAD},
)
def test_points_are_nearly_orthogonal(run: Runs) -> None:
    """Points of high dimension are nearly orthogonal.

    Hu et al. (2020), Claim 3.1: |<x_i, x_j>| / d = O(sqrt(log n / d)) for all i != j.

    Measured: the exponent in d of the largest |<x_i, x_j>| / d over sqrt(log n / d).
    """
    product = run.measure(largest_inner_product)

    expect(product, "largest |<x, x'>| / d / sqrt(log n / d)").scales_in(run.x, exponent_between=FLAT)


@claim(
    cite=HU.at("Claim 3.1, the data kernel"),
    formula=r"\|X X^\top\| = \Theta(n)",
    given=PAIRS,
    assuming=CONCENTRATED,
    without={bounded_covariance: SPREAD},
)
def test_gram_matrix_has_a_norm_of_order_n(run: Runs) -> None:
    """The Gram matrix of the points has a norm of order n.

    Hu et al. (2020), Claim 3.1: |X X^T| = Theta(n).

    Measured: the exponent in d of |X X^T| / n.
    """
    expect(run.measure(gram_norm), "|X X^T| / n").scales_in(run.x, exponent_between=LEVEL)


@claim(
    cite=HU.at("section 3.1.1, after Proposition 3.4"),
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
    expect(run.measure(first_linear_norm), "|Theta^lin1| / (n/d)").scales_in(run.x, exponent_between=LEVEL)
