"""The public vocabulary. `gen_core` offers these names, and loads them when the first is asked for."""

from gen_core.assuming import Assumption, assumption
from gen_core.declaration import Case, Claim, claim
from gen_core.errors import (
    AssumptionViolated,
    DataDamaged,
    DataMissing,
    GenCoreError,
    Inconclusive,
    InvalidClaim,
    InvalidExperiment,
    InvalidFigure,
    Refuted,
    StoreFailure,
    Unfinished,
    UnknownCase,
)
from gen_core.expectation import expect
from gen_core.experiment import Experiment, Observable
from gen_core.loading import load, train
from gen_core.losses import CrossEntropy, Energy, Logistic, LogSumExp, Square, WholeLoss
from gen_core.measuring import measure
from gen_core.models.activations import Polynomial
from gen_core.models.circular import CircularConv
from gen_core.models.copies import MinusCopy
from gen_core.models.networks import MLP, ConvNet
from gen_core.models.potential import Potential
from gen_core.models.residual import ResNet
from gen_core.models.sparse import SparseLinear
from gen_core.models.two_layer import LiLiang, Linear, TwoLayer
from gen_core.papers import Citation, Paper, read_statements
from gen_core.records import Statement
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
    Layerwise,
    Momentum,
    Newton,
    Noisy,
    Projected,
    Steps,
)
from gen_core.run import Mutation, Run, Runs
from gen_core.schedule import AtLoss, Every, Geometric, Stop
from gen_core.settings import Arms, AtScale, Sweep
from gen_core.training.teaching import LabelledBy
from gen_core.types import Data, Dataset, Derived, Measured, Nothing

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
    "AtLoss",
    "AtScale",
    "Case",
    "CircularConv",
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
    "Energy",
    "Every",
    "Experiment",
    "GenCoreError",
    "Geometric",
    "Inconclusive",
    "InvalidClaim",
    "InvalidExperiment",
    "InvalidFigure",
    "InverseTime",
    "L1Ball",
    "L2Ball",
    "LabelledBy",
    "Langevin",
    "Layerwise",
    "LiLiang",
    "Linear",
    "LogSumExp",
    "Logistic",
    "Measured",
    "MinusCopy",
    "Momentum",
    "Mutation",
    "Newton",
    "Noisy",
    "Nothing",
    "Observable",
    "Paper",
    "Polynomial",
    "Potential",
    "Projected",
    "Refuted",
    "ResNet",
    "Run",
    "Runs",
    "SparseLinear",
    "Square",
    "Statement",
    "Steps",
    "Stop",
    "StoreFailure",
    "Sweep",
    "TwoLayer",
    "Unfinished",
    "UnknownCase",
    "WholeLoss",
    "assumption",
    "claim",
    "expect",
    "load",
    "measure",
    "read_statements",
    "train",
]
