"""Recipes as plain values: the canonical form that keys, records and random streams are made from."""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import json
import math
import textwrap
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from gen_core.errors import InvalidExperiment


def canonical(value: Any, name: str = "recipe") -> Any:
    """The value as JSON-ready builtins, equal for equal recipes in every process.

    A dataclass becomes its type's name and its fields, a tuple a list, and 1.0 the same as 1. Anything that is not a
    frozen dataclass of builtins has no such form.

    Args:
        value: a recipe, or a part of one.
        name: how messages call it.

    Raises:
        InvalidExperiment: for a callable, a tensor, a list, a mutable dataclass, a number that is not finite.
    """
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value).__name__
        if not value.__dataclass_params__.frozen:  # type: ignore[attr-defined]
            raise InvalidExperiment(f"{name} of type {kind}, which is mutable; expected a dataclass(frozen=True)")
        parts = {f.name: canonical(getattr(value, f.name), f"{kind}.{f.name}") for f in fields(value)}
        return {"recipe": type(value).__qualname__} | parts
    if isinstance(value, tuple):
        return [canonical(v, name) for v in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidExperiment(f"{name} {value}; expected a finite number")
        return int(value) if value.is_integer() and abs(value) < 2**53 else float(value)
    raise InvalidExperiment(
        f"{name} {brief(value)}; expected a number, a string, a tuple or a frozen dataclass of these"
    )


def brief(value: object) -> str:
    """A value in one line of a message."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:50]}... of type {type(value).__name__}"


def digest(*values: Any) -> str:
    """Hexadecimal sha256 of the canonical forms."""
    text = json.dumps([canonical(v) for v in values], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def code_of(recipe: Any) -> str:
    """Digest of the code behind a recipe: the modules that define its types, with comments and docstrings left out.

    A type that is defined in a test module counts with its own source alone, so that an edit of a tolerance beside it
    does not make its results stale.
    """
    sources = {_code_of_type(base) for kind in _types(recipe) for base in kind.__mro__ if base is not object}
    return hashlib.sha256("\n".join(sorted(sources)).encode()).hexdigest()


@functools.cache
def code_of_modules(*modules: ModuleType) -> str:
    """Digest of modules' code, with comments and docstrings left out."""
    text = "\n".join(_normal(inspect.getsource(module)) for module in modules)
    return hashlib.sha256(text.encode()).hexdigest()


def _types(recipe: Any) -> set[type]:
    if isinstance(recipe, tuple):
        return set().union(*map(_types, recipe))
    if not is_dataclass(recipe):
        return set()
    return {type(recipe)}.union(*(_types(getattr(recipe, f.name)) for f in fields(recipe)))


@functools.cache
def _code_of_type(kind: type) -> str:
    try:
        path = Path(inspect.getsourcefile(kind) or "")
        own = path.name.startswith("test_") or path.name.endswith("_test.py") or not path.is_file()
        return _normal(textwrap.dedent(inspect.getsource(kind)) if own else path.read_text(encoding="utf-8"))
    except (OSError, TypeError):
        return kind.__qualname__  # built in, or typed at a prompt: there is no source to follow


def _normal(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
