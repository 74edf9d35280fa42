"""The pseudo gradient is large unless the error is small.

Li & Liang (2018), section 5.1, Lemma 5.2:

    "The second lemma says that the pseudo gradient is large unless the error is small." With v the largest
    p |v_{i,a,b}| of all classes and components, at least Omega(delta / (k l)) of the units have a pseudo gradient of
    norm Omega(v delta / (k l)).

Measured: the smallest share, over the checkpoints of gradient descent, of units whose pseudo gradient is at least v/10,
while v falls by two orders of magnitude. At the start it is large for any network; with contradictory points, delta =
0, it vanishes though the error stays. The lemma is for every v in [-v, v]^(k k l); only those on the trajectory are
tested.
"""

from fixtures.li_liang.assumptions import (
    descends_on_all_points,
    inputs_of_norm_one,
    rate_of_five_over_width,
    separated_classes,
    starts_at_root_of_width,
    wide,
)
from fixtures.li_liang.prototypes import CONTRADICTORY, FOLLOWED
from fixtures.li_liang.theory_figures import pseudo_gradient_over_steps
from fixtures.papers import LI_LIANG
from gen_core import Run, claim, expect
from gen_core.measures import pseudo_gradient_norms

OF_ORDER = 0.1
# Of order one: k l and delta do not change here. 24 seeds give a share of 1 and a median of 2.0 (sd .2); contradictory
# points give a share of 0 to .05 and a median of .04 (sd .002; quick) and .02 (.001; standard).
MANY = 0.5

ASSUMED = (
    separated_classes,
    descends_on_all_points,
    inputs_of_norm_one,
    wide,
    rate_of_five_over_width,
    starts_at_root_of_width,
)


@claim(
    cite=LI_LIANG.at("Lemma 5.2", "12"),
    formula=r"\left\| \tilde\partial L(w) / \tilde\partial w_r \right\|_2 = \tilde\Omega(v \delta / (k l))",
    given=FOLLOWED,
    assuming=ASSUMED,
    without={separated_classes: CONTRADICTORY},
    figure=pseudo_gradient_over_steps,
)
def test_pseudo_gradient_is_large_while_the_error_is(run: Run) -> None:
    share = (pseudo_gradient_norms(run) >= OF_ORDER).double().mean(-1)

    expect(share.amin(1), "least share of units with a pseudo gradient of $v/10$ or more").always_at_least(MANY)


@claim(
    cite=LI_LIANG.at("Lemma 5.2", "12"),
    given=FOLLOWED,
    assuming=ASSUMED,
    without={separated_classes: CONTRADICTORY},
)
def test_pseudo_gradient_of_most_units_is_of_the_order_of_the_error(run: Run) -> None:
    """The typical pseudo gradient is as large as the largest error.

    Li & Liang (2018), Lemma 5.2: the norm is of order v delta / (k l), up to logarithms.

    Measured: the smallest ratio, over the checkpoints, of the median pseudo gradient to v.
    """
    typical = pseudo_gradient_norms(run).quantile(0.5, dim=-1)

    expect(typical.amin(1), "least ratio of the median pseudo gradient to $v$").at_least(MANY)
