"""Executable claims about generalization: declare, train, judge. This index is the public vocabulary."""

from gen_core.assuming import Assumption, assumption
from gen_core.claim import Case, Citation, Claim, Paper, claim
from gen_core.errors import (
    AssumptionViolated,
    DataDamaged,
    DataMissing,
    GenCoreError,
    Inconclusive,
    InvalidClaim,
    InvalidExperiment,
    Refuted,
    StoreFailure,
    Unfinished,
    UnknownCase,
)
from gen_core.expect import expect
from gen_core.experiment import Experiment
from gen_core.loading import load
from gen_core.losses import CrossEntropy, Logistic, Square
from gen_core.models.networks import MLP, ConvNet
from gen_core.models.sparse import SparseLinear
from gen_core.models.two_layer import LiLiang, Linear, TwoLayer
from gen_core.rules import GD, SGD, AdaGrad, Adam, Momentum, Newton
from gen_core.run import Mutation, Run, Runs
from gen_core.schedule import Every, Geometric, Stop
from gen_core.settings import Arms, AtScale, Sweep
from gen_core.types import Data, Dataset, Derived, Measured

__all__ = [
    "GD",
    "MLP",
    "SGD",
    "AdaGrad",
    "Adam",
    "Arms",
    "Assumption",
    "AssumptionViolated",
    "AtScale",
    "Case",
    "Citation",
    "Claim",
    "ConvNet",
    "CrossEntropy",
    "Data",
    "DataDamaged",
    "DataMissing",
    "Dataset",
    "Derived",
    "Every",
    "Experiment",
    "GenCoreError",
    "Geometric",
    "Inconclusive",
    "InvalidClaim",
    "InvalidExperiment",
    "LiLiang",
    "Linear",
    "Logistic",
    "Measured",
    "Momentum",
    "Mutation",
    "Newton",
    "Paper",
    "Refuted",
    "Run",
    "Runs",
    "SparseLinear",
    "Square",
    "Stop",
    "StoreFailure",
    "Sweep",
    "TwoLayer",
    "Unfinished",
    "UnknownCase",
    "assumption",
    "claim",
    "expect",
    "load",
]
