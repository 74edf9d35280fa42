"""The unadjusted Langevin algorithm escapes to infinity where the potential grows faster than a quadratic.

Roberts & Tweedie (1996), section 3, on densities whose tails are those of exp(-gamma |x|^beta):

    For beta > 2 the discretized diffusion is transient, whatever its step, although the diffusion itself converges to
    the density exponentially fast.

Measured: the share of seeds in which one of 64 chains in the potential x^4, all from its centre, has left the range of
floating-point numbers within 3000 steps. It is the noise that takes it there: from (2 rate)^-1/2 on, a step overshoots.
"""

from dataclasses import replace

import torch
from gen_core import Energy, Every, Experiment, Langevin, Run, claim, expect

from theory.figures import escape
from theory.hypotheses import noisy, superquadratic
from theory.papers import ROBERTS
from theory.potentials import Power

# Every transient chain escapes in the end; at a rate of .1, 64 seeds of numpy lose one of 20 chains in 1000 steps.
NEARLY_ALL = 0.9

chains = Experiment(
    model=Power(4, chains=64, spread=0.5),
    rule=Langevin(0.1, temperature=1.0),
    loss=Energy(),
    steps=3000,
    checkpoints=Every(20),
    watch=("weights",),
    may_diverge=True,
)


@claim(
    cite=ROBERTS.at("section 3"),
    formula=r"U_{n+1} \sim N(U_n + \tfrac{h}{2} \nabla \log \pi(U_n), h)",
    given=chains,
    assuming=[superquadratic, noisy],
    without={
        superquadratic: replace(chains, model=replace(chains.model, power=2)),
        noisy: replace(chains, rule=replace(chains.rule, temperature=0.0)),
    },
    figure=escape,
)
def test_langevin_escapes_where_the_potential_is_steep(run: Run) -> None:
    # A seed counts if its value is 1: one of its chains has escaped.
    expect(run.diverged.to(torch.float64), "1 where a chain has escaped").mostly_at_least(1, share=NEARLY_ALL)
