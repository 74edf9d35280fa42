"""The learned weights are near the initialization.

Li & Liang (2018), section 7 (2) and Figure 1:

    "The distance from the learned solution from the initialization is relatively small compared to the size of
    initialization": |w_T - w_0|_F / |w_0|_F "is less than 0.1, so the final solution is indeed close to the
    initialization".

Measured: |W_T - W_0|_F / |W_0|_F at m=1000.
"""

from fixtures.li_liang.assumptions import (
    LEARNED,
    clustered_classes,
    inputs_of_norm_one,
    rate_falls_with_width,
    starts_at_root_of_width,
    wide,
)
from fixtures.li_liang.figures import distance_along_widths, training_and_spectra
from fixtures.li_liang.mixtures import COUPLED, FAST, NARROW, TENTH_START, WIDTHS, WIDTHS_FAST, WIDTHS_INVERSE_START
from fixtures.papers import LI_LIANG
from gen_core import Run, Runs, claim, expect
from gen_core.measures import distance_moved

# The paper's number. 8 seeds at its own sizes give .045 (sd 9e-4), the controls .31 (rate), .38 (width), .46 (start).
NEAR = 0.1
# A tenth to each side of -1/2. 48 seeds give -.503 (sd .014), the controls .49 (rate) and .00 (start).
EXPONENTS = (-0.6, -0.4)


@claim(
    cite=LI_LIANG.at("section 7 (2) and Figure 1", "26"),
    formula=r"\|w^{(T)} - w^{(0)}\|_F / \|w^{(0)}\|_F < 0.1",
    given=COUPLED,
    assuming=(clustered_classes, inputs_of_norm_one, wide, rate_falls_with_width, starts_at_root_of_width, LEARNED),
    without={wide: NARROW, rate_falls_with_width: FAST, starts_at_root_of_width: TENTH_START},
    figure=training_and_spectra,
)
def test_learned_weights_are_near_the_initialization(run: Run) -> None:
    expect(distance_moved(run), r"$\|W_T - W_0\| / \|W_0\|$").at_most(NEAR)


@claim(
    cite=LI_LIANG.at("section 7 (2) and Figure 1, with the rates of Theorem 4.1", "26"),
    formula=r"\|w^{(t)} - w^{(0)}\|_F / \|w^{(0)}\|_F",
    given=WIDTHS,
    assuming=(clustered_classes, inputs_of_norm_one, wide, rate_falls_with_width, starts_at_root_of_width),
    without={rate_falls_with_width: WIDTHS_FAST, starts_at_root_of_width: WIDTHS_INVERSE_START},
    figure=distance_along_widths,
)
def test_distance_falls_like_the_root_of_width(run: Runs) -> None:
    """The wider the network, the nearer to its initialization it ends: like m^-1/2.

    Li & Liang (2018), section 7 (2), Figure 1 and equation (1): a step moves a unit by at most eta ~ 1/m times a number
    that does not depend on m, and the unit's length at initialization is of order sigma = m^-1/2. In a fixed number of
    steps the relative distance is then of order m^-1/2.

    Measured: the exponent in m of |W_T - W_0|_F / |W_0|_F.
    """
    moved = run.measure(distance_moved)

    expect(moved, r"$\|W_T - W_0\| / \|W_0\|$").scales_in(run.x, exponent_between=EXPONENTS)
