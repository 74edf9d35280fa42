"""The code of a type without readable source: its bytecode, and the closure and global values that it uses."""

from __future__ import annotations

import functools
import hashlib
import os
import types
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch

from gen_core.code.locations import source_file
from gen_core.errors import InvalidExperiment
from gen_core.recipe import canonical

UNKNOWN = os.urandom(16).hex()
"""A stand-in for what has no stable text, different in every process, so that no stored result matches it."""

_OWN = ("__module__", "__dict__", "__weakref__", "__doc__", "__annotations__", "__match_args__", "__qualname__")

_unknown: dict[int, Any] = {}
"""Objects without a stable text by their id, kept so that no other one gets it."""


def code_without_source(kind: type) -> tuple[str, list[type], list[str]]:
    """The code of a type as text, the types that it refers to, and the modules.

    Functions that it uses from its module or a closure count with their own code and defaults, and constants, tensors
    and containers with their values. Any other object counts as itself, as no other process has it.
    """
    search = _Search()
    for name, value in sorted(vars(kind).items()):
        if name not in _OWN and not name.startswith("__dataclass_") and not _generated(value):
            search.follow(name, value)
    return "\n".join([kind.__qualname__, *search.lines]), search.used, search.modules


class _Search:
    """What a type leads to, value by value."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.used: list[type] = []
        self.modules: list[str] = []
        self.seen: set[int] = set()

    def follow(self, name: str, value: Any) -> None:
        if isinstance(value, (list, tuple, set, frozenset, dict)):
            self.lines.append(f"{name} is a {type(value).__name__} of {len(value)}")
            parts = value.items() if isinstance(value, dict) else value
            ordered = sorted(parts, key=repr) if isinstance(value, (set, frozenset)) else parts
            self._once(value, lambda: [self.follow(f"{name}[{i}]", part) for i, part in enumerate(ordered)])
        elif isinstance(value, type):
            self.used.append(value)
        elif isinstance(value, types.ModuleType):
            self.lines.append(f"{name} is the module {value.__name__}")
            if source_file(value.__name__) is not None:
                self.modules.append(value.__name__)
        elif isinstance(value, types.BuiltinFunctionType):
            self.lines.append(f"{name} is {value.__module__}.{value.__qualname__}")
        elif isinstance(value, types.FunctionType):
            self._once(value, lambda: self._of_function(name, value))
        elif (parts := _parts(value)) is not None:
            self._once(value, lambda: [self.follow(f"{name}.{key}", part) for key, part in parts.items()])
        else:
            self.lines.append(f"{name} = {_value(value)}")

    def _once(self, value: object, follow: Any) -> None:
        """Follow an object the first time that it is met, as references can cycle."""
        if id(value) not in self.seen:
            self.seen.add(id(value))
            follow()

    def _of_function(self, name: str, function: types.FunctionType) -> None:
        self.lines.append(f"{name}: {_of_code(function.__code__)}")
        self.follow(f"{name} by default", (function.__defaults__ or (), function.__kwdefaults__ or {}))
        for around, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            if around != "__class__":
                self.follow(f"{name} closes over {around}", cell.cell_contents)
        for around in sorted(_names(function.__code__)):
            if around in function.__globals__:
                self.follow(around, function.__globals__[around])


def _parts(value: Any) -> dict[str, Any] | None:
    """The parts of a property, a method, a wrapper, a partial or a dataclass; None of anything else."""
    if isinstance(value, property):
        return {"get": value.fget, "set": value.fset, "del": value.fdel}
    if isinstance(value, (types.MethodType, staticmethod, classmethod)):
        return {"function": value.__func__, "self": getattr(value, "__self__", None)}
    if isinstance(value, functools.partial):
        return {"function": value.func, "arguments": value.args, "keywords": value.keywords}
    if isinstance(value, functools.cached_property):
        return {"function": value.func}
    if isinstance(inner := getattr(value, "__wrapped__", None), types.FunctionType):
        return {"function": inner}
    if is_dataclass(value):
        return {"type": type(value), **{f.name: getattr(value, f.name) for f in fields(value)}}
    return None


def _generated(value: Any) -> bool:
    """Whether it is a method that `dataclass` has made."""
    function = getattr(value, "__wrapped__", value)
    return isinstance(function, types.FunctionType) and function.__code__.co_filename == "<string>"


def _of_code(code: types.CodeType) -> str:
    inner = [_of_code(c) if isinstance(c, types.CodeType) else _constant(c) for c in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {inner}"


def _constant(value: Any) -> str:
    # The order of a set depends on the process.
    return f"frozenset({sorted(map(repr, value))})" if isinstance(value, frozenset) else repr(value)


def _names(code: types.CodeType) -> set[str]:
    return set(code.co_names).union(*(_names(c) for c in code.co_consts if isinstance(c, types.CodeType)))


def _value(value: Any) -> str:
    if isinstance(value, (torch.Tensor, np.ndarray)):
        array = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
        bits = np.ascontiguousarray(array).tobytes()
        return f"{type(value).__name__} {array.dtype} {array.shape} {hashlib.sha256(bits).hexdigest()}"
    try:
        return repr(canonical(value))
    except InvalidExperiment:
        _unknown[id(value)] = value
        return f"{UNKNOWN} {id(value)}"
