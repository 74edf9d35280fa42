"""T0 is the first step at which the network performs as the linear classifier does.

Nakkiran et al. (2019), section 3, and section 2.2, Claim 1:

    T0 is the step in which I(F_t; Y) reaches the best linear performance, max_L' I(L'; Y).

Measured: the lesser of I(F_T0; Y) - I(L; Y) and I(L; Y) - I(F_t; Y) at the checkpoint t before T0, in bits, on held-out
points. The claims of this file are true by definition in every training, so that each control is a wrong measure; they
tell whether what other claims measure is what the paper defines.
"""

import torch

from fixtures.nakkiran.joint_tables import TABLES
from fixtures.nakkiran.tasks import TASKS
from fixtures.papers import NAKKIRAN
from gen_core import Mutation, Run, Runs, claim, expect
from gen_core.measures import (
    joint_table,
    linear_phase,
    logistic_classes,
    mutual_information,
    null_performance_correlation,
    share_at_the_end,
    share_retained,
    tables_of,
)

CHEAP = {name: TASKS[name] for name in ("digits", "product")}
ROUNDING = 1e-9  # float64 leaves 9e-16 (8 seeds); the largest share is off by .17, the null model of I(F;Y) by 1 bit
# Two optima of one convex function, found to a gradient of 1e-8, agree on all points in 8 seeds; one step from zero is
# off by .037 bits on digits, two by .035.
SAME = 0.005

LATE = Mutation("one-checkpoint-late", "T0 is taken one checkpoint late.")
LARGEST = Mutation("largest-for-least", "The share retained is the largest since T0 and not the least.")
ONE_STEP = Mutation("one-newton-step", "L is compared with the regression after one step of Newton's method.")
OF_F = Mutation("information-of-f", "The null model has the information of F and not that of L.")


@claim(cite=NAKKIRAN.at("section 3, T0", "2"), given=CHEAP, without={LATE: TASKS["product"]})
def test_t0_is_where_the_network_reaches_the_linear_classifier(run: Runs) -> None:
    phase = linear_phase(run)
    at = (phase.T0 + run.mutated_by(LATE))[:, None]
    reached, before = (phase.information.gather(1, t).squeeze(1) for t in (at, (at - 1).clamp(min=0)))
    margin = torch.minimum(reached - phase.linear, phase.linear - before)

    expect(margin, "lesser margin of $I(F;Y)$ around $I(L;Y)$, bits").always_at_least(0)


@claim(cite=NAKKIRAN.at("Claims 1 and 2, for all t", "1", "3"), given=CHEAP, without={LARGEST: TASKS["product"]})
def test_least_shares_are_at_most_those_at_the_ends(run: Runs) -> None:
    """What is explained at all steps up to T0, or from T0 on, is no more than what is explained at one of them.

    Nakkiran et al. (2019), Claim 1 is about all t <= T0, and Claim 2 about all t > T0.

    Measured: the least of mu_Y(F;L)/I(F;Y) at T0 minus its least up to T0, and of mu_Y(F;L)/I(L;Y) at T0 and at the
    end minus its least since T0.
    """
    phase = linear_phase(run)
    share = phase.correlation / phase.linear[:, None]
    retained = share.amax(1) if run.mutated_by(LARGEST) else share_retained(phase)
    there = share.gather(1, phase.T0[:, None]).squeeze(1)
    above = torch.stack(
        (there - retained, share_at_the_end(phase) - retained, phase.share_at_T0() - phase.least_share())
    )

    expect(above.amin(0), "what the least share leaves at the ends").always_at_least(-ROUNDING)


@claim(cite=NAKKIRAN.at("section 3, the best linear classifier", "1"), given=CHEAP, without={ONE_STEP: TASKS["digits"]})
def test_the_reference_is_the_optimal_linear_classifier(run: Runs) -> None:
    """L, to which the network is compared, is the optimum of the logistic loss on the training points.

    Nakkiran et al. (2019), section 3: if the population has a unique optimal linear classifier l*, l is l*.

    Measured: |I(L;Y) - I(L';Y)| in bits, L' being the same regression, fitted anew to the network's training points.
    """
    net, Y = run["net"], run["net"].y_test > 0
    L = logistic_classes(net.X, net.y, net.X_test, 1 if run.mutated_by(ONE_STEP) else 30)
    off = mutual_information(joint_table(L, L, Y).sum(-2)) - linear_phase(run).linear

    expect(off.abs(), "$|I(L;Y) - I(L';Y)|$, bits").always_at_most(SAME)


@claim(cite=NAKKIRAN.at("section 3, footnote 7", "23"), given=TABLES["dense"], without={OF_F: TABLES["dense"]})
def test_the_null_model_has_the_information_of_the_linear_classifier(run: Run) -> None:
    """The null model knows as much of the labels as the linear classifier.

    Nakkiran et al. (2019), footnote 7: l~ is Y with probability p and random otherwise, with I(L~;Y) = I(L;Y).

    Measured: |mu_Y(F;L~) - I(L;Y)| for F = Y, of which L~ explains just what it knows itself, I(L~;Y). The largest, in
    bits, over 2000 joint tables of L and Y in each seed.
    """
    pair = tables_of(run.X).sum(-3)
    known = torch.diag_embed(pair.sum(-2)) if run.mutated_by(OF_F) else pair
    of_perfect = torch.eye(2, dtype=pair.dtype)[:, None, :] * known.unsqueeze(-3)
    off = null_performance_correlation(of_perfect) - mutual_information(pair)

    expect(off.abs().amax(1), r"largest $|\mu(Y;\tilde{L}) - I(L;Y)|$, bits").always_at_most(ROUNDING)
