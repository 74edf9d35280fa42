"""Bytecode and arrays as text, the same in every process of one version of Python; where a function is defined."""

from __future__ import annotations

import hashlib
import inspect
import os
import sys
import types
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from gen_core.code.locations import source_file

GENERATED = "__create_fn__."
"""How the qualified names of functions begin that `dataclass` makes."""

LARGE = 2**18
"""Numbers of an array from which on it is first looked at in as many places, spread evenly."""

_large: dict[int, tuple[weakref.ref[Any], object, str]] = {}


def code_text(code: types.CodeType) -> str:
    """Bytecode as text."""
    inner = [code_text(c) if isinstance(c, types.CodeType) else _constant(c) for c in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {inner}"


def names_in(code: types.CodeType) -> frozenset[str]:
    """All names that code uses: globals, attributes, modules that it imports."""
    return frozenset(code.co_names).union(*(names_in(c) for c in code.co_consts if isinstance(c, types.CodeType)))


def stands_at(module: str, whole: str) -> Any:
    """What stands in a loaded module under a qualified name, as it is held there; None if nothing does."""
    there: Any = sys.modules.get(module)
    for part in whole.split("."):
        there = inspect.getattr_static(there, part, None)
    return there


def functions_behind(value: Any) -> Iterator[types.FunctionType]:
    """The function that a value is or holds, as a method or property does, and those that it wraps."""
    function = getattr(value, "__func__", getattr(value, "fget", getattr(value, "func", value)))
    while isinstance(function, types.FunctionType):
        yield function
        function = getattr(function, "__wrapped__", None)


def defined_at(function: types.FunctionType) -> tuple[str, str] | None:
    """Module and top-level name under which a function still stands as its source defines it; else None.

    A decorator may have put it into something else, such as an `Assumption`.
    """
    module, whole = function.__globals__.get("__name__", ""), function.__code__.co_qualname
    path = source_file(module) if isinstance(module, str) and module in sys.modules else None
    if path is None or os.path.abspath(function.__code__.co_filename) != os.path.abspath(path):
        return None
    there = stands_at(module, whole)
    for _ in range(10):
        held = [getattr(there, key, None) for key in ("__func__", "fget", "func")]
        held += [*getattr(there, "__dict__", {}).values()] if isinstance(getattr(there, "__dict__", 0), dict) else []
        if there is function or any(each is function for each in held):
            return module, whole.partition(".")[0]
        there = getattr(there, "__wrapped__", None)
    return None


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


def _constant(value: Any) -> str:
    # The order of a set depends on the process.
    return f"frozenset({sorted(map(repr, value))})" if isinstance(value, frozenset) else repr(value)
