"""Training rules: what a step does, for a whole batch of seeds. This index names the contract and all rules."""

from gen_core.rules.contract import (
    ClosureRule,
    Gradient,
    GradientRule,
    NewtonRule,
    Particular,
    Rule,
    State,
    Streams,
    is_plain,
    keeps_on_device,
    momentum_of,
)
from gen_core.rules.descent import GD, SGD, AdaGrad, Adam, Momentum, move_all
from gen_core.rules.layerwise import Layerwise
from gen_core.rules.newton import Newton
from gen_core.rules.noise import Langevin, Noisy
from gen_core.rules.projection import Ball, L1Ball, L2Ball, Projected
from gen_core.rules.rates import Cosine, InverseTime, Rate, Schedule, Steps, constant_rate
from gen_core.rules.sharpness import SAM

__all__ = [
    "GD",
    "SAM",
    "SGD",
    "AdaGrad",
    "Adam",
    "Ball",
    "ClosureRule",
    "Cosine",
    "Gradient",
    "GradientRule",
    "InverseTime",
    "L1Ball",
    "L2Ball",
    "Langevin",
    "Layerwise",
    "Momentum",
    "Newton",
    "NewtonRule",
    "Noisy",
    "Particular",
    "Projected",
    "Rate",
    "Rule",
    "Schedule",
    "State",
    "Steps",
    "Streams",
    "constant_rate",
    "is_plain",
    "keeps_on_device",
    "momentum_of",
    "move_all",
]
