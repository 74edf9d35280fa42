"""Models: each computes a whole batch of seeds at once. This index names the contract and all models."""

from gen_core.models.activations import Polynomial
from gen_core.models.circular import CircularConv
from gen_core.models.contract import Layer, Layered, Model, Size, Sparse, evaluated
from gen_core.models.copies import MinusCopy
from gen_core.models.networks import MLP, ConvNet
from gen_core.models.potential import Potential
from gen_core.models.residual import ResNet
from gen_core.models.sparse import SparseLinear
from gen_core.models.two_layer import LiLiang, Linear, TwoLayer

__all__ = [
    "MLP",
    "CircularConv",
    "ConvNet",
    "Layer",
    "Layered",
    "LiLiang",
    "Linear",
    "MinusCopy",
    "Model",
    "Polynomial",
    "Potential",
    "ResNet",
    "Size",
    "Sparse",
    "SparseLinear",
    "TwoLayer",
    "evaluated",
]
