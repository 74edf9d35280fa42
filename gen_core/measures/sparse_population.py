"""Population accuracies, computed exactly rather than sampled.

Source: Nakkiran et al. (2019), section 5: y is uniform on -1 and +1, x = eta y e_1 + e_k, P(eta = -1) = p, and k is
uniform on {2, ..., d}.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor

from gen_core.errors import InvalidExperiment, Unfinished
from gen_core.experiment import Experiment
from gen_core.measuring import measure
from gen_core.models.sparse import SparseLinear, smaller_share
from gen_core.run import Run

FITTED = 1e-8
"""Mean square loss up to which a sample counts as fitted; a single misclassified point has a loss of at least 1."""


@runtime_checkable
class SparsePopulation(Protocol):
    """The parameters of the population of a sparse data recipe."""

    @property
    def d(self) -> int:
        """Dimension."""
        ...

    @property
    def p(self) -> float:
        """Share of points whose first coordinate has the wrong sign."""
        ...


def population_of(experiment: Experiment) -> SparsePopulation:
    """The population that an experiment's points are drawn from.

    Raises:
        InvalidExperiment: if its data recipe has no d and p.
    """
    if not isinstance(experiment.data, SparsePopulation):
        raise InvalidExperiment(f"{type(experiment.data).__name__} has no d and p; expected sparse data")
    return experiment.data


def population_accuracy(run: Run, w1: Tensor, w: Tensor) -> Tensor:
    """P(y <w, x> > 0) for weights of a `SparseLinear` run, (seeds, ...); a score of 0 counts one half.

    Since y is independent of eta and k, it is 1/2 + (1/2 - p) sign(w(1)) P_k(|w(k)| < |w(1)|).

    Args:
        run: provides d, p, the coordinates of the samples, and w0 on all others.
        w1: w(1), (seeds, ...).
        w: weights of the samples' coordinates, (seeds, ..., n).

    Raises:
        InvalidExperiment: for any other model or data.
    """
    model, law = run.experiment.model, population_of(run.experiment)
    if not isinstance(model, SparseLinear):
        raise InvalidExperiment(f"population accuracy of {type(model).__name__}; expected a SparseLinear")
    return 0.5 + (0.5 - law.p) * w1.sign() * smaller_share(model, law.d, run.initial("coordinates"), w1, w)


@measure
def overfitted_accuracy(run: Run) -> Tensor:
    """Population accuracy of final weights that fit all points, (seeds,).

    Raises:
        Unfinished: if a seed misclassifies a training point, or has a loss above FITTED.
    """
    accuracy, loss = run.train_accuracy, run.train_loss
    if accuracy.min() < 1 or loss.max() > FITTED:
        raise Unfinished(
            f"not fitted: training accuracy {float(accuracy.min()):.4f} and loss {float(loss.max()):.2g} after "
            f"{run.experiment.steps} steps; expected 1 and at most {FITTED:g} (more steps, or a larger d)"
        )
    return population_accuracy(run, run.weights("w1"), run.w)
