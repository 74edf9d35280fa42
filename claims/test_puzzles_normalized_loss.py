"""At equal training loss, the training loss of the normalized networks orders them by test error.

Anonymous (2019), sections 1 and 3, Figure 2:

    Networks of one architecture are trained to separate one training set from different initializations. Dividing each
    by the product of the Frobenius norms of its layers leaves its classification as it is; "the empirical cross-entropy
    loss of f~ on the training set predicts rather well how networks will perform on a test set", and it predicts the
    "ranking of classification error".

Measured: Spearman's correlation over a family, by initialization scale or by the share of random labels in pretraining,
of the normalized training loss with the test error, per seed, minus its mean where each network is divided by another
one's norms. That null is needed: the line of test over training loss that Figure 2 draws comes out with any norms. All
networks stop at one loss, which makes the order decisive, and nine tenths of them must reach it; others are left out.
Behind pretraining it takes a third layer: two layers of 64 or 256 units, on 500 points, have a correlation of .24 or
-.64.

It cannot be told from the order of the starts: at equal training loss the normalized loss follows the axis of the
family (rank correlations of .91 to 1.00) and so does the test error, which goes with the product of norms alone as well
(.89 to .98) as with the normalized loss (.89 to .98; 8 seeds of families of six to ten networks).
"""

from torch import Tensor

from fixtures.papers import PUZZLES
from fixtures.puzzles.assumptions import FAMILY, separated
from fixtures.puzzles.families import COME, FAMILIES, SCARCELY_TRAINED
from fixtures.puzzles.figures import losses
from gen_core import Measured, Mutation, Runs, claim, expect
from gen_core.measures import advantage_of_norms, loss_ordering, norm_products, of_those_that_stopped

# Half of the correlation that is possible. Medians of 17 seeds are 1.28 (digits) to 1.40 (mnist), the controls .15
# and -.86; without the null .90 (digits, fashion) to 1.00 (cifar, conv, pretrained), the control -.8.
HALF = 0.5

UNNORMALIZED = Mutation("unnormalized", "The losses are those of the networks as they are.")
OF_OTHERS = Mutation("others-norms", "Each network is divided by the norms of the one half the family further.")


@claim(
    cite=PUZZLES.at("sections 1 and 3, Figure 2 (b)", "24"),
    given=FAMILIES,
    assuming=FAMILY,
    without={separated: SCARCELY_TRAINED, OF_OTHERS: FAMILIES["digits"]},
    figure=losses,
)
def test_normalized_training_loss_orders_test_errors(run: Runs) -> None:
    shifted = int(run.mutated_by(OF_OTHERS))

    def advantage(came: Runs) -> Tensor | Measured:
        return advantage_of_norms(came, norm_products(came).roll(shifted * (len(came) // 2), 0))

    ordering = of_those_that_stopped(run, advantage, COME)
    expect(ordering, "rank correlation, own minus other norms").typically_at_least(HALF)


@claim(
    cite=PUZZLES.at("sections 1 and 3, Figure 2 (b)", "24"),
    given=FAMILIES,
    assuming=FAMILY,
    without={UNNORMALIZED: FAMILIES["digits"]},
)
def test_normalized_training_loss_goes_with_test_error(run: Runs) -> None:
    """At equal training loss, networks of larger normalized training loss have larger test errors.

    Anonymous (2019), section 1: "the empirical cross-entropy loss of f~ on the training set predicts rather well how
    networks will perform on a test set".

    Measured: Spearman's correlation of the two over a family, per seed, without the null of other networks' norms.
    """
    normalize = not run.mutated_by(UNNORMALIZED)
    ordering = of_those_that_stopped(run, lambda came: loss_ordering(came, normalize=normalize), COME)
    expect(ordering, "rank correlation of normalized training loss and test error").typically_at_least(HALF)
