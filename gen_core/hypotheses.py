"""Hypotheses that claims of many papers share: that a training did what it should, and from where it began.

Each function makes an `Assumption`, equal for equal arguments, so that a control can drop it:
`claim(..., assuming=[trained_to(0.01)], without={trained_to(0.01): too_short})`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from gen_core.assuming import Assumption
from gen_core.checks import check_choice, check_number
from gen_core.errors import InvalidExperiment, Unfinished
from gen_core.experiment import Experiment
from gen_core.losses import mean_loss
from gen_core.rules.rates import base_rate
from gen_core.run import Run
from gen_core.types import Data

CONVERGED = 1e-4
"""Residual of the largest eigenvalue, relative to it, at which Lanczos' iteration ends."""

ITERATIONS = 100
"""Its most steps; each holds one vector of all trained weights in float64."""


def trained_to(loss: float) -> Assumption:
    """The training loss ends at most at `loss`, as `Run.train_loss` has it: of the run, in each seed."""
    check_number("loss", loss, 0.0)
    return Assumption("trained_to", f"The training loss ends at most at {loss:g}.", _TrainedTo(loss))


@dataclass(frozen=True)
class _TrainedTo:
    loss: float

    def __call__(self, run: Run) -> tuple[Tensor, str]:
        return run.train_loss <= self.loss, f"training loss {_range(run.train_loss)}"


def interpolates(within: float | None = None) -> Assumption:
    """The trained network fits every training point: of the run, in each seed.

    Args:
        within: for real targets, the largest distance of any output from its label. Without it, every point must be
            classified as its label says.
    """
    if within is None:
        return Assumption("interpolates", "Every training point is classified as labelled.", _Interpolates(None))
    check_number("within", within, 0.0)
    return Assumption("interpolates", f"No output is off its label by more than {within:g}.", _Interpolates(within))


@dataclass(frozen=True)
class _Interpolates:
    within: float | None

    def __call__(self, run: Run) -> tuple[Tensor, str]:
        if self.within is None:
            return run.train_accuracy == 1, f"training accuracy {_range(run.train_accuracy)}"
        f, y = run.train_outputs(), run.y
        if f.shape != y.shape:
            raise InvalidExperiment(
                f"interpolates within {self.within:g} with outputs {tuple(f.shape)} for labels {tuple(y.shape)}; "
                "expected one output per label, or interpolates() for classes"
            )
        off = (f - y).abs().flatten(1).amax(1)
        return off <= self.within, f"largest distance of an output from its label {_range(off)}"


def left_its_start(share: float, of: Literal["weights", "loss"] = "weights") -> Assumption:
    """The training moved: of the run, in each seed.

    Args:
        share: of "weights", the trained weights end further from their start than this share of the start's norm (from
            a start at zero, anywhere else); of "loss", the training loss fell by more than this share of what it was.
        of: what must have moved.
    """
    check_number("share", share, 0.0)
    check_choice("of", of, ("weights", "loss"))
    what = "The trained weights moved by" if of == "weights" else "The training loss fell by"
    return Assumption("left_its_start", f"{what} more than {share:g} of their start.", _LeftItsStart(share, of))


@dataclass(frozen=True)
class _LeftItsStart:
    share: float
    of: str

    def __call__(self, run: Run) -> tuple[Tensor, str]:
        if self.of == "weights":
            end = run.parameters
            start = {name: run.initial(name) for name in end}
            moved, norm = _norm({name: end[name] - start[name] for name in end}), _norm(start)
            return moved > self.share * norm, f"moved by {_range(moved)} from a start of norm {_range(norm)}"
        before, after = _loss_at_start(run), run.train_loss.double()
        return before - after > self.share * before, f"training loss from {_range(before)} to {_range(after)}"


def starts_below_2_over_eta() -> Assumption:
    """The largest eigenvalue of the Hessian of the training loss at the start is below 2 / rate.

    Above it, gradient descent on the quadratic approximation diverges. It is checked on each seed's data and start, in
    float64, by Lanczos' iteration with Hessian-vector products from autograd. Where a ReLU has its kink, the Hessian is
    that of its pieces. Cost: some tens of gradients over the training set per seed.

    Raises:
        Unfinished: from the check, if the eigenvalue cannot be told from 2 / rate.
    """
    statement = "The largest eigenvalue of the training loss's Hessian at the start is below 2 / rate."
    return Assumption("starts_below_2_over_eta", statement, _StartsBelow())


