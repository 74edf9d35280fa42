"""A network that fits random labels generalizes as badly as possible.

Zhang et al., "Theory of Deep Learning III" (2017), sections 1 and 3, Figure 2:

    With random labels "the expected error is at chance level throughout; the training error is zero for n < W": "the
    worst possible generalization error is observed".

Measured: the held-out error minus the training error of a network with W = 19,210 weights, averaged over n = 100, 200
and 300 points with random labels of ten classes, per seed. No network does better than chance on labels that are drawn
after its training points; this one fits them nevertheless, and a leak would show.
"""

import torch

from fixtures.assumptions import OF_TESTED_NETWORKS, held_out_apart
from fixtures.papers import THEORY_III
from fixtures.theory_iii.assumptions import labels_without_a_signal
from fixtures.theory_iii.figures import errors_over_points
from fixtures.theory_iii.random_labels import LEAKING, NATURAL, RANDOM
from gen_core import Runs, claim, expect
from gen_core.measures import held_out_errors, require_stopped, resampled_test_points

# Ten classes, and a fifth of what a leak of one point in ten costs, .09. 8 seeds give .899 (sd .004), the controls .81
# (leak) and .10 (true labels).
CHANCE, NEAR = 0.9, 0.02


@claim(
    cite=THEORY_III.at("sections 1 and 3, Figure 2", "15"),
    given=RANDOM,
    assuming=(labels_without_a_signal, *OF_TESTED_NETWORKS),
    without={labels_without_a_signal: NATURAL, held_out_apart: LEAKING},
    figure=errors_over_points,
)
def test_random_labels_have_the_largest_generalization_gap(run: Runs) -> None:
    require_stopped(run)
    train = 1 - torch.stack([network.train_accuracy for network in run]).mean(0)
    gap = resampled_test_points(run, held_out_errors(run), lambda errors: errors.mean(-2) - train)

    expect(gap, "held-out minus training error").between(CHANCE - NEAR, CHANCE + NEAR)
