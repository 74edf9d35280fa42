"""The accumulated updates on MNIST have approximately low rank.

Li & Liang (2018), sections 6 and 7 (3), Figure 2:

    "The accumulated updates (i.e., the difference between the learned weight matrix and the initialization) have
    approximately low rank", which is "supported by the results on the synthetic and the MNIST data".

Measured: the share of |W_T - W_0|_F^2 that the 20 largest of 196 singular values hold. 20 is the rank on the synthetic
data. How many components the digits have is not known, and no gap is claimed: s_20 / s_21 is 1.05 to 1.10 here.

The first two claims are about the beginning of training: T=50 (quick) or 300 steps at the rate 10/m of the synthetic
data, 1/400 of the paper's for MNIST. The share falls to .875 (sd .002; 3 seeds) at T=3000, what random labels have in
the control, so that at the paper's T=20000 the first should be refuted. The last two are at the paper's rate, 4000/m.
"""

from fixtures.li_liang.assumptions import (
    inputs_of_norm_one,
    nearest_of_own_class,
    rate_falls_with_width,
    starts_as_in_section_7,
    starts_at_root_of_width,
    wide,
)
from fixtures.li_liang.figures import mnist_training_and_spectra
from fixtures.li_liang.mixtures import PATTERNS
from fixtures.li_liang.mnist import INVERSE_START, LEARNED, PAPERS_RATE, WITHOUT_CLASSES
from fixtures.papers import LI_LIANG, smaller
from gen_core import Run, claim, expect
from gen_core.measures import leading_energy, update_spectrum, weight_spectrum

# A reading of "approximately low rank"; the images themselves have .74 there. 48 quick seeds give .977 (sd .001), 16
# standard .962 (.001), the controls .874 (.009; random labels, quick), .80 (.014; random labels), .61 and .57 (noise).
# A limit of .9, tried first, leaves random labels 2.3 sd at the quick scale.
MOSTLY = 0.93
# Such a matrix has most of its energy there. 48 quick seeds give .186 (sd 7e-4), 16 standard .188 (7e-4), small starts
# .80 (.002) and .93 (.001).
MOST = 0.5


@claim(
    cite=LI_LIANG.at("sections 6 and 7 (3), Figure 2", "24"),
    given=LEARNED,
    assuming=(nearest_of_own_class, inputs_of_norm_one, wide, rate_falls_with_width, starts_at_root_of_width),
    without={nearest_of_own_class: WITHOUT_CLASSES},
    figure=mnist_training_and_spectra,
)
def test_update_on_mnist_has_approximately_low_rank(run: Run) -> None:
    expect(
        leading_energy(update_spectrum(run), PATTERNS), r"share of the top 20 in $\|W_T - W_0\|^2$", scale="-log(1 - x)"
    ).at_least(MOSTLY)


@claim(
    cite=LI_LIANG.at("sections 6 and 7 (3), Figure 2", "24"),
    given=LEARNED,
    assuming=(nearest_of_own_class, inputs_of_norm_one, wide, rate_falls_with_width, starts_at_root_of_width),
    without={starts_at_root_of_width: INVERSE_START},
    figure=mnist_training_and_spectra,
)
def test_weights_learned_on_mnist_have_no_such_structure(run: Run) -> None:
    """The weights learned on MNIST look like their random initialization.

    Li & Liang (2018), sections 6 and 7 (3), Figure 2: what is seen on MNIST is "similar to those on the synthetic
    data", where "the spectrum of the weight matrix do not have such structure".

    Measured: the share of |W_T|_F^2 that the 20 largest singular values hold, against most of it.
    """
    expect(leading_energy(weight_spectrum(run), PATTERNS), r"share of the top 20 in $\|W_T\|^2$").at_most(MOST)


@claim(
    cite=LI_LIANG.at("sections 6 and 7 (3), Figure 2", "24"),
    given=PAPERS_RATE,
    assuming=(nearest_of_own_class, inputs_of_norm_one, wide, starts_as_in_section_7),
    not_reproduced=smaller(".83 after 50 steps and .77 after 300 (m^-1/2 as a deviation), .81 and .75 (as a variance)"),
)
def test_update_on_mnist_has_approximately_low_rank_at_the_papers_rate(run: Run) -> None:
    """With the paper's rate, too, the accumulated updates on MNIST have approximately low rank.

    Li & Liang (2018), section 7 (3), with eta = 4 x 10^3/m and T = 2 x 10^4.

    Measured: the same share at 4000/m.
    """
    expect(leading_energy(update_spectrum(run), PATTERNS), r"share of the top 20 in $\|W_T - W_0\|^2$").at_least(MOSTLY)


@claim(
    cite=LI_LIANG.at("sections 6 and 7 (3), Figure 2", "24"),
    given=PAPERS_RATE["deviation"],
    assuming=(nearest_of_own_class, inputs_of_norm_one, wide, starts_as_in_section_7),
    not_reproduced=smaller(".73 after 50 and after 300 steps; .25 and .30 with a variance of m^-1/2 at the start"),
)
def test_weights_learned_on_mnist_have_no_such_structure_at_the_papers_rate(run: Run) -> None:
    """With the paper's rate, too, the weights learned on MNIST look like their initialization.

    Li & Liang (2018), section 7 (3), with eta = 4 x 10^3/m and T = 2 x 10^4.

    Measured: the same share at 4000/m.
    """
    expect(leading_energy(weight_spectrum(run), PATTERNS), r"share of the top 20 in $\|W_T\|^2$").at_most(MOST)