@dataclass(frozen=True)
class _StartsBelow:
    def __call__(self, experiment: Experiment, data: Data, start: Mapping[str, Tensor]) -> tuple[bool, str]:
        if experiment.after is not None:
            raise InvalidExperiment("starts_below_2_over_eta of a training after another one; expected one from a draw")
        rule = experiment.parts.rule
        limit = 2 / base_rate(rule.rate)
        top = largest_eigenvalue(*_hessian(experiment, data, start))
        words = f"largest eigenvalue {top.value:.4g} (residual {top.residual:.1g}), 2 / rate {limit:.4g}"
        if top.value < limit and top.residual > min(CONVERGED * limit, limit - top.value):  # it may be far above
            raise Unfinished(f"{words}; expected them further apart")
        return top.value < limit, words


class Eigenvalue(NamedTuple):
    """An approximate eigenvalue, never above the largest one, and the norm of its residual."""

    value: float
    residual: float


def largest_eigenvalue(product: Callable[[Tensor], Tensor], size: int) -> Eigenvalue:
    """The largest eigenvalue of a symmetric matrix, given by its product with a float64 vector of `size` numbers.

    Lanczos' iteration with full reorthogonalization from a random vector, until the residual is below `CONVERGED` times
    the eigenvalue, and for at most `ITERATIONS` steps (Golub and Van Loan, Matrix Computations, section 10.1).
    """
    vector = torch.randn(size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    basis: list[Tensor] = [vector / vector.norm()]
    diagonal: list[float] = []
    beside: list[float] = []
    while True:
        image = product(basis[-1])
        diagonal.append(float(image @ basis[-1]))
        for _ in range(2):  # once is not enough where vectors cancel
            kept = torch.stack(basis)
            image = image - kept.mT @ (kept @ image)
        beside.append(float(image.norm()))
        off = torch.tensor(beside[:-1], dtype=torch.float64)
        small = torch.diag(torch.tensor(diagonal, dtype=torch.float64)) + torch.diag(off, 1) + torch.diag(off, -1)
        values, vectors = torch.linalg.eigh(small)
        top = Eigenvalue(float(values[-1]), beside[-1] * abs(float(vectors[-1, -1])))
        if top.residual <= CONVERGED * abs(top.value) or len(basis) == min(size, ITERATIONS):
            return top
        basis.append(image / beside[-1])


def _hessian(experiment: Experiment, data: Data, start: Mapping[str, Tensor]) -> tuple[Callable[[Tensor], Tensor], int]:
    """The product of the training loss's Hessian at a start with a vector, and the number of trained weights."""
    model, _, loss = experiment.parts
    params = {name: value.detach().double().unsqueeze(0) for name, value in start.items()}
    trained = [params[name].requires_grad_() for name in model.trainable]
    X = data.X.double().unsqueeze(0)
    y = (data.y.double() if data.y.is_floating_point() else data.y).unsqueeze(0)
    gradients = torch.autograd.grad(mean_loss(loss, model.forward(params, X), y).sum(), trained, create_graph=True)
    flat = torch.cat([g.flatten() for g in gradients])

    def product(vector: Tensor) -> Tensor:
        found = torch.autograd.grad(flat @ vector, trained, retain_graph=True, materialize_grads=True)
        return torch.cat([g.flatten() for g in found])

    return product, flat.numel()


def _loss_at_start(run: Run) -> Tensor:
    """Loss over the training set at the start, (seeds,)."""
    return run.at({name: run.initial(name) for name in run.model.trainable}).train_loss.double()


def _norm(params: Mapping[str, Tensor]) -> Tensor:
    """The norm of each seed's parameters together, (seeds,)."""
    return torch.stack([value.double().flatten(1).square().sum(1) for value in params.values()]).sum(0).sqrt()


def _range(values: Tensor) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
