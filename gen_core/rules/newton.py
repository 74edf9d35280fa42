"""Newton's method as a rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from gen_core.checks import check_number
from gen_core.errors import InvalidExperiment
from gen_core.models.contract import Model, chained
from gen_core.models.two_layer import Linear
from gen_core.rules.contract import FullBatch, State, Streams


@dataclass(frozen=True)
class Newton(FullBatch):
    """Damped Newton's method on all n points, for a `Linear` model; its step is `gen_core.training.newton.newton_step`.

    It is not a `GradientRule`, since its step needs second derivatives.

    Attributes:
        l2: weight of the penalty l2 / 2 |w|^2 on the mean loss; a bias is not penalised.
    """

    l2: float = 1e-4

    def __post_init__(self) -> None:
        check_number("l2", self.l2, 0.0)

    @property
    def rate(self) -> float:
        """Length of the first trial step: a full Newton step."""
        return 1.0

    def check(self, model: Model) -> None:
        """Refuse all but linear models; see `Particular.check`."""
        if not (isinstance(model, Linear) and chained(model)):
            raise InvalidExperiment(f"Newton on {type(model).__name__}; expected a Linear model")

    def start(self, params: Mapping[str, Tensor], streams: Streams) -> State:
        """Nothing to remember."""
        return {}

    def batch_form(self) -> Newton:
        """The rule itself: one step takes one l2."""
        return self
