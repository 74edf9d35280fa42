"""Dividing every layer by its norm divides a network without biases by a number.

Anonymous (2019), section 2, eq. (1):

    The positive homogeneity of ReLU networks implies f(W_1, ..., W_K; x) = rho_1 ... rho_K f~(x), where
    W_k = rho_k W~_k and |W~_k| = 1, and f~ is the network with the normalized weight matrices W~_k.

Measured: max |f - rho_1 ... rho_K f~| / max |f| over held-out points and outputs, with the Frobenius norms, at
initialization and after training.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from fixtures.papers import PUZZLES
from fixtures.puzzles.assumptions import no_biases, positively_homogeneous
from fixtures.puzzles.families import FAMILIES
from fixtures.puzzles.homogeneous import BIASED, HOMOGENEOUS, OTHER_ACTIVATIONS
from gen_core import Mutation, Run, Runs, claim, expect
from gen_core.measures import (
    changed_decisions,
    held_out_errors,
    held_out_losses,
    homogeneity_gap,
    norm_products,
    train_losses,
    unit_divisors,
)

# Rounding in float64 leaves 2e-15 (10 layers, 8 seeds); the controls leave .6 (biases) and more.
ROUNDING = 1e-12
# No point at all, over 8 seeds; in the controls' worst seeds .36 (tanh, convolutional) to .98 (softplus) change.
NONE = 0.0
# Rounding in float32 leaves 4e-7 (8 seeds); without normalization it is 2.3.
ROUNDING_32 = 1e-5

UNNORMALIZED = Mutation("unnormalized", "The losses are those of the networks as they are.")


@claim(
    cite=PUZZLES.at("eq. (1)", "5"),
    formula=r"f(W_1, \cdots, W_K; x) = \rho_1 \cdots \rho_K \tilde{f}(x)",
    given=HOMOGENEOUS,
    assuming=(positively_homogeneous, no_biases),
    without={positively_homogeneous: OTHER_ACTIVATIONS, no_biases: BIASED},
)
def test_network_is_the_product_of_norms_times_the_normalized_one(run: Run) -> None:
    expect(homogeneity_gap(run), r"max $|f - \rho \tilde{f}|$ / max $|f|$").always_at_most(ROUNDING)


@claim(
    cite=PUZZLES.at("section 2, after eq. (1)", "6", "7"),
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


@claim(
    cite=PUZZLES.at("eq. (1) and section 2", "5"),
    formula=r"W_k = \rho_k \tilde{W}_k, \quad \|\tilde{W}_k\| = 1",
    given=FAMILIES["digits"],
    assuming=(positively_homogeneous, no_biases),
    without={UNNORMALIZED: FAMILIES["digits"]},
)
def test_normalized_losses_are_those_of_unit_layers(run: Runs) -> None:
    """The losses of outputs divided by the product of norms are those of the network whose layers have norm one.

    Anonymous (2019), eq. (1) and section 2: f~ has the weight matrices W_k / |W_k|, and f and f~ have the same
    classification performance. All claims about normalized losses rest on this.

    Measured: the largest difference, over a family, of the training loss, the test loss and the test error that these
    claims take and those that plain torch gives for the network with every matrix divided by its own norm.
    """
    rho = unit_divisors(run) if run.mutated_by(UNNORMALIZED) else norm_products(run)
    taken = [train_losses(run, rho), held_out_losses(run, rho).mean(-1), held_out_errors(run).mean(-1)]
    difference = torch.stack(taken, 1) - torch.stack([_with_unit_layers(network) for network in run])

    expect(difference.abs().amax((0, 1)), "largest difference in loss or error").always_at_most(ROUNDING_32)


def _with_unit_layers(run: Run) -> Tensor:
    """Training loss, test loss and test error, (3, seeds)."""
    unit = {name: W / W.flatten(1).square().sum(1).sqrt().view(-1, 1, 1) for name, W in run.parameters.items()}
    points = ((run.X, run.y), (run.X_test, run.y_test))
    losses = [cross_entropy(run.model.forward(unit, X).mT, y, reduction="none").mean(1) for X, y in points]
    wrong = run.outputs(run.X_test).argmax(-1) != run.y_test
    return torch.stack([*losses, wrong.double().mean(1)])
