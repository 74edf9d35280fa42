"""Executable claims about generalization: declare, train, judge. This index is the public vocabulary."""

from gen_core.claim import Assumption, Case, Citation, Claim, Paper, assumption, claim
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
from gen_core.rules import (
    GD,
    SAM,
    SGD,
    AdaGrad,
    Adam,
    Cosine,
    InverseTime,
    L1Ball,
    L2Ball,
    Langevin,
    Momentum,
    Newton,
    Noisy,
    Projected,
    Steps,
)
from gen_core.run import Mutation, Run, Runs
from gen_core.schedule import Every, Geometric, Stop
from gen_core.settings import Arms, AtScale, Sweep
from gen_core.types import Data, Dataset, Derived, Measured

__all__ = [
    "GD",
    "MLP",
    "SAM",
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
    "Cosine",
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
    "InverseTime",
    "L1Ball",
    "L2Ball",
    "Langevin",
    "LiLiang",
    "Linear",
    "Logistic",
    "Measured",
    "Momentum",
    "Mutation",
    "Newton",
    "Noisy",
    "Paper",
    "Projected",
    "Refuted",
    "Run",
    "Runs",
    "SparseLinear",
    "Square",
    "Steps",
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
