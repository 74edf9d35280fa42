"""On MNIST too, the number of iterations does not depend on the width, at a rate of order 1/m.

Li & Liang (2018), section 7, Figure 2:

    "For a learning rate linearly decreasing with the number of hidden nodes m, the number of iterations to get the
    accuracy to achieve a desired accuracy should be roughly the same." "Figure 2 shows the results on MNIST. The
    observation in general is similar to those on the synthetic data (though less significant), and also the observed
    trend become more evident with more overparameterization."

Measured: the exponent in m of the first step at which .6 of the held-out images are classified correctly, at rate 10/m.
"""

from torch import Tensor

from fixtures.assumptions import held_out_apart
from fixtures.li_liang.assumptions import (
    inputs_of_norm_one,
    nearest_of_own_class,
    rate_falls_with_width,
    starts_at_root_of_width,
    wide,
)
from fixtures.li_liang.iterations import IMAGES, IMAGES_FIXED_RATE
from fixtures.li_liang.mixtures import PATTERNS
from fixtures.li_liang.mnist import WIDTHS
from fixtures.li_liang.theory_figures import REACHED_ON_IMAGES, steps_along_on_images
from fixtures.papers import LI_LIANG, smaller
from gen_core import Run, Runs, claim, expect
from gen_core.measures import leading_energy, steps_to_accuracy, update_spectrum

# Between none and the -.85 (sd .08; quick) of one rate for all widths; 32 quick seeds give .00 (sd .08).
ROUGHLY = 0.4
# The paper has no number: "more evident" is any fall.
FALLS = 0.0


def energy_of_the_rest(run: Run) -> Tensor:
    """Share of the update's energy outside of the 20 largest singular values."""
    return 1 - leading_energy(update_spectrum(run), PATTERNS)


@claim(
    cite=LI_LIANG.at("section 7 and Figure 2", "24"),
    given=IMAGES,
    assuming=(
        nearest_of_own_class,
        inputs_of_norm_one,
        wide,
        rate_falls_with_width,
        starts_at_root_of_width,
        held_out_apart,
    ),
    without={rate_falls_with_width: IMAGES_FIXED_RATE},
    figure=steps_along_on_images,
)
def test_iterations_do_not_depend_on_width_on_mnist(run: Runs) -> None:
    steps = run.measure(lambda one: steps_to_accuracy(one, REACHED_ON_IMAGES))

    expect(steps, "steps to a held-out accuracy of .6").scales_in(run.x, exponent_between=(-ROUGHLY, ROUGHLY))


@claim(
    cite=LI_LIANG.at("section 7 (3) and Figure 2", "24"),
    given=WIDTHS,
    assuming=(nearest_of_own_class, inputs_of_norm_one, wide, rate_falls_with_width, starts_at_root_of_width),
    not_reproduced=smaller("the share grows like m^.08 (40 steps, m=200 to 1800) and m^.05 (150 steps, m=250 to 4000)"),
)
def test_low_rank_is_more_evident_in_wider_networks_on_mnist(run: Runs) -> None:
    """The wider the network, the more evident is the low rank of its accumulated updates on MNIST.

    Li & Liang (2018), section 7, Figure 2: "also the observed trend become more evident with more
    overparameterization", of the three quantities, of which the rank of the updates is the third.

    Measured: the exponent in m of the share of |W_T - W_0|^2 that the 20 largest singular values do not hold.
    """
    rest = run.measure(energy_of_the_rest)

    expect(rest, r"share of $\|W_T - W_0\|^2$ outside of the top 20").decays_in(run.x, exponent_at_most=FALLS)
