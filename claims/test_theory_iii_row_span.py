"""Descent from zero never leaves the span of the rows.

Zhang et al., "Theory of Deep Learning III" (2017), section 9.6, Lemma 3:

    A step of gradient descent or SGD on L(w) = |Xw - y|^2 / 2n changes w by X^T e for some e. Started at w = 0, every
    iterate is therefore of the form w_t = X^T alpha_t.

Measured: the largest part of the iterates off the row span, |P w_t| / |w_T| over the checkpoints t, where P is the
projection off the row span, in every seed.
"""

from fixtures.papers import THEORY_III
from fixtures.theory_iii.assumptions import (
    full_row_rank,
    starts_at_zero,
    starts_off_the_row_span,
    steps_along_gradients,
    underdetermined,
)
from fixtures.theory_iii.figures import part_off_the_row_span
from fixtures.theory_iii.regressions import DESCENTS, FROM_ANYWHERE, adagrad, gd, momentum, sgd
from gen_core import Momentum, Run, claim, expect
from gen_core.measures import (
    interpolating_weights,
    iterates_in_the_row_span,
    minimum_norm,
    off_row_span,
    relative_distance,
)
from gen_core.rules import constant_rate

# Rounding: 8 seeds leave 1e-15 to 8e-15; AdaGrad .98, .43 (limit) and 1.7 (sum), another start 1 (span) and 1.2 (sum).
TOLERANCE = 1e-10


@claim(
    cite=THEORY_III.at("section 9.6, Lemma 3", "96"),
    formula=r"w_t = \sum_{\tau=0}^{t-1} -\eta_\tau X^\top e_\tau = X^\top (-\sum_{\tau=0}^{t-1} \eta_\tau e_\tau)",
    given=DESCENTS,
    assuming=(underdetermined, full_row_rank, starts_at_zero, steps_along_gradients),
    without={starts_at_zero: gd(model=FROM_ANYWHERE), steps_along_gradients: adagrad()},
    figure=part_off_the_row_span,
)
def test_iterates_stay_in_the_span_of_the_rows(run: Run) -> None:
    off = off_row_span(run.X, run.watched("weights.w")).norm(dim=-1).amax(1) / run.w.norm(dim=-1)

    expect(off, r"max $\|P w_t\| / \|w_T\|$").always_at_most(TOLERANCE)


@claim(
    cite=THEORY_III.at("section 9.6, proof of Lemma 3", "97", "98"),
    formula=r"w_{t+1} = w_t - \eta_t \nabla_w L(w_t) = w_t - \eta_t X^\top e_t",
    given={build.__name__: build(model=FROM_ANYWHERE) for build in (gd, sgd, momentum)},
    assuming=(underdetermined, full_row_rank, starts_off_the_row_span, steps_along_gradients),
    without={steps_along_gradients: adagrad(model=FROM_ANYWHERE)},
    figure=part_off_the_row_span,
)
def test_limit_keeps_the_start_off_the_row_span(run: Run) -> None:
    """Descent keeps what it starts with off the span of the rows.

    Zhang et al. (2017), section 9.6, from the proof of Lemma 3: steps lie in the row span, so that the part of w_0 off
    it is never changed, and the limit is w+ + P w_0, with P the projection off the row span.

    Measured: |w_T - (w+ + P w_0)| / |w+ + P w_0| in every seed, once |Xw - y| / |y| has come below 1e-9.
    """
    limit = minimum_norm(run.X, run.y) + off_row_span(run.X, run.initial("w"))

    expect(
        relative_distance(interpolating_weights(run), limit), r"$\|w - (w_+ + P w_0)\| / \|w_+ + P w_0\|$"
    ).always_at_most(TOLERANCE)


@claim(
    cite=THEORY_III.at("section 9.6, Lemma 3", "96"),
    formula=r"w_t = X^\top (-\sum_{\tau=0}^{t-1} \eta_\tau e_\tau)",
    given={name: DESCENTS[name] for name in ("gd", "gd-condition-10", "heavy-ball", "nesterov")},
    assuming=(underdetermined, full_row_rank, starts_at_zero, steps_along_gradients),
    without={starts_at_zero: gd(model=FROM_ANYWHERE), steps_along_gradients: adagrad()},
    figure=part_off_the_row_span,
)
def test_iterates_sum_the_residuals(run: Run) -> None:
    """Every iterate of descent from zero is X^T times the sum of the residuals so far, each times minus the rate.

    Zhang et al. (2017), section 9.6, Lemma 3: w_t = X^T alpha_t, with alpha_t the sum of -eta e_tau over tau < t.

    Measured: the largest distance of w_t from X^T alpha_t, over |w_T| and over checkpoints t, in every seed, for full
    batches. alpha_t comes from a recursion of its own, of n numbers and no weights; momentum gives it a velocity.
    """
    rule = run.experiment.parts.rule
    with_momentum = {"momentum": rule.momentum, "nesterov": rule.nesterov} if isinstance(rule, Momentum) else {}
    w = iterates_in_the_row_span(run.X, run.y, constant_rate(rule.rate), run.checkpoints, **with_momentum)

    off = (run.watched("weights.w") - w).norm(dim=-1).amax(1) / run.w.norm(dim=-1)
    expect(off, r"max $\|w_t - X^\top \alpha_t\| / \|w_T\|$").always_at_most(TOLERANCE)
