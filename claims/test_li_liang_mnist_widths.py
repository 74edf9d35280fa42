"""On MNIST too, the wider the network, the fewer activation patterns change in a fixed number of steps.

Li & Liang (2018), sections 5 and 7 (1), Figure 2:

    "Figure 2 shows the results on MNIST. The observation in general is similar to those on the synthetic data (though
    less significant), and also the observed trend become more evident with more overparameterization."

Measured: the exponent in m of the share of changed patterns at the last step. Images have norm one and the rate is
10/m, as on the synthetic data. After so few steps the networks classify .79 of the training images (quick) or .89. The
clustering that the analysis assumes (A1) does not hold on MNIST: assumed is only that most images are nearest to one of
their own digit.
"""

from fixtures.li_liang.assumptions import (
    inputs_of_norm_one,
    nearest_of_own_class,
    rate_falls_with_width,
    starts_at_root_of_width,
    wide,
)
from fixtures.li_liang.figures import distance_along_widths, patterns_along_widths
from fixtures.li_liang.mnist import WIDTHS, WIDTHS_FIXED_RATE, WIDTHS_INVERSE_START
from fixtures.papers import LI_LIANG
from gen_core import Runs, claim, expect
from gen_core.measures import distance_moved, pattern_change

# "Less significant" is read as half of the -1/2 of the synthetic data. 48 quick seeds give -.48 (sd .025), 16 standard
# -.47 (.012), the controls -.14 (.018; rate, quick), -.16 (.009; rate) and .00 (start). At 100/m it is -.37 (.014).
LESS_SIGNIFICANT = -0.25
# As on the synthetic data, a tenth to each side of -1/2. 48 quick seeds give -.490 (sd .016), 16 standard -.497 (.008),
# the controls -.10 to -.14 (rate) and .00 (start). At 100/m it is -.49 (.007).
EXPONENTS = (-0.6, -0.4)


@claim(
    cite=LI_LIANG.at("sections 5 and 7 (1), Figure 2", "24"),
    given=WIDTHS,
    assuming=(nearest_of_own_class, inputs_of_norm_one, wide, rate_falls_with_width, starts_at_root_of_width),
    without={rate_falls_with_width: WIDTHS_FIXED_RATE, starts_at_root_of_width: WIDTHS_INVERSE_START},
    figure=patterns_along_widths,
)
def test_changed_patterns_fall_with_width_on_mnist(run: Runs) -> None:
    changed = run.measure(pattern_change)

    expect(changed, "share of changed patterns").decays_in(run.x, exponent_at_most=LESS_SIGNIFICANT)


@claim(
    cite=LI_LIANG.at("section 7 (2) and Figure 2, with the rates of Theorem 4.1", "24"),
    formula=r"\|w^{(t)} - w^{(0)}\|_F / \|w^{(0)}\|_F",
    given=WIDTHS,
    assuming=(nearest_of_own_class, inputs_of_norm_one, wide, rate_falls_with_width, starts_at_root_of_width),
    without={rate_falls_with_width: WIDTHS_FIXED_RATE, starts_at_root_of_width: WIDTHS_INVERSE_START},
    figure=distance_along_widths,
)
def test_distance_falls_like_the_root_of_width_on_mnist(run: Runs) -> None:
    """On MNIST too, the wider the network, the nearer to its initialization it ends: like m^-1/2.

    Li & Liang (2018), section 7 (2) and Figure 2: what is seen on MNIST is "similar to those on the synthetic data",
    and "the observed trend become more evident with more overparameterization". Steps of order 1/m from weights of
    order m^-1/2 make a relative distance of order m^-1/2 (equation (1)), on these data as on the others.

    Measured: the exponent in m of |W_T - W_0|_F / |W_0|_F.
    """
    moved = run.measure(distance_moved)

    expect(moved, r"$\|W_T - W_0\| / \|W_0\|$").scales_in(run.x, exponent_between=EXPONENTS)
