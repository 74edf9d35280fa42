"""Losses of single points and of whole batches, and predicted classes.

Labels are as in `gen_core.types.Data`: -1.0 and +1.0 for two classes, int64 for more, floats for regression. The first
axis is the seeds S, the second the points B; labels of a data set with `targets` have these as further axes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor

from gen_core.errors import InvalidExperiment


@runtime_checkable
class Loss(Protocol):
    """A frozen, hashable recipe of a loss."""

    def per_point(self, f: Tensor, y: Tensor) -> Tensor:
        """Loss of each point, (S, B), given outputs f, (S, B) or (S, B, C), and labels y, (S, B, *targets)."""
        ...


@runtime_checkable
class WholeLoss(Protocol):
    """A frozen, hashable recipe of a loss that is no mean over points: a step descends it as it is on the step's batch.

    Each entry depends on its own seed's points alone. There is no loss of a single point, so that measures of these
    refuse it.
    """

    def on_batch(self, f: Tensor, y: Tensor) -> Tensor:
        """Loss of each seed, shape (S,), given outputs f, (S, B) or (S, B, C), and labels y, (S, B, *targets)."""
        ...


@runtime_checkable
class Sloped(Loss, Protocol):
    """A loss with a hand-written derivative, so that training needs no autograd graph."""

    def slope(self, f: Tensor, y: Tensor) -> Tensor:
        """Derivative of each point's loss with respect to its outputs, of the shape of f; a new tensor."""
        ...


@dataclass(frozen=True)
class Square:
    """Squared error, factor * |f - y|^2, of one output per point, or of C outputs and a target vector, (S, B, C).

    Attributes:
        factor: 0.5 for the 1/2n of "Theory of Deep Learning III" (eq. 46), 1 for a plain mean squared error.
    """

    at_least_zero: ClassVar[bool] = True
    """No loss of a point is negative. A subclass with a loss of its own says so again."""

    factor: float = 0.5

    def __post_init__(self) -> None:
        if not (math.isfinite(self.factor) and self.factor > 0):
            raise InvalidExperiment(f"factor {self.factor}; expected a positive number")

    def per_point(self, f: Tensor, y: Tensor) -> Tensor:
        """Loss of each point, (S, B), given f and targets y, both (S, B) or (S, B, C)."""
        squares = self.factor * (f - _one_each(f, y)) ** 2
        return squares if squares.dim() == 2 else squares.sum(-1)

    def slope(self, f: Tensor, y: Tensor) -> Tensor:
        """Derivative in f, of its shape; see `Sloped.slope`."""
        return 2 * self.factor * (f - _one_each(f, y))


@dataclass(frozen=True)
class Logistic:
    """Logistic loss, log(1 + exp(-y f)), of one output per point: the binary cross-entropy in nats."""

    of_signs: ClassVar[bool] = True
    """Labels are -1 and +1 alone, which a training checks. A subclass with a loss of its own says so again."""

    at_least_zero: ClassVar[bool] = True
    """As that of `Square`."""

    def per_point(self, f: Tensor, y: Tensor) -> Tensor:
        """Loss of each point, (S, B), given f, (S, B), and labels y of -1 and +1, (S, B)."""
        # logsigmoid is accurate in both tails, where torch's softplus is off by 2e-9 above 20.
        return -F.logsigmoid(_one_each(f, y) * f)

    def slope(self, f: Tensor, y: Tensor) -> Tensor:
        """Derivative in f, (S, B); see `Sloped.slope`."""
        opposite = -_one_each(f, y)
        return torch.sigmoid(opposite * f).mul_(opposite)


