"""The data of a seed (cached) and its initial parameters, as pure functions of (recipe, seed).

A draw is shared by hypotheses, training and measures, so code that changed it in place would change the results of
others. Foreign code is followed by a check (`check_unchanged`), and a cached draw that was changed nevertheless is
discarded with an error.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import NoReturn

import torch
from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.experiment import Experiment
from gen_core.models.contract import check_start
from gen_core.training.declared import require_declared
from gen_core.training.recent import Recent
from gen_core.training.replicas import Twins, checksum, mark_of
from gen_core.training.seals import Seal, bytes_of, has_pools_as_made, has_seal, held_parts, pools_of, seal_of
from gen_core.training.seeding import generator, numbered
from gen_core.training.states import state_of
from gen_core.training.streams import OwnNumbers, drawn_from
from gen_core.training.teachers import Taught, predictor
from gen_core.types import Data, Dataset, Derived

BYTES_KEPT = 600 * 2**20
"""Size of a process's cache of draws, in bytes: hypotheses, training and measures use the same ones."""

STARTS_KEPT = 256 * 2**20
"""Size of a process's cache of starts, in bytes."""

SMALL = 2**16
"""Bytes up to which a draw is compared whole each time that it is handed out; larger ones by their versions alone."""


CHANGED = "code that was given it"
"""Who has changed a draw, where nobody in particular was asked about it."""


class _SampleCache:
    """The most recently used draws, by (digest of recipe and code, seed), each with its seal.

    Attributes:
        handed: the key under which a recipe's draw was last handed out, by the recipe's identity and the seed.
        random: digests of recipes that use their generator, or are derived from one that does.
        twins: what has been drawn of these, to find two seeds with the same draw.
    """

    def __init__(self) -> None:
        self.kept: OrderedDict[tuple[str, int], tuple[Data, Seal]] = OrderedDict()
        self.bytes = 0
        self.handed: dict[tuple[int, int], tuple[Dataset, tuple[str, int]]] = {}
        self.random: set[str] = set()
        self.twins = Twins()

    def get(self, recipe: Dataset, seed: int) -> Data:
        return self._get(self._key(recipe, seed), recipe, seed)

    def _get(self, key: tuple[str, int], recipe: Dataset, seed: int) -> Data:
        self.handed[id(recipe), seed] = recipe, key
        if key in self.kept:
            self.kept.move_to_end(key)
            data, _ = self.kept[key]
            self._compare(key, recipe, CHANGED, bytes_of(data) <= SMALL)
        else:
            data, random = self._sample(recipe, seed)
            require_declared(recipe, data)
            if not has_pools_as_made(data, False):
                self._refuse_change(recipe, CHANGED, data)
            self.random |= {key[0]} if random else set()
            self.kept[key] = data, seal_of(data)
            self.bytes += bytes_of(data)
            while len(self.kept) > 1 and self.bytes > BYTES_KEPT:
                self._drop(next(iter(self.kept)))
        if key[0] in self.random and (twin := self.twins.other(key[0], seed, held_parts(data)[:2])) is not None:
            raise InvalidExperiment(
                f"seeds {twin} and {seed} have the same {type(recipe).__name__} data; expected each to draw its own"
            )
        return data

    def mark(self, recipe: Dataset, seed: int) -> int:
        """A digest of every bit of a draw, from its seal."""
        key = self._key(recipe, seed)
        self._get(key, recipe, seed)
        return mark_of([(shape, str(dtype), crc) for shape, dtype, *_, crc in self.kept[key][1]])

    def confirm(self, recipe: Dataset, seed: int) -> None:
        """Draw once more what is kept, and compare. What is looked up at run time, as on a module, is in no key."""
        key = self._key(recipe, seed)
        if key in self.kept and not has_pools_as_made(data := self.kept[key][0], True):
            self._refuse_change(recipe, CHANGED, data)
        if key in self.kept and _SampleCache().mark(recipe, seed) != self.mark(recipe, seed):
            self._forget()
            raise InvalidExperiment(
                f"{type(recipe).__name__} does not draw what it drew before (seed {seed}); expected the same from the "
                "same recipe, with a field for what may change"
            )

    def verify(self, recipe: Dataset, seed: int, who: str, *, whole: bool = True) -> None:
        """Discard a draw that was handed out and changed in place, and say who did; by its versions unless `whole`.

        Raises:
            InvalidExperiment: if it was.
        """
        _, key = self.handed.get((id(recipe), seed), (recipe, ("", seed)))
        self._compare(key, recipe, who, whole)

    def _compare(self, key: tuple[str, int], recipe: Dataset, who: str, whole: bool) -> None:
        data, seal = self.kept.get(key, (None, ()))
        if data is not None and not (has_seal(data, seal, whole) and has_pools_as_made(data, False)):
            self._refuse_change(recipe, who, data)

    def _refuse_change(self, recipe: Dataset, who: str, data: Data) -> NoReturn:
        self._forget()
        for pool in pools_of(data):
            pool.renew()
        raise InvalidExperiment(
            f"{who} changed the data of {type(recipe).__name__} in place, which others measure too; expected it to "
            "work on a copy (tensor.clone())"
        )

    def _key(self, recipe: Dataset, seed: int) -> tuple[str, int]:
        return state_of(recipe), seed

    def _forget(self) -> None:
        while self.kept:  # derived data share tensors with what they are derived from
            self._drop(next(iter(self.kept)))

    def _drop(self, key: tuple[str, int]) -> None:
        self.bytes -= bytes_of(self.kept.pop(key)[0])

    def _sample(self, recipe: Dataset, seed: int) -> tuple[Data, bool]:
        """A draw, and whether any of it is random."""
        if isinstance(recipe, Taught):
            points, teacher = self.get(recipe.data, seed), recipe.teacher
            start = initial_parameters(teacher, seed)
            labelled = recipe.label(points, predictor(teacher, seed, start, lambda: sample_data(teacher, seed).X))
            self.verify(recipe.data, seed, f"{type(recipe).__name__}.label")
            return labelled, self._key(recipe.data, seed)[0] in self.random
        draw, how, random = recipe.draw, "draw", False
        if isinstance(recipe, Derived):
            original, how = self.get(recipe.data, seed), "derive"
            random = self._key(recipe.data, seed)[0] in self.random

            def draw(generator: torch.Generator) -> Data:
                derived = recipe.derive(original, generator)
                self.verify(recipe.data, seed, f"{type(recipe).__name__}.derive")
                return derived

        who = f"{type(recipe).__name__}.{how}"
        drawn, own_random = drawn_from(recipe, who, lambda: generator(recipe, seed, "data"), draw)
        return drawn, own_random or random


