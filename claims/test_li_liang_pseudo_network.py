"""The network couples with the pseudo-network, whose activation patterns stay those of the initialization.

Li & Liang (2018), sections 1 and 5.1:

    Overparameterization and random initialization "lead to a tight coupling around the initialization between the SGD
    and another learning process that has a benign optimization landscape". "The pseudo gradient is similar to the
    gradient for a pseudo network g [...]. Coupling the gradients is then similar to coupling the networks f and g."

Measured: |f - g| / |f - f_0| on the training points after T steps at rate 10/m: the part of what the network has
learned that the pseudo-network g, linear in its weights, has not.
"""

from fixtures.li_liang.assumptions import (
    SEPARATED,
    clustered_classes,
    inputs_of_norm_one,
    rate_falls_with_width,
    starts_at_root_of_width,
    wide,
)
from fixtures.li_liang.mixtures import COUPLED, FAST, TENTH_START, WIDTHS, WIDTHS_FAST, WIDTHS_INVERSE_START
from fixtures.li_liang.theory_figures import coupling_along_widths
from fixtures.papers import LI_LIANG
from gen_core import Run, Runs, claim, expect
from gen_core.measures import coupling_gap

# At least as fast as the share of changed patterns, m^-1/2. 16 quick seeds give -.72 (sd .03), 8 standard -.71 (.02),
# the controls .2 (rate) and -.07 (start).
FALLS = -0.5
# Twice what is measured: 24 quick seeds give .033 (sd .002), 8 standard .037 (.001), the controls .14 (sd .012; start,
# quick), .16 (.009; start) and .6 (rate). A limit of .1, tried first, leaves small starts 3.4 sd.
TIGHT = 0.07


@claim(
    cite=LI_LIANG.at("section 5.1", "10"),
    given=WIDTHS,
    assuming=(clustered_classes, inputs_of_norm_one, wide, rate_falls_with_width, starts_at_root_of_width),
    without={rate_falls_with_width: WIDTHS_FAST, starts_at_root_of_width: WIDTHS_INVERSE_START},
    figure=coupling_along_widths,
)
def test_wider_networks_are_nearer_to_their_pseudo_networks(run: Runs) -> None:
    gap = run.measure(coupling_gap)

    expect(gap, r"$\|f - g\| / \|f - f_0\|$").decays_in(run.x, exponent_at_most=FALLS)


@claim(
    cite=LI_LIANG.at("section 5.1", "10"),
    formula=r"g_i(x, w) := \sum_{r=1}^m a_{i,r} \langle w_r, x \rangle 1_{\langle w_r^{(0)}, x \rangle \geq 0}",
    given=COUPLED,
    assuming=(clustered_classes, inputs_of_norm_one, wide, rate_falls_with_width, starts_at_root_of_width, SEPARATED),
    without={rate_falls_with_width: FAST, starts_at_root_of_width: TENTH_START},
)
def test_what_is_learned_is_learned_by_the_pseudo_network(run: Run) -> None:
    """At m=1000 the pseudo-network has learned nearly all that the network has.

    Li & Liang (2018), sections 1 and 5.1: "a tight coupling around the initialization"; "Coupling the gradients is then
    similar to coupling the networks f and g."

    Measured: |f - g| / |f - f_0| on the training points.
    """
    expect(coupling_gap(run), r"$\|f - g\| / \|f - f_0\|$").at_most(TIGHT)
