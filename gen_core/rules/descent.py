"""Rules that step along gradients, with or without a state from earlier ones.

Conventions and constants are those of torch.optim. So is `weight_decay`, which adds weight_decay w to the gradient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

import torch
from torch import Tensor

from gen_core.checks import check_flag, check_number
from gen_core.errors import InvalidExperiment
from gen_core.rules.contract import FullBatch, State, Streams
from gen_core.rules.rates import Rate, check_rate, unit_rate

ADAGRAD_EPS, ADAM_EPS = 1e-10, 1e-8

_aten = torch.ops.aten

Tensors = Sequence[Tensor]
"""One for each parameter. Operations on all of them at once, `_foreach`, are one kernel on a GPU."""


@dataclass(frozen=True)
class Descent:
    """Steps along the negative gradient, which most rules build on.

    Attributes:
        rate: learning rate: a number, or a schedule.
        weight_decay: factor of the weights that are added to the gradient.
    """

    rate: Rate
    weight_decay: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        check_rate(self.rate)
        check_number("weight_decay", self.weight_decay, 0.0)

    def start(self, params: Mapping[str, Tensor], streams: Streams) -> State:
        """Nothing to remember; see `Rule.start`."""
        return {}

    @torch.no_grad()
    def update(self, params: Mapping[str, Tensor], grads: Mapping[str, Tensor], state: State, rate: Tensor) -> None:
        """Make one step in place; see `Rule.update`."""
        move_all(params, self._decayed(params, grads), rate)

    def _decayed(self, params: Mapping[str, Tensor], grads: Mapping[str, Tensor]) -> Tensors:
        """The gradients with the decay, in the order of the parameters."""
        gradients = [grads[name] for name in params]
        if not self.weight_decay:
            return gradients
        return _aten._foreach_add.List(gradients, list(params.values()), alpha=self.weight_decay)

    def batch_form(self) -> Self:
        """The rule with a rate of 1, or a schedule of it."""
        return replace(self, rate=unit_rate(self.rate))


@dataclass(frozen=True)
class GD(FullBatch, Descent):
    """Gradient descent on all n points."""

    plain: ClassVar[bool] = True
    on_device: ClassVar[bool] = True


@dataclass(frozen=True)
class SGD(Descent):
    """Stochastic gradient descent on batches."""

    plain: ClassVar[bool] = True
    on_device: ClassVar[bool] = True

    batch: int
    replacement: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_batch(self.batch, self.replacement)


@dataclass(frozen=True)
class Momentum(Descent):
    """Heavy-ball momentum, v <- momentum v + g, w <- w - rate v; with `nesterov`, w <- w - rate (g + momentum v)."""

    accumulates: ClassVar[bool] = True
    on_device: ClassVar[bool] = True

    momentum: float = 0.9
    nesterov: bool = False
    batch: int | None = None
    replacement: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_batch(self.batch, self.replacement)
        check_number("momentum", self.momentum, 0.0, below=1.0)
        check_flag("nesterov", self.nesterov)

    def start(self, params: Mapping[str, Tensor], streams: Streams) -> State:
        """Zero velocities; see `Rule.start`."""
        return _zeros(params)

    @torch.no_grad()
    def update(self, params: Mapping[str, Tensor], grads: Mapping[str, Tensor], state: State, rate: Tensor) -> None:
        """Make one step in place; see `Rule.update`."""
        g, v = self._decayed(params, grads), [state[name] for name in params]
        _aten._foreach_mul_.Scalar(v, self.momentum)
        _aten._foreach_add_.List(v, g)
        direction = _aten._foreach_add.List(g, _aten._foreach_mul.Scalar(v, self.momentum)) if self.nesterov else v
        move_all(params, direction, rate)


@dataclass(frozen=True)
class AdaGrad(Descent):
    """AdaGrad: each coordinate's gradient over the root of the sum of its squares. Duchi et al. (2011)."""

    on_device: ClassVar[bool] = True

    batch: int | None = None
    replacement: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_batch(self.batch, self.replacement)

    def start(self, params: Mapping[str, Tensor], streams: Streams) -> State:
        """Zero sums of squares; see `Rule.start`."""
        return _zeros(params)

    @torch.no_grad()
    def update(self, params: Mapping[str, Tensor], grads: Mapping[str, Tensor], state: State, rate: Tensor) -> None:
        """Make one step in place; see `Rule.update`."""
        g, squares = self._decayed(params, grads), [state[name] for name in params]
        _aten._foreach_addcmul_.Scalar(squares, g, g)
        roots = _aten._foreach_sqrt.default(squares)
        _aten._foreach_add_.Scalar(roots, ADAGRAD_EPS)
        move_all(params, _aten._foreach_div.List(g, roots), rate)


