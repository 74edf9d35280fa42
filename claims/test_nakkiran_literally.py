"""At T0 almost all of the network's performance is explained by a linear classifier.

Nakkiran et al. (2019), section 2.2, Claim 1, read literally:

    mu_Y(F_t; L) ~ I(F_t; Y) for all t <= T0, "almost all of f_t's performance is explained by l", so that
    I(F_T0; Y | L) ~ 0.

Measured: mu_Y(F; L) / I(F; Y) at T0 on held-out points, against .95, where L is the logistic regression on the same
training points. "~" is .95 in both claims of this file; the bulk of Claim 1 and seven tenths of Claim 2 are judged in
test_nakkiran_linear_first.py and test_nakkiran_retention.py. The ratio is at most 1, and judged as -log(1 - x). The
sinusoid has 20 dimensions here: in 100 the ratio is .90 (16 seeds, sd .032), and takes 32 seeds or more.
"""

from fixtures.nakkiran.assumptions import NATURAL, RETAINED
from fixtures.nakkiran.figures import information_over_steps
from fixtures.nakkiran.retention import RETENTION
from fixtures.nakkiran.tasks import FIRST_5, SINUSOID_IN_20, TASKS
from fixtures.papers import NAKKIRAN, smaller
from gen_core import Runs, claim, expect
from gen_core.measures import LinearPhase, measure_retention, resampled_linear_phase, share_at_the_end

# A reading of "almost all" and "~". At T0 8 seeds at quick give .49 (CIFAR first 5 / last 5, sd .033), .76 (digits, sd
# .039) to .84 (product, sd .015), 16 on the sinusoid .93 (sd .008); at the end 8 give .82 (CIFAR, sd .024).
ALMOST_ALL = 0.95


@claim(
    cite=NAKKIRAN.at("Claim 1, read literally", "1"),
    formula=r"\mu_Y(F_t; L) \approx I(F_t; Y) \quad \text{for all } t \leq T_0",
    given={**TASKS, "sinusoid": SINUSOID_IN_20, "cifar-first-5": FIRST_5},
    assuming=NATURAL,
    not_reproduced=smaller(
        "16 to 24 % of I(F;Y) is left at T0 once L is known, on the sinusoid 7 %, on first 5 / last 5 half"
    ),
    figure=information_over_steps,
)
def test_almost_all_performance_at_t0_is_linear(run: Runs) -> None:
    share = resampled_linear_phase(run, LinearPhase.share_at_T0)

    expect(share, r"$\mu(F;L)/I(F;Y)$ at T0", scale="-log(1 - x)").at_least(ALMOST_ALL)


@claim(
    cite=NAKKIRAN.at("Claim 2, read literally", "3"),
    formula=r"\mu_Y(F_t; L) \approx I(L; Y) \quad \text{for } t > T_0",
    given=RETENTION["cifar"],
    assuming=RETAINED,
    not_reproduced=smaller(
        "on CIFAR .82 to .84 of I(L;Y) is explained at the end; on digits, MNIST and the product .95 to .98"
    ),
    figure=information_over_steps,
)
def test_almost_all_of_the_linear_classifier_is_retained(run: Runs) -> None:
    """At zero training error the network retains almost all that the linear classifier knows.

    Nakkiran et al. (2019), Claim 2, read literally: for t > T0, mu_Y(F_t; L) plateaus at a value of about I(L; Y).

    Measured: mu_Y(F; L) / I(L; Y) on held-out points once the training accuracy is 1, against .95. On digits (.98),
    MNIST (.97) and the product (.95 to .97) it comes out or lies at the limit: they are no cases here. The paper's two
    other tasks are cases neither here nor in test_nakkiran_retention.py; 8 seeds of each, trained to the end: on the
    sinusoid (n=4000) I(F; Y) never comes above .88 of I(L; Y), so that there is no T0, and the ratio ends at .71 (sd
    .019); on CIFAR first 5 / last 5 (n=2000) it ends at .62 (sd .071), and is .43 (sd .096) at the least since T0.
    """
    share = measure_retention(run, share_at_the_end)

    expect(share, r"$\mu(F;L)/I(L;Y)$ at training accuracy 1", scale="-log(1 - x)").at_least(ALMOST_ALL)
