"""The code of a type without readable source: its bytecode, and the closure and global values that it uses."""

from __future__ import annotations

import functools
import os
import types
from dataclasses import is_dataclass
from typing import Any

import numpy as np
import torch

from gen_core.code.locations import source_file
from gen_core.code.reads import DRAWN, LOOKING_UP
from gen_core.code.values import array_text, code_text, held_by
from gen_core.errors import InvalidExperiment
from gen_core.recipe import canonical

UNKNOWN = os.urandom(16).hex()
"""A stand-in for what has no stable text, different in every process, so that no stored result matches it."""

_OWN = ("__module__", "__dict__", "__weakref__", "__doc__", "__annotations__", "__match_args__", "__qualname__")

_unknown: dict[int, Any] = {}
"""Objects without a stable text by their id, kept so that no other one gets it."""


def code_without_source(kind: type) -> tuple[str, list[type], list[str], list[str]]:
    """The code of a type as text, the types that it refers to, the modules, and what it looks up whenever it runs.

    Functions that it uses from its module or a closure count with their own code and defaults, and constants, tensors
    and containers with their values. Any other object counts as itself, as no other process has it.
    """
    search = _Search()
    for name, value in sorted(vars(kind).items()):
        if name not in _OWN and not name.startswith("__dataclass_") and not _generated(value):
            search.follow(name, value)
    return "\n".join([kind.__qualname__, *search.lines]), search.used, search.modules, search.reads


class _Search:
    """What a type leads to, value by value."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.used: list[type] = []
        self.modules: list[str] = []
        self.reads: list[str] = []
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
            held = held_by(value) or {}
            self._once(value, lambda: [self.follow(f"{name}.{key}", part) for key, part in held.items()])

    def _once(self, value: object, follow: Any) -> None:
        """Follow an object the first time that it is met, as references can cycle."""
        if id(value) not in self.seen:
            self.seen.add(id(value))
            follow()

    def _of_function(self, name: str, function: types.FunctionType) -> None:
        self.lines.append(f"{name}: {code_text(function.__code__)}")
        self.follow(f"{name} by default", (function.__defaults__ or (), function.__kwdefaults__ or {}))
        for attribute, value in vars(function).items():
            if attribute[:2] != "__":
                self.follow(f"{name}.{attribute}", value)
        for around, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            if around != "__class__":
                self.follow(f"{name} closes over {around}", cell.cell_contents)
        names = _names(function.__code__)
        self.reads += [f"{name} uses {each}" for each in sorted(names & LOOKING_UP) if name not in DRAWN]
        for around in sorted(names):
            if around in function.__globals__:
                self.follow(around, function.__globals__[around])


def _parts(value: Any) -> dict[str, Any] | None:
    """The parts of what is no more than these: a property, a method, a wrapper, a partial, a dataclass, a namespace."""
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
    if is_dataclass(value) or isinstance(value, (types.SimpleNamespace, torch.nn.Module)):
        return {"type": type(value), **(held_by(value) or {})}
    return None


def _generated(value: Any) -> bool:
    """Whether it is a method that `dataclass` has made."""
    function = getattr(value, "__wrapped__", value)
    return isinstance(function, types.FunctionType) and function.__code__.co_filename == "<string>"


def _names(code: types.CodeType) -> set[str]:
    return set(code.co_names).union(*(_names(c) for c in code.co_consts if isinstance(c, types.CodeType)))


def _value(value: Any) -> str:
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return array_text(value)
    try:
        return repr(canonical(value))
    except InvalidExperiment:
        _unknown[id(value)] = value
        return f"{UNKNOWN} {id(value)}"
