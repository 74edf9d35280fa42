"""On cats and horses a deep network follows a linear model of the inputs early in training.

Hu et al. (2020), section 4.2 and Figure 3 (b, c):

    "We plot the relative MSE between the network and the linear model (i.e., E_x (f_t(x) - f_t^lin(x))^2 / E_x
    f_t^lin(x)^2 evaluated on test data). We observe that this quantity for either network is small in the first 1,000
    steps and grows afterwards." "We adjust the learning rates of CNN and FC so that their corresponding linear models
    are identical."

Measured: the relative MSE of a network of four hidden layers of erf after 20 steps, at half of the largest stable rate
of the linear model. The text has no number, no width and no rate; there is no convolutional network here.
"""

from fixtures.assumptions import held_out_apart
from fixtures.hu.assumptions import (
    inputs_of_norm_root_d,
    rates_matched_by_kappa,
    starts_as_zero_function,
    starts_with_variance_of_one_over_fan_in,
    trained_for_the_linear_phase,
    wide_layers,
)
from fixtures.hu.cats_and_horses import EARLY, NARROW, RATE, early, early_on_cifar, early_on_mnist, late
from fixtures.hu.image_figures import as_in_figure_3, outputs_and_relative_errors
from fixtures.papers import HU
from gen_core import Run, claim, expect
from gen_core.measures import growth_of_relative_error, relative_error

# Means of logarithms, in which 16 quick seeds have .053 (sd .23), 24 of the control .45 (16 units a layer, sd .23). On
# digits it is .056 (16 seeds, sd .18), in the control .43 (8 units a layer, 24 seeds, sd .21); with one hidden layer on
# 32x32 pixels .039 (8 seeds, sd .21).
SMALL = 0.15
# 20 quick seeds give 7.5 (sd of 12 of them .14 in log, of 8 others .25), the control 1.4 (40 steps, sd .11). A limit of
# 3 was tried before, and is met too.
GROWN = 2.5

HYPOTHESES = (
    inputs_of_norm_root_d,
    rates_matched_by_kappa,
    starts_with_variance_of_one_over_fan_in,
    starts_as_zero_function,
    held_out_apart,
)


@claim(
    cite=HU.at("section 4.2 and Figure 3 (b, c)", "23"),
    formula=r"\mathbb{E}_x (f_t(x) - f_t^{\mathrm{lin}}(x))^2 / \mathbb{E}_x f_t^{\mathrm{lin}}(x)^2",
    given=early(),
    assuming=(*HYPOTHESES, wide_layers),
    without={wide_layers: early(NARROW)},
    figure=as_in_figure_3,
)
def test_deep_network_follows_a_linear_model_on_cats_and_horses(run: Run) -> None:
    expect(relative_error(run, RATE), "relative MSE", scale="log(x)").at_most(SMALL)


@claim(
    cite=HU.at("section 4.2 and Appendix A", "24"),
    given={"cifar": early_on_cifar(), "mnist": early_on_mnist()},
    assuming=(*HYPOTHESES, wide_layers),
    without={wide_layers: early_on_mnist(NARROW // 2)},
    figure=outputs_and_relative_errors,
)
def test_deep_network_follows_a_linear_model_on_images_of_full_size(run: Run) -> None:
    """On images of full size a deep network follows a linear model of the inputs early in training.

    Hu et al. (2020), section 4.2: "The detailed setup and additional results for full-size CIFAR-10 and MNIST are
    deferred to Appendix A."

    Measured: the relative MSE as before, on 28x28 digits, 0 to 4 against the others, at quick with three hidden
    layers, and on 32x32 cats and horses, below the paper's size with one. The text has neither the tasks nor the sizes
    of Appendix A.
    """
    expect(relative_error(run, RATE), "relative MSE", scale="log(x)").at_most(SMALL)


@claim(
    cite=HU.at("section 4.2 and Figure 3 (c)", "23"),
    given=late(),
    assuming=(*HYPOTHESES, wide_layers, trained_for_the_linear_phase),
    without={trained_for_the_linear_phase: late(2 * EARLY)},
    figure=as_in_figure_3,
)
def test_network_leaves_its_linear_model_on_cats_and_horses(run: Run) -> None:
    """On cats and horses a network leaves its linear model of the inputs later.

    Hu et al. (2020), section 4.2 and Figure 3 (c): the relative MSE "grows afterwards".

    Measured: the relative MSE at the end over that after 20 steps, of networks of one hidden layer.
    """
    growth = growth_of_relative_error(run, RATE, early=EARLY)

    expect(growth, "relative MSE at the end over that after 20 steps", scale="log(x)").at_least(GROWN)
