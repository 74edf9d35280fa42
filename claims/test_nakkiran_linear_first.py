"""SGD learns a linear function first.

Nakkiran et al. (2019), section 2.2, Claim 1 (restated) and Figure 4:

    In natural settings there is a linear classifier l and a step T0 such that mu_Y(F_t; L) ~ I(F_t; Y) for all
    t <= T0: almost all of f_t's performance is explained by l. At T0, I(F_T0; Y) ~ I(L; Y). In Figure 4 "the bulk of
    the increase in performance is attributed to the linear classifier".

Measured: min of mu_Y(F_t; L) / I(F_t; Y) over the checkpoints t <= T0, on held-out points, where L is the logistic
regression on the same training points and I(F_t; Y) is at least a quarter of I(L; Y): near chance both are sampling
noise. The bulk is more than half. The literal reading, a ratio of about 1 at T0, is judged beside it.
"""

from fixtures.assumptions import OF_TESTED_NETWORKS
from fixtures.nakkiran.assumptions import linear_signal_at_the_inputs_scale
from fixtures.nakkiran.figures import information_over_steps
from fixtures.nakkiran.tasks import HIDDEN_SIGNAL, TASKS
from fixtures.papers import NAKKIRAN
from gen_core import Runs, claim, expect
from gen_core.measures import LinearPhase, resampled_linear_phase

# More than half, the paper's "bulk". 8 seeds give .761 (digits, sd .050) to .915 (sinusoid, sd .011), the control -.15.
BULK = 0.5
# A reading of "almost all" and "~". 8 seeds give .773 (digits, sd .048) to .836 (cifar, sd .012).
ALMOST_ALL = 0.95
NATURAL = (linear_signal_at_the_inputs_scale, *OF_TESTED_NETWORKS)


@claim(
    cite=NAKKIRAN.at("Claim 1 and Figure 4"),
    formula=r"\mu_Y(F_t; L) \approx I(F_t; Y) \quad \text{for all } t \leq T_0",
    given=TASKS,
    assuming=NATURAL,
    without={linear_signal_at_the_inputs_scale: HIDDEN_SIGNAL},
    figure=information_over_steps,
)
def test_the_bulk_of_early_performance_is_linear(run: Runs) -> None:
    expect(resampled_linear_phase(run, LinearPhase.least_share), "min mu(F;L)/I(F;Y) up to T0").at_least(BULK)


@claim(
    cite=NAKKIRAN.at("Claim 1, read literally"),
    formula=r"\mu_Y(F_t; L) \approx I(F_t; Y) \quad \text{for all } t \leq T_0",
    given={name: TASKS[name] for name in ("digits", "product", "mnist", "mnist-conv", "cifar")},
    assuming=NATURAL,
    not_reproduced="16 to 24 % of I(F;Y) is left at T0 once L is known; only the sinusoid comes near, with 8 %",
    figure=information_over_steps,
)
def test_almost_all_performance_at_t0_is_linear(run: Runs) -> None:
    """At T0 almost all of the network's performance is explained by a linear classifier.

    Nakkiran et al. (2019), Claim 1 read literally: mu_Y(F_T0; L) ~ I(F_T0; Y), so that I(F_T0; Y | L) ~ 0.

    Measured: mu_Y(F; L) / I(F; Y) at T0 on held-out points, against .95.
    """
    expect(resampled_linear_phase(run, LinearPhase.share_at_T0), "mu(F;L)/I(F;Y) at T0").at_least(ALMOST_ALL)
