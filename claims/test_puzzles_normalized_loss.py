"""At equal training loss, the training loss of the normalized networks orders them by test error.

Anonymous (2019), sections 1 and 3, Figure 2:

    Networks of one architecture are trained to separate one training set from different initializations. Dividing each
    by the product of the Frobenius norms of its layers leaves its classification as it is; "the empirical cross-entropy
    loss of f~ on the training set predicts rather well how networks will perform on a test set", and it predicts the
    "ranking of classification error", while "there is no clear relation" for the unnormalized loss.

Measured: Spearman's correlation over a family, by initialization scale or by the share of random labels in pretraining,
of the normalized training loss with the test error, per seed, minus its mean where each network is divided by another
one's norms. That null is needed: the line of test over training loss that Figure 2 draws comes out with any norms. All
networks stop at one loss, which makes the order decisive. Behind pretraining it takes a third layer: two layers of 64
or 256 units, on 500 points, have a correlation of .24 or -.64.
"""

from fixtures.assumptions import OF_TESTED_NETWORKS
from fixtures.papers import PUZZLES
from fixtures.puzzles.assumptions import no_biases, positively_homogeneous, separated
from fixtures.puzzles.families import EARLY, FAMILIES, SCARCELY_TRAINED
from fixtures.puzzles.figures import losses
from gen_core import Runs, claim, expect
from gen_core.measures import advantage_of_own_norms, unnormalized_ordering

# Half of the correlation that is possible. 16 seeds give 1.15 (mnist, sd .08), 1.05 (digits, sd .07), 1.21 (fashion,
# sd .06), 1.09 (cifar, sd .05), 1.12 (conv, sd .09) and 1.19 (pretrained, sd .07), the control .01 (sd .09).
ADVANTAGE = 0.5
# No order as the test errors have it. 16 seeds give -.72 (mnist, sd .11) and -.66 (digits, sd .24), the control .79
# (sd .09). A limit of 0.2 was tried too: the verdicts are the same.
NO_ORDER = 0.0

FAMILY = (separated, positively_homogeneous, no_biases, *OF_TESTED_NETWORKS)


@claim(
    cite=PUZZLES.at("sections 1 and 3, Figure 2 (b)"),
    given=FAMILIES,
    assuming=FAMILY,
    without={separated: SCARCELY_TRAINED},
    figure=losses,
)
def test_normalized_training_loss_orders_test_errors(run: Runs) -> None:
    expect(advantage_of_own_norms(run), "rank correlation, own minus other norms").at_least(ADVANTAGE)


@claim(
    cite=PUZZLES.at("section 1, Figure 2 (a)"),
    given={name: FAMILIES[name] for name in ("mnist", "digits")},
    assuming=FAMILY,
    without={separated: EARLY},
    figure=losses,
)
def test_unnormalized_training_loss_does_not_order_test_errors(run: Runs) -> None:
    """The training loss of the networks as they are does not order them by test error.

    Anonymous (2019), section 1, Figure 2 (a): "There is no clear relation between training and test cross-entropy loss
    in the same way that there is not between classification error in training and testing."

    Measured: Spearman's correlation over initialization scales of the training loss with the test error, per seed.
    All networks stop at a loss of 0.01; those that start larger, which generalize worse, end a little further below it.
    """
    expect(unnormalized_ordering(run), "rank correlation, unnormalized").at_most(NO_ORDER)
