"""Dividing every layer by its norm divides a network without biases by a number.

Anonymous (2019), section 2, eq. (1):

    The positive homogeneity of ReLU networks implies f(W_1, ..., W_K; x) = rho_1 ... rho_K f~(x), where
    W_k = rho_k W~_k and |W~_k| = 1, and f~ is the network with the normalized weight matrices W~_k.

Measured: max |f - rho_1 ... rho_K f~| / max |f| over held-out points and outputs, with the Frobenius norms, at
initialization and after training.
"""

from fixtures.papers import PUZZLES
from fixtures.puzzles.assumptions import no_biases, positively_homogeneous
from fixtures.puzzles.homogeneous import BIASED, HOMOGENEOUS, OTHER_ACTIVATIONS
from gen_core import Run, claim, expect
from gen_core.measures import changed_decisions, homogeneity_gap

# Rounding in float64 leaves 2e-15 (10 layers, 8 seeds); the controls leave .6 (biases) and more.
ROUNDING = 1e-12
# No point at all, over 8 seeds; in the controls' worst seeds .36 (tanh, convolutional) to .98 (softplus) change.
NONE = 0.0


@claim(
    cite=PUZZLES.at("eq. (1)"),
    formula=r"f(W_1, \cdots, W_K; x) = \rho_1 \cdots \rho_K \tilde{f}(x)",
    given=HOMOGENEOUS,
    assuming=(positively_homogeneous, no_biases),
    without={positively_homogeneous: OTHER_ACTIVATIONS, no_biases: BIASED},
)
def test_network_is_the_product_of_norms_times_the_normalized_one(run: Run) -> None:
    expect(homogeneity_gap(run), "max |f - rho f~| / max |f|").always_at_most(ROUNDING)


@claim(
    cite=PUZZLES.at("section 2, after eq. (1)"),
    formula=r"\tilde{f}(x) := f(\tilde{W}_1, \dots, \tilde{W}_K; x)",
    given=HOMOGENEOUS,
    assuming=(positively_homogeneous, no_biases),
    without={positively_homogeneous: OTHER_ACTIVATIONS, no_biases: BIASED},
)
def test_normalized_network_decides_as_the_network_does(run: Run) -> None:
    """Normalization does not change a network's decisions.

    Anonymous (2019), section 2: f and f~ have the same classification performance on any data set.

    Measured: the share of held-out points, in ten classes, that f and f~ put into different ones.
    """
    expect(changed_decisions(run), "share of changed decisions").always_at_most(NONE)
