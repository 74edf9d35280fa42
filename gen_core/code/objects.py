"""Objects that code uses: whose they are, and what they hold."""

from __future__ import annotations

import copyreg
import sys
import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from gen_core.code.bytecode import GENERATED
from gen_core.code.locations import installed

PLAIN = (type(None), bool, int, float, complex, str, bytes)


def is_own(module: str) -> bool:
    """Whether a module is neither gen_core's nor an installed one, or is none at all, as at a prompt."""
    if module.partition(".")[0] == "gen_core" or module.startswith("namedtuple_"):
        return False
    loaded = sys.modules.get(module)
    file = getattr(loaded, "__file__", None)
    return not installed(Path(file)) if file else loaded is None or module == "__main__"


def held_by(value: Any) -> dict[str, Any] | None:
    """The state of a dataclass, a namespace, a network of torch, or an object of a class of one's own; else None."""
    if isinstance(value, type):
        return None
    kind, held = type(value), {}
    if is_dataclass(value):
        held = {f.name: getattr(value, f.name, None) for f in fields(value)}
    if not isinstance(value, (types.SimpleNamespace, torch.nn.Module)) and not is_own(kind.__module__):
        return held if is_dataclass(value) else None
    slots = [slot for base in kind.__mro__ for slot in _slots(base) if hasattr(value, slot)]
    held |= {slot: getattr(value, slot) for slot in slots if slot not in ("__dict__", "__weakref__")}
    rest = getattr(value, "__dict__", None)
    if isinstance(rest, dict):
        cached = {key for base in kind.__mro__ for key, of in vars(base).items() if isinstance(of, cached_property)}
        held |= {key: part for key, part in rest.items() if key not in cached}
    return held


def _slots(kind: type) -> Iterator[str]:
    slots = vars(kind).get("__slots__", ())
    for slot in (slots,) if isinstance(slots, str) else slots:
        private = slot[:2] == "__" and slot[-2:] != "__"
        yield f"_{kind.__name__.lstrip('_')}{slot}" if private else slot


def holds_plain(value: Any) -> bool:
    """Whether it is a number or string, or nothing but lists, tuples and dictionaries of these."""
    if type(value) in (dict, types.MappingProxyType):
        return all(map(holds_plain, value)) and all(map(holds_plain, value.values()))
    return all(map(holds_plain, value)) if type(value) in (list, tuple) else type(value) in PLAIN


def is_generated(value: Any) -> bool:
    """Whether it is a method that `dataclass` has made."""
    function = getattr(value, "__wrapped__", value)
    return isinstance(function, types.FunctionType) and function.__code__.co_qualname.startswith(GENERATED)


def contents(value: Any) -> tuple[Any, ...]:
    """What a container holds, keys and values."""
    return (*value, *value.values()) if isinstance(value, (dict, types.MappingProxyType)) else (*value,)


def reduced_of(value: Any) -> Any:
    """What a copy of an object would be made from."""
    known = copyreg.dispatch_table.get(type(value))
    return known(value) if known else value.__reduce_ex__(4)


def bases_of(kind: type) -> list[type]:
    """The classes that hold what an object is made of besides its attributes, if it is of one's own."""
    return [base for base in kind.__mro__ if is_own(kind.__module__) and base.__module__ not in ("abc", "typing")]
