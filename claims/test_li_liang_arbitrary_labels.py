"""The network can fit arbitrary labels, and yet it generalizes on structured data.

Li & Liang (2018), section 4:

    "As long as m = poly(N, 1/delta'), where delta' is the minimal distance between each examples, we can actually fit
    arbitrary labels of the input data. However, [...] when the input data is actually structured (with small k, l and
    large delta), then SGD can actually achieve a small generalization error, even when the network has enough capacity
    to fit arbitrary labels of the training examples (and can also be done by SGD)."

Measured: the share of random labels that SGD fits by the time that the training loss is .2, with 500 units. They are
of 40 (quick), 100 (standard) or 1000 points.
"""

from fixtures.assumptions import held_out_apart
from fixtures.li_liang.assumptions import (
    clustered_classes,
    inputs_of_norm_one,
    rate_falls_with_width,
    separated_classes,
    starts_at_root_of_width,
    wide,
)
from fixtures.li_liang.structure import RANDOM, RANDOM_NARROW, TRUE, WITHOUT_COMPONENTS
from fixtures.papers import LI_LIANG
from gen_core import Run, claim, expect
from gen_core.measures import final_accuracy

# All labels, in 24 seeds; five units fit .1 to .6.
ALL = 0.99
# 1 - epsilon for an epsilon of .05. 16 seeds give 1.000, inputs of noise .09.
NEARLY_ALL = 0.95


@claim(
    cite=LI_LIANG.at("section 4, arbitrary labels", "5"),
    given=RANDOM,
    assuming=(separated_classes, inputs_of_norm_one, wide, rate_falls_with_width, starts_at_root_of_width),
    without={wide: RANDOM_NARROW},
)
def test_random_labels_are_fitted(run: Run) -> None:
    expect(run.train_accuracy, "share of random labels that are fitted").always_at_least(ALL)


@claim(
    cite=LI_LIANG.at("Theorem 4.1 and section 4", "1", "6"),
    formula=r"\Pr[\forall j \neq y, f_y(x, w^{(T)}) > f_j(x, w^{(T)})] \geq 1 - \varepsilon",
    given=TRUE,
    assuming=(
        clustered_classes,
        inputs_of_norm_one,
        wide,
        rate_falls_with_width,
        starts_at_root_of_width,
        held_out_apart,
    ),
    without={clustered_classes: WITHOUT_COMPONENTS},
)
def test_network_that_can_fit_random_labels_generalizes(run: Run) -> None:
    """A network of as many units, trained to the same loss on labels of components, classifies new points correctly.

    Li & Liang (2018), Theorem 4.1 and section 4: "SGD has a strong inductive bias on structured data: Instead of
    finding a bad global optima that can fit arbitrary labels, it actually finds those with good generalization
    guarantees."

    Measured: the share of 200 held-out points that are classified correctly, after training on 400 (quick), 500
    (standard) or 1000 points. Only at the paper's sizes are the random labels above as many.
    """
    expect(final_accuracy(run), "share of held-out points that are right").always_at_least(NEARLY_ALL)