_cache = _SampleCache()
_recent = Recent(STARTS_KEPT)
_starts = Twins()


def sample_data(experiment: Experiment, seed: int) -> Data:
    """One seed's data, drawn or from the cache.

    Raises:
        InvalidExperiment: if the draw does not have the shapes that its recipe declares, was changed in place, is not
            made from the seed's own stream alone, or is another seed's too.
        DataMissing, DataDamaged: if a file that it reads is missing, or is not what it should be.
    """
    return _cache.get(experiment.data, seed)


def check_unchanged(experiment: Experiment, seed: int, who: str, *, whole: bool = True) -> None:
    """Check that the code that was given a seed's data has left it as it is; only the tensors' versions unless `whole`.

    Raises:
        InvalidExperiment: if it was changed in place, by torch or, where `whole`, through a numpy view. It is drawn
            anew for who asks next.
    """
    _cache.verify(experiment.data, seed, who, whole=whole)


def confirm_data(experiment: Experiment, seed: int) -> None:
    """Draw a seed's cached data once more, those of trainings before too, and compare.

    Raises:
        InvalidExperiment: if the draw has changed within this process. It is drawn anew for who asks next.
    """
    _cache.confirm(experiment.data, seed)
    if experiment.after is not None:
        confirm_data(experiment.after, seed)


def initial_parameters(experiment: Experiment, seed: int) -> dict[str, Tensor]:
    """One seed's parameters before the first step: the model's `init`, then its `place` on the data if it has one.

    Raises:
        InvalidExperiment: if the experiment has no model, if the draw is not made from the seed's own stream alone, is
            another seed's too or is not what the model names, or as `sample_data` where the model has a `place`.
        DataMissing, DataDamaged: as `sample_data`, where the model has a `place`.
    """
    model = experiment.model
    if model is None:
        raise InvalidExperiment(f"{experiment.label()} has no model; expected one, for its parameters")
    name = type(model).__name__
    params, random = drawn_from(
        model,
        f"{name}.init",
        lambda: generator(numbered(model, experiment.start), seed, "init"),
        lambda own: model.init(experiment.data.inputs, own, experiment.torch_dtype),
    )
    check_start(model, f"{name}.init", params, experiment.torch_dtype)
    form = (model, experiment.start, experiment.data.inputs, experiment.dtype)
    if random and (twin := _starts.other(form, seed, tuple(params.values()))) is not None:
        raise InvalidExperiment(f"seeds {twin} and {seed} have the same start of {name}; expected each to draw its own")
    place: Callable[..., dict[str, Tensor]] | None = getattr(model, "place", None)
    if place is None:
        return params
    data = sample_data(experiment, seed)
    with OwnNumbers(f"{name}.place"):
        placed = place(params, data)
    check_unchanged(experiment, seed, f"{name}.place")
    check_start(model, f"{name}.place", placed, experiment.torch_dtype)
    return placed


def known_start(experiment: Experiment, seed: int, *, anew: bool = False) -> dict[str, Tensor]:
    """One seed's parameters before the first step, as last drawn here, in copies; drawn now if not kept, or `anew`.

    A training draws its own by `initial_parameters`, and its marks are compared with these.

    Raises:
        As `initial_parameters`.
    """
    drawn_of = (experiment.model, experiment.data) if hasattr(experiment.model, "place") else experiment.model
    key = (state_of(drawn_of), experiment.start, experiment.data.inputs, experiment.dtype, seed)
    if anew or (found := _recent.take(key)) is None:
        found = initial_parameters(experiment, seed)
        _recent.keep(key, found)
    return found


def begins_with(experiment: Experiment, seed: int, start: Mapping[str, Tensor] | None = None) -> tuple[int, int]:
    """Digests of every bit of a seed's data and of its start: what a training depends on and its recipe may not show.

    A training after another one counts that one's too. Cost: a draw of the start where it is not given, and of data
    that are not cached; the digest of cached data is kept with them.

    Raises:
        As `sample_data` and `initial_parameters`.
    """
    if start is None:
        start = known_start(experiment, seed, anew=True) if experiment.model is not None else {}
    forms = [(name, tuple(each.shape), str(each.dtype), checksum(each)) for name, each in sorted(start.items())]
    data, weights = _cache.mark(experiment.data, seed), mark_of(forms)
    if experiment.after is None:
        return data, weights
    before = begins_with(experiment.after, seed)
    return mark_of((data, before[0])), mark_of((weights, before[1]))
