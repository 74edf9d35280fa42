"""Random numbers come from a seed's own stream: what draws is watched, and drawn from once more."""

from __future__ import annotations

import contextlib
import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, Self, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from gen_core.errors import Inconclusive, InvalidExperiment, Refuted
from gen_core.recipe import canonical
from gen_core.training.replicas import checksum
from gen_core.types import Pooled

T = TypeVar("T")

GIVEN = "the generator that it is given alone (numbers that all seeds share are made where a module is imported)"

_numpy_seeds: dict[tuple[type, str, str], int] = {}
"""The seeds that draws have made generators of numpy from: type, who draws, and the seed -> the stream."""

_repeated: set[tuple[type, str, str]] = set()
"""The forms of recipes whose draws have been made twice: type, who draws, and outline."""


def drawn_from(
    recipe: Any, who: str, stream: Callable[[], torch.Generator], draw: Callable[[torch.Generator], T]
) -> tuple[T, bool]:
    """A draw, and whether it has used its stream; the first of each form of a recipe is made twice.

    A generator of the code's own with a seed from the clock or the system leaves no trace but another draw.

    Args:
        recipe: what is drawn.
        who: who draws, in messages.
        stream: makes the seed's generator, each time at its beginning.
        draw: generator -> tensors by name, or `Data`.

    Raises:
        InvalidExperiment: if it is made from anything else, or comes out differently a second time.
    """
    own = stream()
    with OwnStream(own, who) as watched, _seeds_of_numpy(recipe, who, own.initial_seed()):
        drawn = draw(own)
    form = (type(recipe), who, json.dumps(_outline(canonical(recipe))))
    if form not in _repeated:
        with elsewhere():
            again = draw(stream())
        if _bits(drawn) != _bits(again):
            refuse_numbers(who, "other numbers when it is called again with the same generator")
        _repeated.add(form)
    return drawn, watched.used


@contextlib.contextmanager
def _seeds_of_numpy(recipe: Any, who: str, stream: int) -> Iterator[None]:
    """While it is active, a generator that is made by numpy's `default_rng` has a seed that no other stream has given.

    Raises:
        InvalidExperiment: if draws of two streams make one from the same seed, which is refused for torch's, too.
    """
    make = np.random.default_rng

    def made(*args: Any, **kwargs: Any) -> np.random.Generator:
        given = (type(recipe), who, repr((args, kwargs)))
        if (args or kwargs) and _numpy_seeds.setdefault(given, stream) != stream:
            refuse_numbers(who, f"from numpy's default_rng with the seed {args or kwargs} for different seeds")
        return make(*args, **kwargs)

    modules = (np.random, sys.modules.get(type(recipe).__module__, np.random))
    there = [(vars(m), name) for m in modules for name, held in list(vars(m).items()) if held is make]
    for space, name in there:
        space[name] = made
    try:
        yield
    finally:
        for space, name in there:
            space[name] = make


def _outline(part: Any) -> Any:
    """A recipe in canonical form with all numbers taken as equal but 0: others rarely choose a branch of a draw."""
    if isinstance(part, dict):
        return {name: _outline(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_outline(value) for value in part]
    return part if isinstance(part, str) else bool(part)


def _bits(drawn: object) -> list[int]:
    held = drawn if isinstance(drawn, Mapping) else getattr(drawn, "__dict__", {})
    return [checksum(each) for each in held.values() if isinstance(each, (Tensor, Pooled))]


def _global_states() -> dict[str, object]:
    """The states of the generators that a process shares, by name."""
    states = {
        "torch's global generator": torch.default_generator.get_state().numpy().tobytes(),
        "numpy's global generator": _plain(np.random.get_state(legacy=False)),  # noqa: NPY002
        "Python's global generator": random.getstate(),
    }
    if torch.cuda.is_initialized():
        on_gpus = [each.get_state().numpy().tobytes() for each in torch.cuda.default_generators]
        states["torch's global generator of a GPU"] = b"".join(on_gpus)
    return states


def _plain(state: Any) -> Any:
    """A state of a generator of numpy, with the bytes of its arrays, so that it can be compared."""
    if isinstance(state, dict):
        return {name: _plain(part) for name, part in state.items()}
    return (state.dtype.str, state.tobytes()) if isinstance(state, np.ndarray) else state


@contextlib.contextmanager
def elsewhere() -> Iterator[None]:
    """The generators that a process shares, in another state; they are put back at the end."""
    torch_state, python_state = torch.get_rng_state(), random.getstate()
    numpy_state = np.random.get_state(legacy=False)  # noqa: NPY002
    for draw in (torch.randn, np.random.randn, random.getrandbits):
        draw(9)
    try:
        yield
    finally:
        torch.set_rng_state(torch_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)


class OwnNumbers:
    """While it is active, no generator that the whole process shares is used.

    Args:
        who: who might draw, in messages.
        expected: what it should draw from, in messages.

    Raises:
        InvalidExperiment: at the end, if a number has been drawn from torch's, numpy's or Python's global generator,
            unless another error than a verdict is on its way.
    """

    def __init__(self, who: str, expected: str = GIVEN) -> None:
        self.who, self.expected = who, expected

    def __enter__(self) -> Self:
        self.shared = _global_states()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None or issubclass(kind, (Refuted, Inconclusive)):
            now = _global_states()
            for name, before in self.shared.items():
                if now[name] != before:
                    refuse_numbers(self.who, f"from {name}", self.expected)


class GivenStreams(TorchFunctionMode):
    """While it is active, torch draws random numbers from some generators alone.

    Args:
        given: the generators; the list may grow meanwhile.
        who: who draws, in messages.

    Raises:
        InvalidExperiment: at a draw from another generator.
    """

    def __init__(self, given: Sequence[torch.Generator], who: str) -> None:
        super().__init__()
        self.given, self.who = given, who

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Look at the generators that torch's functions are given."""
        for value in (*args, *(kwargs or {}).values()):
            if isinstance(value, torch.Generator) and not any(value is each for each in self.given):
                refuse_numbers(self.who, f"{func.__name__} from another generator than its own")
        return func(*args, **(kwargs or {}))


class OwnStream(GivenStreams):
    """While it is active, random numbers are drawn from one generator alone.

    Args:
        generator: the generator.
        who: who draws, in messages.

    Raises:
        InvalidExperiment: at a draw by torch from another generator, and at the end as `OwnNumbers`.
    """

    def __init__(self, generator: torch.Generator, who: str) -> None:
        super().__init__([generator], who)
        self.own, self.before, self.numbers = generator, generator.get_state(), OwnNumbers(who)

    @property
    def used(self) -> bool:
        """Whether any number has been drawn."""
        return not torch.equal(self.before, self.own.get_state())

    def __enter__(self) -> Self:
        self.numbers.__enter__()
        super().__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> None:
        super().__exit__(kind, *rest)
        self.numbers.__exit__(kind, *rest)


def refuse_numbers(who: str, what: str, expected: str = GIVEN) -> NoReturn:
    """Refuse numbers that do not come from a seed's own stream.

    Raises:
        InvalidExperiment: naming who draws what.
    """
    raise InvalidExperiment(f"{who} draws {what}; expected {expected}")