@dataclass(frozen=True)
class CrossEntropy:
    """Cross-entropy of a softmax over C outputs per point, in nats."""

    of_classes: ClassVar[bool] = True
    """It takes a model of an output for each class. A subclass with a loss of its own says so again."""

    at_least_zero: ClassVar[bool] = True
    """As that of `Square`."""

    def per_point(self, f: Tensor, y: Tensor) -> Tensor:
        """Loss of each point, (S, B), given f, (S, B, C), and classes y, int64 (S, B)."""
        if f.shape[:-1] != y.shape:
            raise InvalidExperiment(f"outputs {tuple(f.shape)} for classes {tuple(y.shape)}; expected one more axis")
        # Over an axis between others: over the last one, torch takes ten times as long for as few classes as ten.
        return -F.log_softmax(f.mT, dim=-2).gather(-2, y.unsqueeze(-2)).squeeze(-2)

    def slope(self, f: Tensor, y: Tensor) -> Tensor:
        """Derivative in f, (S, B, C); see `Sloped.slope`."""
        return torch.softmax(f.mT, -2).mT.scatter_(-1, y.unsqueeze(-1), -1.0, reduce="add")


@dataclass(frozen=True)
class Energy:
    """The output itself: the loss of a `Potential`, which is descended to its minima."""

    def per_point(self, f: Tensor, y: Tensor) -> Tensor:
        """The outputs f, (S, B)."""
        return f


@dataclass(frozen=True)
class LogSumExp:
    """log of the mean of exp(-y f) over the points: the log of the exponential loss, of one output per point.

    Gradient descent on it takes the steps of gradient descent on the exponential loss with the rate over that loss. A
    `WholeLoss`.
    """

    of_signs: ClassVar[bool] = True
    """As that of `Logistic`."""

    def on_batch(self, f: Tensor, y: Tensor) -> Tensor:
        """Loss of each seed, (S,), given f, (S, B), and labels y of -1 and +1, (S, B)."""
        return torch.logsumexp(-_one_each(f, y) * f, 1) - math.log(f.shape[1])


def mean_loss(loss: Loss | WholeLoss, f: Tensor, y: Tensor) -> Tensor:
    """The loss of all given points, (S,): their mean, or what a `WholeLoss` says."""
    return loss.on_batch(f, y) if isinstance(loss, WholeLoss) else loss.per_point(f, y).mean(1)


def loss_of_points(loss: Loss | WholeLoss) -> Loss:
    """The loss, if it is one of single points.

    Raises:
        InvalidExperiment: if it is a `WholeLoss`.
    """
    if isinstance(loss, WholeLoss):
        raise InvalidExperiment(
            f"{type(loss).__name__} has no loss of a single point; expected a measure of all points"
        )
    return loss


def classes(f: Tensor) -> Tensor:
    """Predicted class of each point, shape (S, B).

    Args:
        f: outputs; (S, B) for two classes gives bool f > 0, (S, B, C) gives the int64 index of the largest output.
    """
    return f > 0 if f.dim() == 2 else f.argmax(dim=-1)


def right(f: Tensor, y: Tensor) -> Tensor:
    """Whether each point is classified correctly, bool (S, B); its mean over points is the accuracy.

    Args:
        f: outputs, (S, B) with labels of -1 and +1, or (S, B, C) with int64 classes or target vectors.
        y: labels, (S, B), or (S, B, C): a point is right if the largest output is where the largest target is. Targets
            of other shapes have no classes, and all points are nan. An output that is not a number is never right.
    """
    if y.dim() == 2 == f.dim():
        return (classes(f) == (y > 0)) & ~f.isnan()
    if y.dim() == 2:
        largest, place = f.max(-1)  # nan where an output is
        return (place == y) & ~largest.isnan()
    return (
        (f.argmax(-1) == y.argmax(-1)) & ~f.isnan().any(-1) if f.shape == y.shape else f.new_full(y.shape[:2], math.nan)
    )


def _one_each(f: Tensor, y: Tensor) -> Tensor:
    """The labels, after a check that they match the outputs: broadcasting would give a wrong loss silently."""
    if f.shape != y.shape:
        raise InvalidExperiment(f"outputs {tuple(f.shape)} for labels {tuple(y.shape)}; expected equal shapes")
    return y
