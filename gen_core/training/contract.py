"""What a training takes of a model and a loss of one's own: outputs and losses of the right shape, with a gradient."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.experiment import Experiment
from gen_core.losses import WholeLoss
from gen_core.training.foreign import foreign_among
from gen_core.training.points import Points
from gen_core.training.steps import choose_stepper

ROWS = 2
"""Rows of a batch that are looked at."""

_known: set[str] = set()
"""Batch keys of the experiments whose parts have been looked at."""


def require_contract(experiment: Experiment, params: Mapping[str, Tensor], X: Points, y: Tensor) -> None:
    """Check what the model and the loss of a batch give on its first step's points, if any of them is foreign.

    Once per batch key and process, before the first step. Cost: that of a step of two rows.

    Args:
        experiment: one of the rows'.
        params: all parameters, (rows, ...).
        X: the rows' inputs, (rows, n, *inputs).
        y: their labels, (rows, n, *targets).

    Raises:
        InvalidExperiment: naming the model or the loss, what it gave and what is expected.
    """
    model, rule, loss = experiment.parts
    if not foreign_among((model, loss)) or (key := experiment.batch_key()) in _known:
        return
    points = rule.batch or experiment.data.n
    x, y = X[:ROWS, :points], y[:ROWS, :points]
    own = {name: value.detach()[:ROWS].clone() for name, value in params.items()}
    trained = {name: own[name].requires_grad_() for name in model.trainable}
    rows = len(x)
    with torch.enable_grad():
        f = model.forward(own, x)
        outputs = (rows, points) if model.outputs == 1 else (rows, points, model.outputs)
        _require_shape(f"{type(model).__name__}.forward", f, outputs)
        if isinstance(loss, WholeLoss):
            losses, wanted, method = loss.on_batch(f, y), (rows,), "on_batch"
        else:
            losses, wanted, method = loss.per_point(f, y), (rows, points), "per_point"
        _require_shape(f"{type(loss).__name__}.{method}", losses, wanted)
        if choose_stepper(experiment).name == "autograd":
            _require_gradient(f"{type(loss).__name__} of {type(model).__name__}", losses, trained)
    _known.add(key)


def require_labels(y: Tensor, outputs: int, real: bool, loss: object) -> None:
    """Check that a loss and a model of so many outputs can take some labels, in a batch of real ones or of integers.

    Raises:
        InvalidExperiment: naming the labels and what is expected.
    """
    if y.is_floating_point() != real:
        raise InvalidExperiment(
            f"labels of {y.dtype} beside others; expected floats alone or integers alone in a batch"
        )
    if y.dim() > 1:  # the loss checks them
        return
    if outputs == 1 and not y.is_floating_point():
        raise InvalidExperiment(f"labels of {y.dtype} for a model of one output; expected floats (-1.0 and 1.0)")
    if outputs > 1 and (y.is_floating_point() or not 0 <= int(y.min()) <= int(y.max()) < outputs):
        found = f"labels of {y.dtype} from {y.min():g} to {y.max():g}"
        raise InvalidExperiment(f"{found} for a model of {outputs} outputs; expected integers from 0 to {outputs - 1}")
    if vars(type(loss)).get("of_signs") and not bool((y.abs() == 1).all()):
        found = f"labels from {y.min():g} to {y.max():g} for {type(loss).__name__}"
        raise InvalidExperiment(f"{found}; expected -1.0 and 1.0 alone")


def _require_shape(what: str, found: object, shape: tuple[int, ...]) -> None:
    if not isinstance(found, Tensor):
        raise InvalidExperiment(f"{what} gave a {type(found).__name__}; expected a tensor of shape {shape}")
    if found.shape != shape or not found.is_floating_point():
        seeds = f"{shape[0]} seed{'s' * (shape[0] > 1)}" + (f" and {shape[1]} points" if len(shape) > 1 else "")
        gave = f"{what} gave {found.dtype} {tuple(found.shape)} for {seeds}"
        raise InvalidExperiment(f"{gave}; expected floats of shape {shape}")


def _require_gradient(what: str, losses: Tensor, trained: Mapping[str, Tensor]) -> None:
    how = "expected a loss that autograd follows to each of them (no detach(), item() or numpy)"
    if not losses.requires_grad:
        raise InvalidExperiment(f"{what} has no gradient in {', '.join(trained)}; {how}")
    gradients = torch.autograd.grad(losses.sum(), list(trained.values()), allow_unused=True)
    for name, gradient in zip(trained, gradients, strict=True):
        if gradient is None:
            raise InvalidExperiment(f"{what} has no gradient in {name}; {how}")
