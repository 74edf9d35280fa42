"""The data of a seed (cached) and its initial parameters, as pure functions of (recipe, seed).

A draw is shared by hypotheses, training and measures, so code that changed it in place would change the results of
others. Foreign code runs under a check (`unchanged`), and a cached draw that was changed nevertheless is discarded with
an error.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.experiment import Experiment
from gen_core.fingerprint import code_of
from gen_core.recipe import digest
from gen_core.training.seeding import generator
from gen_core.types import Data, Dataset, Derived, held_out

BYTES_KEPT = 600 * 2**20
"""Size of a process's cache of draws, in bytes: hypotheses, training and measures use the same ones."""

WORDS, HASHED = 128, 2**20
"""A checksum hashes tensors of up to HASHED bytes whole, and of larger ones the sums of WORDS bytes each, since summing
is ten times as fast as hashing."""

Seal = tuple[tuple[int, int], ...]
"""Version and checksum of each tensor of a draw."""


class _SampleCache:
    """The most recently used draws, by (digest of recipe and code, seed), each with its seal."""

    def __init__(self) -> None:
        self.kept: OrderedDict[tuple[str, int], tuple[Data, Seal]] = OrderedDict()
        self.bytes = 0

    def get(self, recipe: Dataset, seed: int) -> Data:
        key = (digest(recipe, code_of(recipe)), seed)
        if key in self.kept:
            self.kept.move_to_end(key)
            data, seal = self.kept[key]
            if seal != _seal(data):
                self._drop(key)
                raise _changed(type(recipe).__name__, "code that was given it")
            return data
        data = self._sample(recipe, seed)
        _check(recipe, data)
        self.kept[key] = data, _seal(data)
        self.bytes += _size(data)
        while len(self.kept) > 1 and self.bytes > BYTES_KEPT:
            self._drop(next(iter(self.kept)))
        return data

    def _drop(self, key: tuple[str, int]) -> None:
        self.bytes -= _size(self.kept.pop(key)[0])

    def _sample(self, recipe: Dataset, seed: int) -> Data:
        own = generator(recipe, seed, "data")
        if not isinstance(recipe, Derived):
            return recipe.draw(own)
        with unchanged(inner := self.get(recipe.data, seed), f"{type(recipe).__name__}.derive"):
            return recipe.derive(inner, own)


_cache = _SampleCache()


def sample_data(experiment: Experiment, seed: int) -> Data:
    """One seed's data, drawn or from the cache.

    Raises:
        InvalidExperiment: if the draw does not have the shapes that its recipe declares, or was changed in place.
        DataMissing, DataDamaged: if a file that it reads is missing, or is not what it should be.
    """
    return _cache.get(experiment.data, seed)


@contextmanager
def unchanged(data: Data, who: str) -> Iterator[None]:
    """Check that the code in the `with` block, which is given a draw, leaves it as it is.

    Raises:
        InvalidExperiment: if the draw was changed in place, by torch or through a numpy view.
    """
    seal = _seal(data)
    yield
    if _seal(data) != seal:
        raise _changed("the data", who)


def initial_parameters(experiment: Experiment, seed: int) -> dict[str, Tensor]:
    """One seed's parameters before the first step: the model's `init`, then its `place` on the data if it has one.

    Raises:
        InvalidExperiment: if the experiment has no model, or as `sample_data` where the model has a `place`.
        DataMissing, DataDamaged: as `sample_data`, where the model has a `place`.
    """
    model = experiment.model
    if model is None:
        raise InvalidExperiment(f"{experiment.label()} has no model; expected one, for its parameters")
    params = model.init(experiment.data.inputs, generator(model, seed, "init"), experiment.torch_dtype)
    place: Callable[..., dict[str, Tensor]] | None = getattr(model, "place", None)
    if place is None:
        return params
    with unchanged(data := sample_data(experiment, seed), f"{type(model).__name__}.place"):
        return place(params, data)


def check_data(experiment: Experiment) -> str:
    """Digests of the files that an experiment's data recipes read, "" if they read none.

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


def _changed(what: str, who: str) -> InvalidExperiment:
    return InvalidExperiment(
        f"{who} changed {what} in place, which other code shares; expected it to work on a copy (tensor.clone())"
    )


def _tensors(data: Data) -> list[Tensor]:
    return [t for t in (data.X, data.y, data.X_test, data.y_test) if t is not None]


def _seal(data: Data) -> Seal:
    return tuple((tensor._version, _checksum(tensor)) for tensor in _tensors(data))


def _checksum(tensor: Tensor) -> int:
    """A hash of a tensor's bits, or of their sums where it is large. Cost: one pass over its memory."""
    bits = tensor.detach().contiguous().flatten().view(torch.uint8)
    whole = len(bits) // WORDS * WORDS if len(bits) > HASHED else 0
    sums = bits[:whole].view(torch.int64).view(-1, WORDS // 8).sum(1)
    return hash((sums.numpy().tobytes(), bits[whole:].numpy().tobytes()))


def _size(data: Data) -> int:
    return sum(t.nbytes for t in _tensors(data))
