"""SGD learns a linear function first.

Nakkiran et al. (2019), section 2.2, Claim 1 (restated) and Figure 4:

    In natural settings there is a linear classifier l and a step T0 such that mu_Y(F_t; L) ~ I(F_t; Y) for all
    t <= T0: almost all of f_t's performance is explained by l. At T0, I(F_T0; Y) ~ I(L; Y). In Figure 4 "the bulk of
    the increase in performance is attributed to the linear classifier".

Measured: min of mu_Y(F_t; L) / I(F_t; Y) over the checkpoints t <= T0, on held-out points, where L is the logistic
regression on the same training points and I(F_t; Y) is at least a quarter of I(L; Y): near chance both are sampling
noise. The bulk is more than half. The literal reading, a ratio of about 1, is judged in test_nakkiran_literally.py.

Of the paper's four tasks CIFAR first 5 / last 5 is missing here, as it lies at the limit and cannot be decided: .45 at
quick (16 seeds, sd .054) and .50 at standard (8, sd .045), and, with the L that the paper takes there, the linear
classifier that best fits f_T0, .55 (sd .052) and .50 (sd .079). It is among the cases of the two other claims on T0.
"""

from fixtures.nakkiran.assumptions import NATURAL, linear_signal_at_the_inputs_scale
from fixtures.nakkiran.figures import information_over_steps
from fixtures.nakkiran.tasks import HIDDEN_SIGNAL, TASKS
from fixtures.papers import NAKKIRAN
from gen_core import Runs, claim, expect
from gen_core.measures import LinearPhase, resampled_linear_phase

# More than half, the paper's "bulk". 8 seeds give .761 (digits, sd .050) to .915 (sinusoid, sd .011), the control -.15.
BULK = 0.5


@claim(
    cite=NAKKIRAN.at("Claim 1 and Figure 4", "1", "17", "19", "39"),
    formula=r"\mu_Y(F_t; L) \approx I(F_t; Y) \quad \text{for all } t \leq T_0",
    given=TASKS,
    assuming=NATURAL,
    without={linear_signal_at_the_inputs_scale: HIDDEN_SIGNAL},
    figure=information_over_steps,
)
def test_the_bulk_of_early_performance_is_linear(run: Runs) -> None:
    expect(resampled_linear_phase(run, LinearPhase.least_share), r"min $\mu(F;L)/I(F;Y)$ up to T0").at_least(BULK)
