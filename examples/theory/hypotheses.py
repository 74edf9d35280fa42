"""Hypotheses, checked on each seed's data, recipe and start, or on the finished run."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from gen_core import Data, Experiment, InverseTime, Run, assumption
from torch import Tensor


@assumption
def superquadratic(experiment: Experiment, data: Data) -> tuple[bool, str]:
    """The potential grows faster than a quadratic."""
    return experiment.model.power > 2, f"|x|^{experiment.model.power:g}"


@assumption
def noisy(experiment: Experiment, data: Data) -> tuple[bool, str]:
    """The steps have noise."""
    return experiment.rule.temperature > 0, f"temperature {experiment.rule.temperature:g}"


@assumption
def starts_small(experiment: Experiment, data: Data, start: Mapping[str, Tensor]) -> tuple[bool, str]:
    """The network's map starts at less than a hundredth of the weakest mode."""
    norm = float(torch.linalg.matrix_norm(start["W2"] @ start["W1"], 2))
    return norm < 0.01 * min(experiment.data.strengths), f"norm {norm:.2g}"


@assumption
def rate_falls(experiment: Experiment, data: Data) -> tuple[bool, str]:
    """The rate falls as beta / (gamma + k)."""
    return isinstance(rate := experiment.rule.rate, InverseTime), f"rate {rate}"


@assumption
def beta_above_inverse_curvature(experiment: Experiment, data: Data) -> tuple[bool, str]:
    """Beta is above 1 / c, with c the least curvature."""
    c, rate = float(_curvatures(data).min()), experiment.rule.rate
    beta = rate.rate / rate.decay if isinstance(rate, InverseTime) else math.inf
    return beta > 1 / c, f"beta {beta:g}, 1/c {1 / c:.2g}"


@assumption
def short_first_step(experiment: Experiment, data: Data) -> tuple[bool, str]:
    """The first rate is at most 1 / (L M_G), where M_G = 1 + max |x|^2 / (c batch) bounds the growth of the noise."""
    rate, found = experiment.rule.rate, _curvatures(data)
    first = rate.rate if isinstance(rate, InverseTime) else rate
    growth = 1 + float(data.X.square().sum(1).max() / found.min()) / experiment.rule.batch
    limit = 1 / (float(found.max()) * growth)
    return first <= limit, f"rate {first:g}, limit {limit:.2g}"


@assumption
def noisy_targets(experiment: Experiment, data: Data) -> tuple[bool, str]:
    """The targets have noise."""
    return experiment.data.noise > 0, f"noise {experiment.data.noise:g}"


@assumption
def decay_of_the_right_size(experiment: Experiment, data: Data) -> tuple[bool, str]:
    """The decay, where there is one, is noise^2 d / n for a noise of one, up to a factor of 2."""
    best, decay = experiment.data.d / experiment.data.n, experiment.rule.weight_decay
    return not decay or best / 2 <= decay <= 2 * best, f"decay {decay:g}, best {best:g}"


@assumption
def converged(run: Run) -> tuple[Tensor, str]:
    """The gradient with its decay is below 1e-4."""
    residual, decay = run.outputs(run.X) - run.y, run.experiment.rule.weight_decay
    norm = (torch.einsum("sn,snd->sd", residual, run.X.double()) / residual.shape[1] + decay * run.w).norm(dim=1)
    return norm < 1e-4, f"up to {norm.max():.1g}"


@assumption
def one_start(experiment: Experiment, data: Data) -> tuple[bool, str]:
    """Both networks begin with the same draw, which arms with equal models share."""
    return experiment.model.gain == 1, f"start of gain {experiment.model.gain:g}"


@assumption
def looks_around(experiment: Experiment, data: Data) -> tuple[bool, str]:
    """SAM looks at a distance rho of .05 or more."""
    rho = getattr(experiment.rule, "rho", None)
    return rho is None or rho >= 0.05, f"rho {rho}"


def _curvatures(data: Data) -> Tensor:
    """Eigenvalues of the Hessian of least squares, X^T X / n."""
    return torch.linalg.eigvalsh(data.X.mT @ data.X / len(data.X))
