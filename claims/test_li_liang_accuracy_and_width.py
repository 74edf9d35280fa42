"""More units come to high accuracy sooner, as long as there are few of them.

Li & Liang (2018), section 7 and Figure 1:

    "The test accuracy quickly converges to 100%, which is even more significant with larger number of hidden units,
    showing that the overparameterization helps the optimization and generalization."

Measured: the exponent in m of the share of 100 held-out points that are classified wrongly, averaged over 300 steps at
rate 1/m, for networks of 8 to 100 units, with 20 components of the data.
"""

from fixtures.assumptions import held_out_apart
from fixtures.li_liang.assumptions import (
    clustered_classes,
    few_units,
    inputs_of_norm_one,
    rate_of_one_over_width,
    starts_at_root_of_width,
    wide,
)
from fixtures.li_liang.iterations import OF_FEW_UNITS, OF_MANY_UNITS
from fixtures.li_liang.theory_figures import accuracies_along_widths
from fixtures.papers import LI_LIANG
from gen_core import Runs, claim, expect
from gen_core.measures import error_over_steps

# Between the -.45 (sd .04) of few units and the -.02 (sd .04) of many, in 16 seeds each at quick.
STEEP = 0.24

ASSUMED = (clustered_classes, inputs_of_norm_one, rate_of_one_over_width, starts_at_root_of_width, held_out_apart)


@claim(
    cite=LI_LIANG.at("section 7 and Figure 1", "22"),
    given=OF_FEW_UNITS,
    assuming=(*ASSUMED, few_units),
    without={few_units: OF_MANY_UNITS},
    figure=accuracies_along_widths,
)
def test_more_units_are_right_sooner(run: Runs) -> None:
    error = run.measure(error_over_steps)

    expect(error, "held-out error, averaged over steps").decays_in(run.x, exponent_at_most=-STEEP)


@claim(
    cite=LI_LIANG.at("section 7 and Figure 1", "22", "23"),
    given=OF_MANY_UNITS,
    assuming=(*ASSUMED, wide),
    without={wide: OF_FEW_UNITS},
)
def test_beyond_many_units_more_of_them_make_no_difference(run: Runs) -> None:
    """Where there are many units already, more of them come to high accuracy no sooner.

    Li & Liang (2018), section 7 and Figure 1: for a rate that falls like 1/m, "the number of iterations to get the
    accuracy to achieve a desired accuracy should be roughly the same, which is also verified here".

    Measured: the same exponent for networks of 220 to 8000 units: what more units gain comes to a floor.
    """
    error = run.measure(error_over_steps)

    expect(error, "held-out error, averaged over steps").scales_in(run.x, exponent_between=(-STEEP, STEEP))
