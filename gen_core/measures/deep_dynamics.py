"""Deep networks beside the linear model that they follow early in training.

Source: Hu et al., "The Surprising Simplicity of the Early-Time Learning Dynamics of Neural Networks" (2020), section 4.
"""

from __future__ import annotations

import math

from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.losses import Square
from gen_core.measures.held_out import resampled_held_out
from gen_core.measures.linear_dynamics import EarlyOutputs, gradient_descent
from gen_core.measuring import measure
from gen_core.run import Run
from gen_core.types import Measured


@measure
def deep_outputs(run: Run, rate: float) -> EarlyOutputs:
    """Outputs of a network and of a linear model of the inputs on the held-out points, at the checkpoints.

    The linear model is <beta, x> / sqrt(d), descended from zero at its own rate on the same training points. The
    network, of any depth, follows it where its tangent kernel is kappa X X^T / d and its rate is `rate` / kappa; see
    `deep_slope`.

    Source: Hu et al. (2020), section 4.2. The run must watch "test_outputs".

    Args:
        run: the training.
        rate: step size of the linear model.

    Raises:
        InvalidExperiment: unless the network is trained on `Square(0.5)`.
    """
    if run.experiment.loss != Square(0.5):
        raise InvalidExperiment(f"{run.experiment.label()}; expected Square(0.5), as in eq. (4)")
    X, X_test = (each.flatten(2).double() / math.sqrt(each[0, 0].numel()) for each in (run.X, run.X_test))
    beta = gradient_descent(X, run.y.double(), rate, run.checkpoints)
    return EarlyOutputs(run.watched("test_outputs").double(), beta @ X_test.mT)


@measure
def relative_error(run: Run, rate: float) -> Tensor | Measured:
    """The relative error of a network to its linear model at the end of the training, (seeds,).

    Source: Hu et al. (2020), Figure 3 (c). Args and errors: as `deep_outputs`.
    """
    outputs = deep_outputs(run, rate)
    return resampled_held_out(run.y_test, lambda counts: outputs.relative_error(counts)[..., -1])


@measure
def growth_of_relative_error(run: Run, rate: float, early: int) -> Tensor | Measured:
    """The relative error of a network to its linear model at the end over that at an early checkpoint, (seeds,).

    Source: Hu et al. (2020), Figure 3 (c). Args and errors: as `deep_outputs`.
    """
    outputs, place = deep_outputs(run, rate), run.checkpoints.index(early)

    def growth(counts: Tensor | None) -> Tensor:
        errors = outputs.relative_error(counts)
        return errors[..., -1] / errors[..., place]

    return resampled_held_out(run.y_test, growth)
