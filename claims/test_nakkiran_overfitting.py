"""A linear classifier that overfits by SGD keeps the accuracy of the simplest classifier.

Nakkiran et al. (2019), section 5, Theorem 1:

    Let y be uniform on -1 and +1, x = eta y e_1 + e_k in R^d with k uniform on {2, ..., d} and P(eta = -1) = p, and let
    n = o(sqrt(d)). Minimise mean (1 - y <w, x>)^2 by SGD from w0 with w0(1) >= -n^0.99 and |w0(i)| <= 1 - 2p - eps for
    all i > 1. Then with high probability the sample accuracy approaches 1 and the population accuracy 1 - p.

Measured: both accuracies once SGD has fitted the sample, the one on the population computed and not sampled; in every
seed of many settings, and in most of 128 seeds of two. eps is 5/sqrt(n), with which one sample in 3 million may fail,
and w0(1) >= -sqrt(n): the sample moves w(1) by w0(1) / n, which -n^0.99 makes small beyond any n that runs.
"""

from fixtures.nakkiran.assumptions import (
    bounded_start,
    first_weight_above_minus_n_to_the_99_percent,
    first_weight_above_minus_root_n,
    heavily_overparameterized,
    labels_contradicted_at_rate_p,
    start_ignores_the_sample,
)
from fixtures.nakkiran.figures import overfitting
from fixtures.nakkiran.overfitting import CROWDED, SMALL, SMALL_BEYOND, STARTS, at_the_edge, from_first
from fixtures.papers import NAKKIRAN
from gen_core import Run, claim, expect
from gen_core.measures import overfitted_accuracy, population_of

# A sample of n can move the population accuracy by n / 2d, which is 3e-9 at most here; 8 seeds leave 1e-10 (n=400) and
# 3e-10 (n=1600). The controls miss 1 - p by .2 (bound broken, p=.3) to .8 (w0(1) = -n, p=.1).
SLACK = 1e-3
MOST_SEEDS = 0.9  # "with high probability", as far as 128 seeds can tell: without a failure they show .92
# Opposite demands on one weight have a chance of 5e-6; the controls come to .86 (n=400, sd .12) and .905 (n=1600).
ALL = 1.0
START = r"w_0(1) \geq -n^{0.99}, \quad |w_0(i)| \leq 1 - 2p - \varepsilon \quad \text{for all } i > 1"
SHARED = (labels_contradicted_at_rate_p, bounded_start, start_ignores_the_sample)
LAW = (*SHARED, heavily_overparameterized, first_weight_above_minus_root_n)


@claim(
    cite=NAKKIRAN.at("Theorem 1", "35"),
    formula=START,
    given=STARTS,
    assuming=LAW,
    without={
        bounded_start: {f"p{p}": at_the_edge(p, side=-1) for p in (0.1, 0.2, 0.3)},
        first_weight_above_minus_root_n: from_first(0.1, lambda n: -float(n)),
        start_ignores_the_sample: at_the_edge(0.1, peek="aligned"),
    },
    figure=overfitting,
)
def test_population_accuracy_of_the_overfitted_classifier_is_1_minus_p(run: Run) -> None:
    clean = 1 - population_of(run.experiment).p

    expect(overfitted_accuracy(run), "population accuracy").always_between(clean - SLACK, clean + SLACK)


@claim(
    cite=NAKKIRAN.at("Theorem 1, with high probability", "35"),
    formula=START,
    given=SMALL,
    assuming=LAW,
    without={bounded_start: SMALL_BEYOND},
    figure=overfitting,
)
def test_population_accuracy_is_1_minus_p_with_high_probability(run: Run) -> None:
    off = (overfitted_accuracy(run) - 1 + population_of(run.experiment).p).abs()

    expect(off, r"$|\text{population accuracy} - (1 - p)|$").mostly_at_most(SLACK, share=MOST_SEEDS)


@claim(
    cite=NAKKIRAN.at("Theorem 1, sample accuracy", "35"),
    formula=START,
    given={name: STARTS[name] for name in ("edge-p0.1", "zero", "minus-root-n-p0.3")},
    assuming=LAW,
    without={heavily_overparameterized: CROWDED},
    figure=overfitting,
)
def test_sample_accuracy_comes_to_1(run: Run) -> None:
    expect(run.train_accuracy, "sample accuracy").always_at_least(ALL)


@claim(
    cite=NAKKIRAN.at("Theorem 1, w0(1) >= -n^0.99", "35"),
    formula=START,
    given={f"p{p}": from_first(p, lambda n: -(float(n) ** 0.99)) for p in (0.1, 0.3)},
    assuming=(*SHARED, heavily_overparameterized, first_weight_above_minus_n_to_the_99_percent),
    not_reproduced="w(1) ends near 1 - 2p - n^-0.01, below 0 up to n = (1 - 2p)^-100 (5e9 at p=.1), so accuracy is p",
    figure=overfitting,
)
def test_population_accuracy_is_1_minus_p_from_the_lowest_first_weight(run: Run) -> None:
    """A linear classifier that starts with w0(1) = -n^0.99 overfits to a population accuracy of 1 - p.

    Nakkiran et al. (2019), Theorem 1, at the lowest w0(1) that it allows: the statement is asymptotic in n.

    Measured: the population accuracy once SGD has fitted the sample, against 1 - p.
    """
    clean = 1 - population_of(run.experiment).p

    expect(overfitted_accuracy(run), "population accuracy").always_between(clean - SLACK, clean + SLACK)
