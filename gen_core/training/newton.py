"""Newton's method on the regularised loss of a linear model, for a whole batch of seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import torch
from torch import Tensor

from gen_core.errors import Unfinished
from gen_core.experiment import Experiment
from gen_core.losses import Loss, loss_of_points
from gen_core.models.products import add_gram, matvec
from gen_core.rules import NewtonRule, Streams
from gen_core.training.stepper import OnGradientNorms

CHUNK = 2**22  # numbers in one chunk of weighted inputs: 32 MiB in float64
HALVINGS = 40
BETWEEN = 8  # halvings between two looks on a GPU, where a look waits for it; needless ones change nothing
DECREASE = 1e-4  # Armijo's constant as in Nocedal and Wright (2006), section 3.1


class NewtonSteps:
    """Steps of `Newton` on `Linear`; see `gen_core.training.stepper.Stepper`.

    The reported norm is that of the regularised loss's gradient before the step, which has already been taken.
    """

    def __init__(
        self,
        experiment: Experiment,
        params: Mapping[str, Tensor],
        trained: Mapping[str, Tensor],
        rate: Tensor,
        streams: Streams,
    ) -> None:
        _, rule, loss = experiment.parts
        self.loss = loss_of_points(loss)
        self.l2, self.params, self.rate = cast(NewtonRule, rule).l2, params, rate

    @staticmethod
    def cost(experiment: Experiment) -> int:
        """Multiply-adds of the Hessian over all points, and of solving with it."""
        parameters = experiment.parts.model.size(experiment.data.inputs).parameters
        return experiment.data.n * parameters**2 + parameters**3 // 3

    def step(self, X: Tensor, y: Tensor, on_gradient_norms: OnGradientNorms | None) -> None:
        """Take a step."""
        norm = newton_step(self.params, X, y, self.loss, self.l2, self.rate)
        if on_gradient_norms is not None:
            on_gradient_norms(norm, True)


@torch.no_grad()
def newton_step(params: Mapping[str, Tensor], X: Tensor, y: Tensor, loss: Loss, l2: float, rate: Tensor) -> Tensor:
    """Make one exact Newton step in place on F(w, b) = mean_i loss(f(x_i), y_i) + l2 / 2 |w|^2.

    The step of each row starts at the row's rate and is halved until F decreases enough (Armijo); a row whose F does
    not decrease stays where it is. Costs O(S n d^2) for the Hessians and O(S d^3) to solve, and holds a few times
    S d^2 numbers besides a chunk of points.

    Args:
        params: parameters of `Linear`: w, (S, d), and where the model has a bias b, (S,), which is not penalised.
        X: inputs, (S, n, *inputs).
        y: labels, (S, n).
        loss: a convex loss of one output per point.
        l2: weight of the penalty, >= 0; with 0 the inputs themselves must make the Hessian definite.
        rate: first step length of each row, (S,); 0 freezes the row.

    Returns:
        Norm of the gradient of F over (w, b) before the step, (S,).

    Raises:
        Unfinished: if the Hessian of a row that moves is singular or not finite.
    """
    x, w, b = X.flatten(2), params["w"], params.get("b")
    n, d = x.shape[1:]
    f = _outputs(x, w, b)
    slope, curvature = _derivatives(loss, f, y)

    size = d if b is None else d + 1
    hessian, gradient = x.new_zeros(len(x), size, size), x.new_zeros(len(x), size)
    hessian[:, :d, :d], gradient[:, :d] = _gram(x, curvature), matvec(x.mT, slope)
    if b is not None:
        hessian[:, :d, d] = hessian[:, d, :d] = matvec(x.mT, curvature)
        hessian[:, d, d], gradient[:, d] = curvature.sum(1), slope.sum(1)
    hessian /= n
    gradient /= n
    hessian.diagonal(dim1=1, dim2=2)[:, :d] += l2
    gradient[:, :d] += l2 * w

    moves = rate > 0
    step, info = torch.linalg.solve_ex(hessian, gradient)
    for row in (moves & ((info != 0) | ~step.isfinite().all(1))).nonzero()[:1]:
        raise Unfinished(f"Hessian of row {row.item()} is singular with l2 {l2}; expected a definite one")
    step = torch.where(moves.unsqueeze(-1), step, 0.0)
    dw, db = step[:, :d], None if b is None else step[:, d]
    df = _outputs(x, dw, db)

    def objective(length: Tensor) -> Tensor:
        t = length.unsqueeze(-1)
        return loss.per_point(f - t * df, y).mean(1) + l2 / 2 * (w - t * dw).square().sum(1)

    length = _search(objective, rate.to(x.dtype), (gradient * step).sum(1))
    w -= length.unsqueeze(-1) * dw
    if b is not None and db is not None:
        b -= length * db
    return gradient.norm(dim=1)


def _outputs(x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    f = matvec(x, w)
    return f if b is None else f + b.unsqueeze(-1)


@torch.enable_grad()
def _derivatives(loss: Loss, f: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """First and second derivative of each point's loss in its output, each (S, n)."""
    f = f.detach().requires_grad_()
    (slope,) = torch.autograd.grad(loss.per_point(f, y).sum(), f, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), f)
    return slope.detach(), curvature


def _gram(x: Tensor, weight: Tensor) -> Tensor:
    """sum_i weight_i x_i x_i^T, (S, d, d), in chunks of points so that no weighted copy of all inputs is held."""
    S, _, d = x.shape
    points = max(1, CHUNK // (S * d))
    total = x.new_zeros(S, d, d)
    for part, share in zip(x.split(points, 1), weight.split(points, 1), strict=True):
        add_gram(total, (part * share.unsqueeze(-1)).mT, part.mT)
    return total


def _search(objective: Callable[[Tensor], Tensor], length: Tensor, decrease: Tensor) -> Tensor:
    """Halve each row's step until its objective falls by `DECREASE` of what the slope predicts; 0 if it never does."""
    start = objective(torch.zeros_like(length))
    # At the optimum the predicted decrease is below the rounding of the objective, which must not block the last step.
    limit = start + 8 * torch.finfo(start.dtype).eps * start.abs()
    short, between = length > 0, 1 if length.device.type == "cpu" else BETWEEN
    for halving in range(HALVINGS):
        short = ~(objective(length) <= limit - DECREASE * length * decrease)
        if halving % between == 0 and not short.any():
            return length
        length = torch.where(short, length / 2, length)
    return torch.where(short, 0.0, length)
