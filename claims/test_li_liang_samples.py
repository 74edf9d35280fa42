"""The number of points that it takes is linear in the number of components.

Li & Liang (2018), section 4, after Theorem 4.1:

    "We only need polynomial in k, l, 1/delta many samples to achieve a good prediction error. This error is measured
    directly on the true distribution D, not merely on the input data used to train this network."

Measured: the least share of 200 held-out points that are classified correctly, over k l = 10, 20 and 100 components,
with ten times as many points. Linear is more than the paper states, in k l; 1/delta is not varied.
"""

from torch import Tensor

from fixtures.assumptions import held_out_apart
from fixtures.li_liang.assumptions import (
    far_components,
    inputs_of_norm_one,
    rate_falls_with_width,
    starts_at_root_of_width,
    ten_points_of_a_component,
    wide,
)
from fixtures.li_liang.samples import TEN_OF_EACH, TEN_OF_EACH_WITHOUT_MEANS, TWENTY_IN_ALL
from fixtures.li_liang.theory_figures import accuracy_along_components
from fixtures.papers import LI_LIANG
from gen_core import Runs, claim, expect
from gen_core.measures import final_accuracy

# 1 - epsilon. Nearly all seeds at both scales give .98 and more, 20 points in all .18 to .27, no means .06 to .08.
# But a seed may draw no point of a component, all of whose points are then wrong, a tenth at most. A limit of .95,
# tried first, was refuted at the standard scale by one seed of 24, with no point of one component of 20 (.945).
GOOD = 0.85


@claim(
    cite=LI_LIANG.at("section 4, after Theorem 4.1", "4"),
    given=TEN_OF_EACH,
    assuming=(
        far_components,
        ten_points_of_a_component,
        inputs_of_norm_one,
        wide,
        rate_falls_with_width,
        starts_at_root_of_width,
        held_out_apart,
    ),
    without={ten_points_of_a_component: TWENTY_IN_ALL, far_components: TEN_OF_EACH_WITHOUT_MEANS},
    figure=accuracy_along_components,
)
def test_ten_points_of_every_component_suffice(run: Runs) -> None:
    accuracy = run.measure(final_accuracy)
    assert isinstance(accuracy, Tensor)  # every seed draws held-out points of its own

    expect(accuracy.amin(0), "least share of held-out points that are right").always_at_least(GOOD)
