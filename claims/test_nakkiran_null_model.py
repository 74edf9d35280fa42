"""The linear classifier explains early performance better than any classifier of its accuracy would.

Nakkiran et al. (2019), section 3 (Results and Discussion), footnote 7 and Table 2:

    Let l~ be a random classifier with I(L~; Y) = I(L; Y): l~(X) = Y with probability p, and random otherwise. Then
    mu_Y(F_T0; L~) / I(F_T0; Y) is small, while with the linear l it is much closer to 1.

Measured: mu_Y(F; L) / I(F; Y) minus the same for L~, at T0, on held-out points. L~ is not sampled: its joint law with F
follows from I(L~; Y) = I(L; Y) and its independence of F given Y.
"""

from fixtures.nakkiran.assumptions import NATURAL, linear_signal_at_the_inputs_scale
from fixtures.nakkiran.figures import information_over_steps
from fixtures.nakkiran.tasks import FIRST_5, HIDDEN_SIGNAL, TASKS
from fixtures.papers import NAKKIRAN, smaller
from gen_core import Runs, claim, expect
from gen_core.measures import LinearPhase, resampled_linear_phase, share_of_the_best_fit

# The ordering is the claim. 8 seeds give .207 (digits, sd .053) to .625 (product, sd .014), the control -.35.
ADVANTAGE = 0.0
# The paper's number, .80. 16 seeds at quick give .58 (sd .063), 8 at standard .55 (sd .071).
REPORTED = 0.80
# The paper's only example of "small". 8 seeds at quick give .41 (MNIST, sd .015), .52 (sinusoid) and .55 (digits).
SMALL = 0.31


@claim(
    cite=NAKKIRAN.at("section 3, footnote 7 and Table 2", "22"),
    formula=r"I(\tilde{L}; Y) = I(L; Y)",
    given={**TASKS, "cifar-first-5": FIRST_5},
    assuming=NATURAL,
    without={linear_signal_at_the_inputs_scale: HIDDEN_SIGNAL},
    figure=information_over_steps,
)
def test_linear_explains_more_than_the_null_model(run: Runs) -> None:
    expect(
        resampled_linear_phase(run, LinearPhase.advantage_at_T0), r"advantage of $L$ over $\tilde{L}$ at T0"
    ).at_least(ADVANTAGE)


@claim(
    cite=NAKKIRAN.at("section 3 (Results and Discussion), null model", "21"),
    formula=r"\mu_Y(F_{T_0}; \tilde{L}) / I(F_{T_0}; Y)",
    given={name: TASKS[name] for name in ("digits", "sinusoid", "mnist", "mnist-conv")},
    not_reproduced=smaller(
        "the ratio is .41 to .55; it is small only where L is weak: .20 (product), .05 (CIFAR first 5)"
    ),
    figure=information_over_steps,
)
def test_the_null_model_explains_little(run: Runs) -> None:
    """What a random classifier of L's information explains of the performance at T0 is small.

    Nakkiran et al. (2019), section 3: "It can be shown that this ratio is small, meaning that the performance of F_t is
    not well explained by L~".

    Measured: mu_Y(F; L~) / I(F; Y) at T0 on held-out points, against the paper's own example, .31. With unbiased labels
    and two classifiers of accuracy b it is (1 - h(b^2 + (1 - b)^2)) / (1 - h(b)), and so small only if b is near 1/2.
    On CIFAR it is .34, too near the limit for a case.
    """
    expect(resampled_linear_phase(run, LinearPhase.null_share_at_T0), r"$\mu(F;\tilde{L})/I(F;Y)$ at T0").at_most(SMALL)


@claim(
    cite=NAKKIRAN.at("section 3 (Results and Discussion), CIFAR (iii)", "21"),
    formula=r"\mu_Y(F_{T_0}; L) / I(F_{T_0}; Y) = 0.80",
    given=FIRST_5,
    assuming=NATURAL,
    not_reproduced=smaller("the ratio is .55 to .58 and the null model's .03, where the paper has .80 and .31"),
    figure=information_over_steps,
)
def test_linear_explains_four_fifths_of_first_5_against_last_5(run: Runs) -> None:
    """On CIFAR-10 first 5 against last 5 the linear model explains four fifths of the performance at T0.

    Nakkiran et al. (2019), section 3: "for CIFAR (iii), the linear model L has mu_Y(F_T0; L)/I(F_T0; Y) = 0.80 while
    the corresponding null model L~ has ratio mu_Y(F_T0; L~)/I(F_T0; Y) = 0.31". For this task l is "the linear
    classifier that best fits f_T0". The paper takes full images and convolutional networks of unnamed sizes.

    Measured: mu_Y(F; L) / I(F; Y) at T0 on held-out points, L being the logistic regression on the classes that f_T0
    gives to the training points. With the regression on the labels it is .47 (quick) and .54 (standard). The pair .80
    and .31 cannot belong to this task: a null ratio of .31 takes an accuracy of .78 of L, and the best here is .62.
    """
    expect(share_of_the_best_fit(run), r"$\mu(F;L)/I(F;Y)$ at T0", scale="-log(1 - x)").at_least(REPORTED)
