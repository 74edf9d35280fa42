"""Data sets that are no paper's own, as recipes: synthetic ones, published images, and what derives from either.

`python -m gen_core.data` gets the files of the published ones.
"""

from gen_core.data.derived import First, FlippedLabels, Leaking, Poisoned, RandomLabels, RootNorm, UnitNorm
from gen_core.data.designs import Design
from gen_core.data.digits import Digits
from gen_core.data.gaussian import Gaussian
from gen_core.data.images import CIFAR10, MNIST, FashionMNIST

__all__ = [
    "CIFAR10",
    "MNIST",
    "Design",
    "Digits",
    "FashionMNIST",
    "First",
    "FlippedLabels",
    "Gaussian",
    "Leaking",
    "Poisoned",
    "RandomLabels",
    "RootNorm",
    "UnitNorm",
]
