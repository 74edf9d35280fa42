"""Recipes as plain values: the canonical form that keys, records and random streams are made from."""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import json
import math
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from gen_core.errors import InvalidExperiment


def canonical(value: Any) -> Any:
    """The value as JSON-ready builtins, equal for equal recipes in every process.

    A dataclass becomes its type's name and its fields, a tuple a list. Anything that is not a frozen dataclass of
    builtins has no such form.

    Raises:
        InvalidExperiment: for a callable, a tensor, a mutable dataclass, a non-finite number.
    """
    if is_dataclass(value) and not isinstance(value, type):
        if not value.__dataclass_params__.frozen:  # type: ignore[attr-defined]
            raise InvalidExperiment(f"{type(value).__name__} is not frozen; a recipe is a dataclass(frozen=True)")
        return {"recipe": type(value).__qualname__} | {f.name: canonical(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, (list, tuple)):
        return [canonical(v) for v in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidExperiment(f"{value} in a recipe; expected a finite number")
        return value
    raise InvalidExperiment(f"{value!r} in a recipe; expected numbers, strings, tuples and frozen dataclasses of them")


def digest(*values: Any) -> str:
    """Hexadecimal sha256 of the canonical forms."""
    text = json.dumps([canonical(v) for v in values], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def code_of(recipe: Any) -> str:
    """Digest of the code behind a recipe: the modules that define its types, comments and layout left out.

    A type that is defined in a test module counts with its own source alone, so that an edit of a tolerance beside it
    does not make its results stale.
    """
    sources = {_code_of_type(kind) for kind in _types(recipe)}
    return hashlib.sha256("\n".join(sorted(sources)).encode()).hexdigest()


@functools.cache
def code_of_modules(*modules: Any) -> str:
    """Digest of modules' code as it was loaded, comments and layout left out."""
    return hashlib.sha256("\n".join(_normal(Path(m.__file__).read_text()) for m in modules).encode()).hexdigest()


def _types(recipe: Any) -> set[type]:
    found = {type(recipe)} if is_dataclass(recipe) else set()
    parts = [getattr(recipe, f.name) for f in fields(recipe)] if is_dataclass(recipe) else recipe
    for part in parts if isinstance(parts, (list, tuple)) else ():
        if is_dataclass(part) or isinstance(part, (list, tuple)):
            found |= _types(part)
    return found


@functools.cache
def _code_of_type(kind: type) -> str:
    try:
        path = Path(inspect.getsourcefile(kind) or "")
        own = path.name.startswith("test_") or path.name.endswith("_test.py")
        return _normal(inspect.cleandoc(inspect.getsource(kind)) if own else path.read_text())
    except (OSError, TypeError):
        return kind.__qualname__  # defined interactively: there is no source to follow


def _normal(source: str) -> str:
    return ast.unparse(ast.parse(source))
