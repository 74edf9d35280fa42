"""Recipes as plain values: the canonical form that keys, records and random streams are made from."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from gen_core.errors import InvalidExperiment


def canonical(value: Any, name: str = "recipe", *, defaults: bool = True) -> Any:
    """The value as JSON-ready builtins, equal for equal recipes in every process.

    A dataclass becomes its type's name and its fields, a tuple a list, and 1.0 the same as 1. Anything that is not a
    frozen dataclass of builtins has no such form.

    Args:
        value: a recipe, or a part of one.
        name: its name in messages.
        defaults: whether to include fields that are at their default.

    Raises:
        InvalidExperiment: for a callable, a tensor, a list, a mutable dataclass, a number that is not finite.
    """
    # Not isinstance: a named tuple or a member of an Enum has methods, which are part of no key.
    plain: Any = value
    if plain is None or type(plain) in (bool, int, str):
        return plain
    if (names := _fields_of(type(value))) is not None:
        kind = type(value).__name__
        if not value.__dataclass_params__.frozen:  # type: ignore[attr-defined]
            raise InvalidExperiment(f"{name} of type {kind}, which is mutable; expected a dataclass(frozen=True)")
        _refuse_hidden(value, name, names)
        form: dict[str, Any] = {"recipe": type(value).__qualname__}
        for each in names:
            part = canonical(getattr(value, each), f"{kind}.{each}", defaults=defaults)
            if defaults or not _at_default(type(value).__dataclass_fields__[each], part):
                form[each] = part
        return form
    if type(plain) is tuple:
        return [canonical(v, name, defaults=defaults) for v in plain]
    if type(plain) in (float, np.float64):
        if not math.isfinite(plain):
            raise InvalidExperiment(f"{name} {plain}; expected a finite number")
        return int(plain) if plain.is_integer() and abs(plain) < 2**53 else float(plain)
    raise InvalidExperiment(
        f"{name} {brief(value)}; expected a number, a string, a tuple or a frozen dataclass of these"
    )


def _refuse_hidden(value: Any, name: str, shown: tuple[str, ...]) -> None:
    """Refuse a recipe that holds what none of its fields shows, as a subclass without `@dataclass` may."""
    slots = [slot for slot in _slots_of(type(value)) if slot not in shown and hasattr(value, slot)]
    for held in (*getattr(value, "__dict__", ()), *slots):
        if held not in shown and not isinstance(getattr(type(value), held, None), cached_property):
            kind = type(value).__name__
            raise InvalidExperiment(f"{name} of type {kind} holds {held!r}, which is no field; expected fields alone")


def _at_default(field: Field[Any], part: Any) -> bool:
    """Whether a part, in its canonical form, equals the default of its field."""
    if field.default is MISSING and field.default_factory is MISSING:
        return False
    default = field.default if field.default_factory is MISSING else field.default_factory()
    try:
        return json.dumps(part) == json.dumps(canonical(default, defaults=False))
    except InvalidExperiment:  # such as an infinite one
        return False


def brief(value: object) -> str:
    """A value as it appears in a one-line message."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:50]}... of type {type(value).__name__}"


def digest(*values: Any, defaults: bool = True) -> str:
    """Hexadecimal SHA-256 of the canonical forms; without `defaults`, fields at their default are left out."""
    text = json.dumps([canonical(v, defaults=defaults) for v in values], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def all_within(recipe: Any) -> Iterator[Any]:
    """A recipe and all that its fields, and tuples among them, hold, each before its own parts."""
    left = [recipe]
    while left:
        yield (part := left.pop())
        if (names := _fields_of(type(part))) is not None:
            left += [getattr(part, name) for name in reversed(names)]
        elif isinstance(part, tuple):
            left += reversed(part)


def recipes_within(recipe: Any) -> Iterator[Any]:
    """Those of `all_within` that are recipes themselves."""
    return filter(is_recipe, all_within(recipe))


def is_recipe(part: Any) -> bool:
    """Whether it is an instance of a dataclass."""
    return _fields_of(type(part)) is not None


@cache
def _slots_of(kind: type) -> tuple[str, ...]:
    """Names of the slots of a class and of its bases."""
    slots = (slot for base in kind.__mro__ for slot in getattr(base, "__slots__", ()))
    return tuple(slot for slot in slots if slot != "__weakref__")


@cache
def _fields_of(kind: type) -> tuple[str, ...] | None:
    """Names of the fields of a dataclass; None of another type."""
    return tuple(f.name for f in fields(kind)) if is_dataclass(kind) else None
