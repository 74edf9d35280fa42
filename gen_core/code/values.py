"""What the names of a module stand for now: constants made at import, configuration, and what was put in their place.

Source tells how a constant is made, and not from which file or variable, nor what another module has made of it since.
Numbers, strings, arrays, tensors, containers, dataclasses, namespaces, networks of torch and objects of one's own count
with their values, functions and methods that are not of the module's source by their bytecode. Anything else counts by
its type alone.
"""

from __future__ import annotations

import enum
import functools
import hashlib
import sys
import types
import weakref
from collections import deque
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch

from gen_core.code.locations import installed, source_file

PLAIN = (type(None), bool, int, float, complex, str, bytes)
CONTAINERS = (list, tuple, set, frozenset, deque)
LARGE = 2**18
"""Numbers of an array from which on it is first looked at in as many places, spread evenly."""

_large: dict[int, tuple[weakref.ref[Any], object, str]] = {}

DEEPEST, MOST = 12, 100_000
"""Levels, and parts in all, to which values are followed."""


def value_of(module: str, name: str) -> str:
    """The value of a name of a module, as text; "" if the module is not loaded, or for what its source alone tells."""
    loaded = sys.modules.get(module)
    if loaded is None or name not in vars(loaded):
        return ""
    value, search = vars(loaded)[name], _Search()
    if isinstance(value, type):
        search.of_type(value)
    else:
        search.follow("", value)
    return "\n".join(search.lines)


def code_text(code: types.CodeType) -> str:
    """Bytecode as text, the same in every process of one version of Python."""
    inner = [code_text(c) if isinstance(c, types.CodeType) else _constant(c) for c in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {inner}"


def array_text(value: torch.Tensor | np.ndarray | np.generic) -> str:
    """Type, shape and a digest of the numbers of an array. A large one that seems unchanged is not read once more."""
    array = _numbers(value) if isinstance(value, torch.Tensor) else np.asarray(value)
    if array.size <= LARGE:
        return f"{type(value).__name__} {value.dtype} {tuple(value.shape)} {_digest(array)}"
    seen = (array.shape, _digest(array.ravel()[:: array.size // LARGE]), getattr(value, "_version", None))
    known = _large.get(id(value))
    if known is None or known[0]() is not value or known[1] != seen:
        text = f"{type(value).__name__} {value.dtype} {tuple(value.shape)} {_digest(array)}"
        known = _large[id(value)] = weakref.ref(value), seen, text
    return known[2]


def _numbers(value: torch.Tensor) -> np.ndarray:
    if value.is_meta:
        return np.zeros(0)
    dense = (value.dequantize() if value.is_quantized else value.to_dense()).detach().cpu().resolve_conj().resolve_neg()
    return (dense.float() if dense.dtype == torch.bfloat16 else dense).numpy()


def _digest(array: np.ndarray) -> str:
    return hashlib.blake2b(np.ascontiguousarray(array).tobytes(), digest_size=16).hexdigest()


def held_by(value: Any) -> dict[str, Any] | None:
    """The state of a dataclass, a namespace, a network of torch, or an object of a class of one's own; else None."""
    if is_dataclass(value):
        return {f.name: getattr(value, f.name, None) for f in fields(value)}
    if isinstance(value, types.SimpleNamespace):
        return vars(value)
    if isinstance(value, torch.nn.Module):
        return dict(value.state_dict())
    if _own(type(value).__module__):
        return {key: part for key, part in getattr(value, "__dict__", {}).items() if key[:1] != "_"}
    return None


def _own(module: str) -> bool:
    """Whether a module is no installed one, or is none at all, as at a prompt."""
    path = source_file(module)
    return not installed(path) if path else module == "__main__" or module not in sys.modules


class _Search:
    """What a value leads to, part by part."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.seen: dict[int, Any] = {}

    def of_type(self, kind: type) -> None:
        """The attributes of a class, and methods that are not of its module's source."""
        for key, value in sorted(vars(kind).items()):
            if key[:2] != "__" and not isinstance(value, (types.MemberDescriptorType, functools.cached_property)):
                self.follow(key, value)

    def follow(self, name: str, value: Any, depth: int = 0) -> None:
        if depth > DEEPEST or len(self.lines) > MOST:
            return
        if isinstance(value, enum.Enum):
            self._add(name, f"{type(value).__qualname__}.{value.name}")
        elif isinstance(value, PLAIN):
            self._add(name, f"{type(value).__name__} {value!r}")
        elif isinstance(value, (torch.Tensor, np.ndarray, np.generic)):
            self._add(name, array_text(value))
        elif (function := _function(value)) is not None:
            self._of_function(name, value, function, depth)
        elif isinstance(value, (type, types.ModuleType)):
            self._add(name, f"{getattr(value, '__qualname__', value.__name__)}")
            if isinstance(value, type) and depth and _own(value.__module__) and id(value) not in self.seen:
                self.seen[id(value)] = value
                for key, part in sorted(vars(value).items()):
                    if (method := _function(part)) is not None:
                        self._add(f"{name}.{key}", code_text(method.__code__))
        elif id(value) not in self.seen:
            self.seen[id(value)] = value
            self._add(name, type(value).__qualname__)
            try:
                parts = list(_parts(value))
            except Exception:  # code of any library, which may refuse to be looked at
                parts = []
            for key, part in parts:
                self.follow(f"{name}.{key}", part, depth + 1)

    def _of_function(self, name: str, value: Any, function: types.FunctionType, depth: int) -> None:
        """A function by what its source does not tell: its code where it is kept in something, or is from elsewhere."""
        path = source_file(function.__module__) if function.__module__ else None
        if depth or function.__code__.co_filename not in ("<string>", str(path)) or function.__name__ == "<lambda>":
            self._add(name, code_text(function.__code__))
        for key, part in sorted(getattr(value, "__dict__", {}).items()):
            if key[:2] != "__" and isinstance(part, (*PLAIN, *CONTAINERS, dict)) and key != "pytestmark":
                self.follow(f"{name}.{key}", part, depth + 1)

    def _add(self, name: str, text: str) -> None:
        self.lines.append(f"{name} is {text}")


def _function(value: Any) -> types.FunctionType | None:
    """The function itself, or the one behind a method or property."""
    if isinstance(value, (types.MethodType, staticmethod, classmethod)):
        value = value.__func__
    elif isinstance(value, property):
        value = value.fget
    return value if isinstance(value, types.FunctionType) else None


def _parts(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        yield from ((repr(key) if isinstance(key, PLAIN) else i, part) for i, (key, part) in enumerate(value.items()))
    elif isinstance(value, (set, frozenset)):
        yield from enumerate(sorted(value, key=repr))
    elif isinstance(value, CONTAINERS):
        yield from enumerate(value)
    elif isinstance(value, functools.partial):
        yield from (("function", value.func), ("arguments", value.args), ("keywords", value.keywords))
    elif (held := held_by(value)) is not None:
        yield from sorted(held.items())


def _constant(value: Any) -> str:
    # The order of a set depends on the process.
    return f"frozenset({sorted(map(repr, value))})" if isinstance(value, frozenset) else repr(value)
