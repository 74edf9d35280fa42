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
ROUNDING = 1e-9  # float64; the largest share in place of the least is off by .17 in 8 seeds
# Two optima of one convex function, found to a gradient of 1e-8, agree on all points in 8 seeds; one step from zero is
# off by .037 bits on digits, two by .035.
SAME = 0.005
HALVED = 1e-9  # q is halved 54 times in float64; 8 seeds leave 9e-16, the null model of I(F;Y) is off by 1 bit
