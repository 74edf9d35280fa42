"""With the paper's rate on MNIST, 4000/m, activation patterns stay as they are at initialization.

Li & Liang (2018), section 7 (1) and Figure 2:

    "On MNIST, the SGD is run for T = 2 x 10^4 steps with batch size B = 64 and learning rate eta = 4 x 10^3/m." "The
    observation in general is similar to those on the synthetic data (though less significant)", where "the activation
    pattern difference ratio is less than 0.1".

Measured: the share of changed patterns at m=1000 after 50 (quick) or 300 steps, on images of norm one, for each reading
of section 7's initialization N(0, 1/sqrt(m)): m^-1/2 as its standard deviation, or as its variance. The text has no
number for MNIST. That of the synthetic data does come out for the variance with 16000 units: after 150 steps .059 of
the patterns have changed and the distance is .074 (2 seeds), where 4000 units have .15 and .20. Images that are not
centred before they are brought to norm one leave .22 and .10 at m=16000 (2 seeds).
"""

from fixtures.li_liang.assumptions import (
    inputs_of_norm_one,
    nearest_of_own_class,
    starts_as_in_section_7,
    variance_starts_at_root_of_width,
    wide,
)
from fixtures.li_liang.figures import mnist_training_and_spectra, patterns_along_widths
from fixtures.li_liang.mnist import PAPERS_RATE, WIDTHS_PAPERS_RATE, WIDTHS_PAPERS_RATE_VARIANCE
from fixtures.papers import LI_LIANG, smaller
from gen_core import Run, Runs, claim, expect
from gen_core.measures import distance_moved, pattern_change

STATED = 0.1  # the paper's number for both ratios on the synthetic data, to which those on MNIST are said to be similar
# As at 10/m: "less significant" is read as half of the -1/2 of the synthetic data. 4 seeds
# give -.38 (quick) and -.49 (from m=1000 to 4000, standard), the control -.06 and -.07.
LESS_SIGNIFICANT = -0.25


@claim(
    cite=LI_LIANG.at("section 7 (1) and Figure 2", "24"),
    formula=r"\eta = 4 \times 10^3 / m",
    given=PAPERS_RATE,
    assuming=(nearest_of_own_class, inputs_of_norm_one, wide, starts_as_in_section_7),
    not_reproduced=smaller(
        ".43 of the patterns change within 50 steps and .44 within 300 (deviation); .27 and .30 (variance)"
    ),
    figure=mnist_training_and_spectra,
)
def test_activation_patterns_couple_at_the_papers_rate_on_mnist(run: Run) -> None:
    expect(pattern_change(run), "share of changed activation patterns").at_most(STATED)


@claim(
    cite=LI_LIANG.at("section 7 (2) and Figure 2", "24"),
    formula=r"\|w^{(t)} - w^{(0)}\|_F / \|w^{(0)}\|_F",
    given=PAPERS_RATE,
    assuming=(nearest_of_own_class, inputs_of_norm_one, wide, starts_as_in_section_7),
    not_reproduced=smaller("the distance is 2.5 after 50 steps and 3.5 after 300 (deviation); .44 and .60 (variance)"),
    figure=mnist_training_and_spectra,
)
def test_learned_weights_are_near_the_initialization_at_the_papers_rate_on_mnist(run: Run) -> None:
    """With the paper's rate on MNIST, 4000/m, the learned weights are near the initialization.

    Li & Liang (2018), section 7 (2) and Figure 2: what is seen on MNIST "in general is similar to those on the
    synthetic data (though less significant)", where |w_T - w_0|_F / |w_0|_F "is less than 0.1".

    Measured: |W_T - W_0|_F / |W_0|_F at m=1000 after 50 (quick) or 300 steps, for either reading of the start.
    """
    expect(distance_moved(run), r"$\|W_T - W_0\| / \|W_0\|$").at_most(STATED)


@claim(
    cite=LI_LIANG.at("sections 5 and 7 (1), Figure 2", "24"),
    formula=r"\eta = 4 \times 10^3 / m",
    given=WIDTHS_PAPERS_RATE_VARIANCE,
    assuming=(nearest_of_own_class, inputs_of_norm_one, wide, variance_starts_at_root_of_width),
    without={variance_starts_at_root_of_width: WIDTHS_PAPERS_RATE},
    figure=patterns_along_widths,
)
def test_changed_patterns_fall_with_width_at_the_papers_rate_on_mnist(run: Runs) -> None:
    """With the paper's rate on MNIST, fewer patterns change in wider networks that start with a variance of m^-1/2.

    Li & Liang (2018), section 7 (1) and Figure 2: "the observed trend become more evident with more
    overparameterization". The control reads N(0, 1/sqrt(m)) as of standard deviation m^-1/2: there is no such trend.

    Measured: the exponent in m of the share of changed patterns after 40 (quick) or 150 steps.
    """
    changed = run.measure(pattern_change)

    expect(changed, "share of changed patterns").decays_in(run.x, exponent_at_most=LESS_SIGNIFICANT)
