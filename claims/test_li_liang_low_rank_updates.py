"""The accumulated updates have approximately low rank: as many large singular values as the data have components.

Li & Liang (2018), section 7 (3), Figure 1 and section 6 ("low rank of the weights"):

    "When the data are well clustered around a few patterns, the accumulated updates should be approximately low rank":
    with k l = 20 components "the top 20 singular values of the accumulated updates are much larger than the rest".

Measured: s_20 / s_21 of W_T - W_0. "Much larger" is ten times.
"""

from fixtures.li_liang.assumptions import (
    SEPARATED,
    clustered_classes,
    inputs_of_norm_one,
    rate_falls_with_width,
    starts_at_root_of_width,
    wide,
)
from fixtures.li_liang.figures import training_and_spectra
from fixtures.li_liang.mixtures import COUPLED, INVERSE_START, PATTERNS, UNSTRUCTURED
from fixtures.papers import LI_LIANG
from gen_core import Run, claim, expect
from gen_core.measures import leading_energy, spectral_gap, update_spectrum, weight_spectrum

# A reading of "much larger". 48 seeds give 60 (sd 6), 8 at the paper's sizes 74 (sd 6), the controls 1.0 to 1.8.
MUCH_LARGER = 10.0
# A reading of "approximately low rank". 8 seeds give .9998 (sd 1e-5), random labels .79 to .94 and noise .53 to .58.
NEARLY_ALL = 0.99
# A twentieth, far from "much larger"; a tenth was tried first and took 16 seeds for the control. 4 seeds give 1.002 (sd
# .001), small starts 2.0 (.16; quick) and 2.2 (.35; standard).
NO_GAP = 1.05


@claim(
    cite=LI_LIANG.at("section 7 (3) and Figure 1", "15", "27"),
    given=COUPLED,
    assuming=(clustered_classes, inputs_of_norm_one, wide, rate_falls_with_width, starts_at_root_of_width),
    without={clustered_classes: UNSTRUCTURED},
    figure=training_and_spectra,
)
def test_update_has_a_gap_at_the_number_of_components(run: Run) -> None:
    expect(spectral_gap(update_spectrum(run), PATTERNS), "$s_{20} / s_{21}$ of $W_T - W_0$").at_least(MUCH_LARGER)


@claim(
    cite=LI_LIANG.at("sections 6 and 7 (3), Figure 1", "15", "27"),
    given=COUPLED,
    assuming=(clustered_classes, inputs_of_norm_one, wide, rate_falls_with_width, starts_at_root_of_width),
    without={clustered_classes: UNSTRUCTURED},
    figure=training_and_spectra,
)
def test_update_is_nearly_of_the_rank_of_the_data(run: Run) -> None:
    """The accumulated update is nearly a matrix of rank k l.

    Li & Liang (2018), sections 6 and 7 (3): on data that are well clustered around a few patterns the accumulated
    updates "have approximately low rank".

    Measured: the share of |W_T - W_0|_F^2 that the 20 largest singular values hold.
    """
    expect(
        leading_energy(update_spectrum(run), PATTERNS), r"share of the top 20 in $\|W_T - W_0\|^2$", scale="-log(1 - x)"
    ).at_least(NEARLY_ALL)


@claim(
    cite=LI_LIANG.at("sections 6 and 7 (3), Figure 1", "17"),
    given=COUPLED,
    assuming=(clustered_classes, inputs_of_norm_one, wide, rate_falls_with_width, starts_at_root_of_width, SEPARATED),
    without={starts_at_root_of_width: INVERSE_START},
    figure=training_and_spectra,
)
def test_learned_weights_have_no_such_structure(run: Run) -> None:
    """The learned weights themselves look like their random initialization.

    Li & Liang (2018), sections 6 and 7 (3): "when the difference is small compared to the initialization, the spectrum
    of the final weight matrix is dominated by that of the initialization"; "the spectrum of the weight matrix do not
    have such structure".

    Measured: s_20 / s_21 of W_T, which has no gap where W_T - W_0 has one of 60.
    """
    expect(spectral_gap(weight_spectrum(run), PATTERNS), "$s_{20} / s_{21}$ of $W_T$", scale="log(x)").at_most(NO_GAP)
