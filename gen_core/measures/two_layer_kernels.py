"""Tangent kernels of both layers of a two-layer network, and how far they are from what the theory has in their place.

Source: Hu et al., "The Surprising Simplicity of the Early-Time Learning Dynamics of Neural Networks" (2020), section 3.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.measures import kernels
from gen_core.measures.infinite_width import expected_first_layer_kernel
from gen_core.measures.kernels import constants, first_layer_kernel, first_linear_kernel, second_moment
from gen_core.measures.of_draws import of_each_draw
from gen_core.measures.spectra import spectral_norm
from gen_core.measuring import measure
from gen_core.models.activations import Polynomial, activation
from gen_core.models.products import add_gram
from gen_core.models.two_layer import TwoLayer
from gen_core.run import Run
from gen_core.training.parts import measuring, measuring_device, work_of_pairs


def second_layer_kernel(X: Tensor, W: Tensor, name: str | Polynomial) -> Tensor:
    """Theta_2(W) = P P^T / m with P = phi(X W^T / sqrt(d)), the second-layer tangent kernel of `TwoLayer`.

    Source: Hu et al. (2020), section 3.2.

    Args:
        X: inputs, (n, d).
        W: first-layer weights, (m, d).
        name: the activation.

    Returns:
        (n, n), on the device of X. Cost and memory: as `first_layer_kernel`.
    """
    (n, d), m = X.shape, len(W)
    kernel = X.new_zeros(n, n)
    for w in W.split(max(1, kernels.SLOPES // (n * X.element_size()))):
        hidden = activation(name)(X @ w.mT / math.sqrt(d))
        add_gram(kernel, hidden)
    return kernel.div_(m)


def second_linear_kernel(X: Tensor, name: str | Polynomial, second_moment: float) -> Tensor:
    """Theta^lin2 = psi_2(X) psi_2(X)^T of eq. (9), (n, n), of inputs X, (n, d).

    Source: Hu et al. (2020), section 3.2. Its features are zeta x / sqrt(d), nu / sqrt(2d), and a polynomial of degree
    two in |x| / sqrt(d) - 1. nu^2 is theta1^2 times `second_moment`, Tr[Sigma^2] / d.
    """
    known, d = constants(name), X.shape[1]
    longer = X.square().sum(1).div(d).sqrt() - 1
    of_norm = known.theta0 + known.theta1 * longer + known.theta2 * longer.square()
    linear = (known.zeta**2 * (X @ X.mT)).add_(known.theta1**2 * second_moment / 2).div_(d)
    return linear.addr_(of_norm, of_norm)


def second_kernel_gap(run: Run) -> Tensor:
    """|Theta_2(W(0)) - Theta^lin2| / (n / d) in the spectral norm, (seeds,).

    Source: Hu et al. (2020), section 3.2. Cost: a kernel per seed, once per process; see `second_layer_kernel`.

    Raises:
        InvalidExperiment: unless the model is a `TwoLayer` and the data declare the covariance of their inputs.
        Unfinished: as `spectral_norm`.
    """
    return of_each_draw(_second_kernel_gap, run, kernel=True)


def second_kernel_top(run: Run) -> Tensor:
    """Largest eigenvalue of Theta_2(W(0)) over n, (seeds,).

    Source: Hu et al. (2020), section 3.2, after Theorem 3.5. Cost: as `second_kernel_gap`.

    Raises:
        InvalidExperiment: unless the model is a `TwoLayer`.
        Unfinished: as `spectral_norm`.
    """
    return of_each_draw(_second_kernel_top, run, kernel=True)


def sampling_gap(run: Run) -> Tensor:
    """|Theta_1(W(0)) - E Theta_1(W(0))| / (n / d) in the spectral norm, (seeds,): what the draw of W adds.

    Source: Hu et al. (2020), section 3.1.1, after Proposition 3.4, where the matrix Bernstein inequality bounds it. The
    expectation is over W(0); see `expected_first_layer_kernel`. Cost: a kernel per seed, once per process.

    Raises:
        InvalidExperiment: unless the model is a `TwoLayer` of erf or relu.
        Unfinished: as `spectral_norm`.
    """
    return of_each_draw(_sampling_gap, run, kernel=True)


def expansion_gap(run: Run) -> Tensor:
    """|E Theta_1(W(0)) - Theta^lin1| / (n / d) in the spectral norm, (seeds,): what is beyond the linear terms.

    Source: Hu et al. (2020), section 3.1.1, after Proposition 3.4, where a Taylor expansion bounds it.

    Raises:
        InvalidExperiment: unless the model is a `TwoLayer` of erf or relu and the data declare their covariance.
        Unfinished: as `spectral_norm`.
    """
    return of_each_draw(_expansion_gap, run, kernel=True)


def first_linear_norm(run: Run) -> Tensor:
    """|Theta^lin1| / (n / d) in the spectral norm, (seeds,).

    Source: Hu et al. (2020), section 3.1.1, after Proposition 3.4.

    Raises:
        InvalidExperiment: unless the model is a `TwoLayer` and the data declare the covariance of their inputs.
        Unfinished: as `spectral_norm`.
    """
    return of_each_draw(_first_linear_norm, run, kernel=True)


@measure
def kernel_change(run: Run) -> Tensor:
    """|Theta_1(W(T)) - Theta_1(W(0))| / |Theta_1(W(0))| in the spectral norm, (seeds,), at the end of training.

    Source: Hu et al. (2020), section 3.1.1, (iii) of the proof of Theorem 3.2. Cost: two kernels per seed.

    Raises:
        InvalidExperiment: unless the model is a `TwoLayer` whose second layer is not trained.
        Unfinished: as `spectral_norm`.
    """
    model = _two_layer(run)
    if model.train != ("W",):
        raise InvalidExperiment(f"TwoLayer with train={model.train!r}; expected ('W',), so that all v_r^2 stay 1")
    changes = []
    with measuring(work_of_pairs(run.experiment)):
        for each in zip(run.X, run.initial("W"), run.weights("W"), strict=True):
            X, before, after = (value.to(measuring_device()) for value in each)
            start = first_layer_kernel(X, before, model.activation)
            change = first_layer_kernel(X, after, model.activation) - start
            changes.append(spectral_norm(change.cpu()) / spectral_norm(start.cpu()))
    return torch.tensor(changes, dtype=torch.float64)


def _two_layer(run: Run) -> TwoLayer:
    model = run.experiment.model
    if not isinstance(model, TwoLayer):
        raise InvalidExperiment(f"kernel of {type(model).__name__}; expected a TwoLayer")
    return model


def _inputs(run: Run) -> Tensor:
    """Those of the first seed, (n, d)."""
    return run.X[0].to(measuring_device())


def _weights(run: Run) -> Tensor:
    """The distinct first-layer weights of the first seed at initialization."""
    model, W = _two_layer(run), run.initial("W")[0].to(measuring_device())
    # A symmetric initialization repeats its neurons up to the sign of v, which does not affect the kernels.
    return W[: len(W) // 2] if model.symmetric else W


def _over_points(gap: Tensor, X: Tensor) -> float:
    """Spectral norm over n / d."""
    n, d = X.shape
    return spectral_norm(gap.cpu()) * d / n


def _second_kernel_gap(run: Run) -> float:
    name, X = _two_layer(run).activation, _inputs(run)
    linear = second_linear_kernel(X, name, second_moment(run.experiment.data))
    return _over_points(second_layer_kernel(X, _weights(run), name).sub_(linear), X)


def _second_kernel_top(run: Run) -> float:
    name, X = _two_layer(run).activation, _inputs(run)
    return spectral_norm(second_layer_kernel(X, _weights(run), name).cpu()) / len(X)


def _sampling_gap(run: Run) -> float:
    name, X = _two_layer(run).activation, _inputs(run)
    return _over_points(first_layer_kernel(X, _weights(run), name).sub_(expected_first_layer_kernel(X, name)), X)


def _expansion_gap(run: Run) -> float:
    name, X = _two_layer(run).activation, _inputs(run)
    linear = first_linear_kernel(X, name, second_moment(run.experiment.data))
    return _over_points(expected_first_layer_kernel(X, name).sub_(linear), X)


def _first_linear_norm(run: Run) -> float:
    X = _inputs(run)
    return _over_points(first_linear_kernel(X, _two_layer(run).activation, second_moment(run.experiment.data)), X)
