"""The code of a type without readable source: its bytecode, and the closure and global values that it uses."""

from __future__ import annotations

import os
import types
from collections.abc import Iterator
from typing import Any

from gen_core.errors import InvalidExperiment
from gen_core.recipe import canonical

UNKNOWN = os.urandom(16).hex()
"""A stand-in for values without a stable text, different in every process, so that no stored result matches it."""

_OWN = ("__module__", "__dict__", "__weakref__", "__doc__", "__annotations__", "__match_args__", "__qualname__")


def code_without_source(kind: type) -> tuple[str, list[type]]:
    """The code of a type as text, and the types that it refers to.

    Functions that it uses from its module or a closure count with their own code, and constants with their values.
    Anything else, such as a mutable list or an object, counts as `UNKNOWN`.
    """
    lines: list[str] = [kind.__qualname__]
    used: list[type] = []
    seen: set[int] = set()

    def follow(name: str, value: Any) -> None:
        if isinstance(value, type):
            used.append(value)
        elif isinstance(value, types.ModuleType):
            lines.append(f"{name} is the module {value.__name__}")
        elif isinstance(value, types.BuiltinFunctionType):
            lines.append(f"{name} is {value.__module__}.{value.__qualname__}")
        elif functions := list(_functions(value)):
            for function in functions:
                if id(function) not in seen:
                    seen.add(id(function))
                    of_function(name, function)
        else:
            lines.append(f"{name} = {_value(value)}")

    def of_function(name: str, function: types.FunctionType) -> None:
        lines.append(f"{name}: {_of_code(function.__code__)}")
        for around, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            if around != "__class__":
                follow(f"{name} closes over {around}", cell.cell_contents)
        for around in sorted(_names(function.__code__)):
            if around in function.__globals__:
                follow(around, function.__globals__[around])

    for name, value in sorted(vars(kind).items()):
        if name not in _OWN and not name.startswith("__dataclass_"):
            generated = [f for f in _functions(value) if f.__code__.co_filename == "<string>"]  # by dataclass
            if not generated:
                follow(name, value)
    return "\n".join(lines), used


def _functions(value: Any) -> Iterator[types.FunctionType]:
    names = ("fget", "fset", "fdel", "__func__", "__wrapped__", "func")  # of properties, methods, wrappers, partials
    for candidate in (value, *(getattr(value, name, None) for name in names)):
        if isinstance(candidate, types.FunctionType):
            yield candidate


def _of_code(code: types.CodeType) -> str:
    inner = [_of_code(c) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {inner}"


def _names(code: types.CodeType) -> set[str]:
    return set(code.co_names).union(*(_names(c) for c in code.co_consts if isinstance(c, types.CodeType)))


def _value(value: Any) -> str:
    try:
        return repr(canonical(value))
    except InvalidExperiment:
        return UNKNOWN
