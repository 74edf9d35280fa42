"""The number of iterations does not depend on the dimension of the data.

Li & Liang (2018), section 4:

    "Our result is also dimension free: There is no dependency on the underlying dimension d of the data, the complexity
    is fully captured by k, l, 1/delta."

Measured: the exponent in d of the first step at which .9 of 100 held-out points are classified correctly, for inputs
whose norms and distances are the same in all dimensions.
"""

from fixtures.assumptions import held_out_apart
from fixtures.li_liang.assumptions import (
    clustered_classes,
    inputs_of_norm_one,
    rate_of_one_over_width,
    starts_at_root_of_width,
    wide,
)
from fixtures.li_liang.iterations import DIMENSIONS, DIMENSIONS_GROWING_RATE
from fixtures.li_liang.theory_figures import REACHED, steps_along
from fixtures.papers import LI_LIANG
from gen_core import Runs, claim, expect
from gen_core.measures import steps_to_accuracy

# Between none and the -.91 (sd .07) of a rate that grows like d. 16 seeds give .00 (sd .07; quick), 8 -.01 (.07;
# standard), whose spread is that of the means that each dimension draws.
FREE = 0.4


@claim(
    cite=LI_LIANG.at("section 4, dimension free", "3"),
    given=DIMENSIONS,
    assuming=(
        clustered_classes,
        inputs_of_norm_one,
        wide,
        rate_of_one_over_width,
        starts_at_root_of_width,
        held_out_apart,
    ),
    without={rate_of_one_over_width: DIMENSIONS_GROWING_RATE},
    figure=steps_along,
)
def test_iterations_do_not_depend_on_dimension(run: Runs) -> None:
    steps = run.measure(lambda one: steps_to_accuracy(one, REACHED))

    expect(steps, "steps to a held-out accuracy of .9").scales_in(run.x, exponent_between=(-FREE, FREE))