@dataclass(frozen=True)
class Adam(Descent):
    """Adam, with bias correction. Kingma and Ba (2015), algorithm 1.

    Attributes:
        decoupled: whether weights decay by rate weight_decay w instead, as in AdamW, Loshchilov and Hutter (2019).
    """

    on_device: ClassVar[bool] = True

    beta1: float = 0.9
    beta2: float = 0.999
    batch: int | None = None
    replacement: bool = False
    decoupled: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_batch(self.batch, self.replacement)
        check_number("beta1", self.beta1, 0.0, below=1.0)
        check_number("beta2", self.beta2, 0.0, below=1.0)
        check_flag("decoupled", self.decoupled)

    def start(self, params: Mapping[str, Tensor], streams: Streams) -> State:
        """Zero moments at step 0; see `Rule.start`."""
        some = next(iter(params.values()))
        return {
            "betas": torch.tensor([[self.beta1, self.beta2]], dtype=torch.float64).to(some.device),
            "powers": some.new_ones(1, 2, dtype=torch.float64),  # of the betas: a first axis that is of no row
            "mean": _zeros(params),
            "square": _zeros(params),
        }

    @torch.no_grad()
    def update(self, params: Mapping[str, Tensor], grads: Mapping[str, Tensor], state: State, rate: Tensor) -> None:
        """Make one step in place; see `Rule.update`."""
        correct1, correct2 = (1 - state["powers"].mul_(state["betas"])).to(rate.dtype)[0]
        mean, square = ([state[moment][name] for name in params] for moment in ("mean", "square"))
        g = [grads[name] for name in params] if self.decoupled else self._decayed(params, grads)
        if self.decoupled and self.weight_decay:
            move_all(params, _aten._foreach_mul.Scalar(list(params.values()), self.weight_decay), rate)
        _aten._foreach_lerp_.Scalar(mean, g, 1 - self.beta1)
        _aten._foreach_mul_.Scalar(square, self.beta2)
        _aten._foreach_addcmul_.Scalar(square, g, g, 1 - self.beta2)
        roots = _aten._foreach_div.Tensor(square, correct2)
        _aten._foreach_sqrt_.default(roots)
        _aten._foreach_add_.Scalar(roots, ADAM_EPS)
        direction = _aten._foreach_div.Tensor(mean, correct1)
        _aten._foreach_div_.List(direction, roots)
        move_all(params, direction, rate)


def move_all(params: Mapping[str, Tensor], directions: Tensors, rate: Tensor) -> None:
    """Take rate times its direction from each parameter, in place; see `move`."""
    for p, direction in zip(params.values(), directions, strict=True):
        move(p, direction, rate)


def move(p: Tensor, direction: Tensor, rate: Tensor) -> None:
    """Take rate times a direction, (S, ...), from a parameter, in place; a row of rate 0 stays exactly where it is."""
    p.addcmul_(rate.to(p.dtype).view(-1, *[1] * (p.dim() - 1)), direction, value=-1)


def _zeros(params: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: torch.zeros_like(p, requires_grad=False) for name, p in params.items()}


def check_batch(batch: int | None, replacement: bool) -> None:
    """Accept a positive batch size, or None without replacement."""
    check_flag("replacement", replacement)
    if batch is None:
        if replacement:
            raise InvalidExperiment("replacement with batch None; expected a batch size")
    elif not isinstance(batch, int) or isinstance(batch, bool) or batch < 1:
        raise InvalidExperiment(f"batch {batch!r}; expected a positive integer")
