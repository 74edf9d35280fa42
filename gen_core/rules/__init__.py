"""Training rules: what a step does, for a whole batch of seeds. This index names the contract and all rules."""

from gen_core.rules.contract import GradientRule, NewtonRule, Particular, Rule, State, Streams, is_plain
from gen_core.rules.descent import GD, SGD, AdaGrad, Adam, Momentum
from gen_core.rules.newton import Newton

__all__ = [
    "GD",
    "SGD",
    "AdaGrad",
    "Adam",
    "GradientRule",
    "Momentum",
    "Newton",
    "NewtonRule",
    "Particular",
    "Rule",
    "State",
    "Streams",
    "is_plain",
]
