"""The wider the network, the more the outputs change by an update of a given relative size, as the root of the width.

Li & Liang (2018), section 6 ("Generalization"):

    "The random initialized part in the weights has strong cancellation, while the structured signal part in the weights
    collectively affects the output. Therefore, the latter can be much smaller than the former while the network can
    still give accurate predictions."

Measured: the exponent in m of (|f_T - f_0| / |f_0|) / (|W_T - W_0| / |W_0|) on the training points. The paper states
none: outputs of units that cancel add up to the root of what those of units of one sign do, and so does the exponent.
That neither the rate nor the labels count is seen too: one rate for all widths leaves .47, random labels .48 and inputs
without components .47 (4 seeds each).
"""

from fixtures.li_liang.assumptions import (
    clustered_classes,
    inputs_of_norm_one,
    rate_falls_with_width,
    starts_at_root_of_width,
    wide,
)
from fixtures.li_liang.mixtures import FEW, WIDTHS_AT_BOTH_ENDS
from fixtures.li_liang.theory_figures import change_along_widths
from fixtures.papers import LI_LIANG
from gen_core import Runs, claim, expect
from gen_core.measures import change_per_distance

# Between .50 (sd .04, 12 seeds at quick) and the .13 (sd .05, 16 seeds) of networks of 2 to 20 units.
LEAST = 0.32


@claim(
    cite=LI_LIANG.at("section 6, generalization", "16"),
    given=WIDTHS_AT_BOTH_ENDS,
    assuming=(clustered_classes, inputs_of_norm_one, wide, rate_falls_with_width, starts_at_root_of_width),
    without={wide: FEW},
    figure=change_along_widths,
)
def test_change_of_the_outputs_by_a_small_update_grows_with_width(run: Runs) -> None:
    change = run.measure(change_per_distance)

    expect(change, "relative change of the outputs over that of the weights").grows_in(run.x, exponent_at_least=LEAST)
