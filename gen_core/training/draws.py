"""What a seed starts from, as pure functions of (recipe, seed): its data, kept for a while, and its parameters."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.experiment import Experiment
from gen_core.recipe import digest
from gen_core.training.seeding import generator
from gen_core.types import Data, Dataset, Derived, held_out

BYTES_KEPT = 600 * 2**20
"""Bytes of draws that a process keeps, since hypotheses, training and measures look at the same ones."""


class _Draws:
    """The latest draws, by the type and digest of their recipe and by seed."""

    def __init__(self) -> None:
        self.kept: OrderedDict[tuple[type, str, int], Data] = OrderedDict()
        self.bytes = 0

    def get(self, recipe: Dataset, seed: int) -> Data:
        key = (type(recipe), digest(recipe), seed)
        if key in self.kept:
            self.kept.move_to_end(key)
            return self.kept[key]
        data = self._draw(recipe, seed)
        _check(recipe, data)
        self.kept[key] = data
        self.bytes += _size(data)
        while len(self.kept) > 1 and self.bytes > BYTES_KEPT:
            self.bytes -= _size(self.kept.popitem(last=False)[1])
        return data

    def _draw(self, recipe: Dataset, seed: int) -> Data:
        own = generator(recipe, seed, "data")
        return recipe.derive(self.get(recipe.data, seed), own) if isinstance(recipe, Derived) else recipe.draw(own)


_draws = _Draws()


def draw(experiment: Experiment, seed: int) -> Data:
    """One seed's data.

    Raises:
        InvalidExperiment: if the draw does not have the shapes that its recipe announces.
        DataMissing, DataDamaged: if it reads files that are not there, or not what they should be.
    """
    return _draws.get(experiment.data, seed)


def start(experiment: Experiment, seed: int) -> dict[str, Tensor]:
    """One seed's parameters before the first step: the model's draw, placed on the seed's data if the model does that.

    Raises:
        InvalidExperiment, DataMissing, DataDamaged: as `draw`, where the model looks at the data.
    """
    model = experiment.model
    params = model.init(experiment.data.inputs, generator(model, seed, "init"), experiment.torch_dtype)
    place: Callable[..., dict[str, Tensor]] | None = getattr(model, "place", None)
    return params if place is None else place(params, draw(experiment, seed))


def check_data(experiment: Experiment) -> str:
    """Digests of the files that the data recipes read, "" if they read none.

    Raises:
        DataMissing, DataDamaged: if they cannot be read.
    """
    source = getattr(experiment.data, "source", None)
    own = str(source()) if callable(source) else ""
    return own if experiment.after is None else f"{check_data(experiment.after)} {own}".strip()


def _check(recipe: Dataset, data: Data) -> None:
    n, n_test, inputs = recipe.n, held_out(recipe), recipe.inputs
    expected = {"X": (n, *inputs), "y": (n,)}
    if n_test:
        expected |= {"X_test": (n_test, *inputs), "y_test": (n_test,)}
    for name, shape in expected.items():
        array = getattr(data, name)
        found = tuple(array.shape) if isinstance(array, Tensor) else array
        if found != shape:
            raise InvalidExperiment(
                f"{type(recipe).__name__} drew {name} of shape {found}; expected {shape}, as its recipe says"
            )
        if name.startswith("X") and not array.is_floating_point():
            raise InvalidExperiment(f"{type(recipe).__name__} drew {name} of {array.dtype}; expected floating point")


def _size(data: Data) -> int:
    return sum(t.nbytes for t in (data.X, data.y, data.X_test, data.y_test) if t is not None)
