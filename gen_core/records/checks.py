"""Validation of records read from files, by the annotations of their fields."""

from __future__ import annotations

import functools
import types
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from gen_core.records.case import SCHEMA, CaseRecord, RunRecord


def defect(record: CaseRecord | RunRecord) -> str:
    """The first field that does not match its annotation, in words, or "" for a valid record."""
    if found := _defect(record, type(record), type(record).__name__):
        return found
    return "" if record.schema in range(1, SCHEMA + 1) else f"schema {record.schema}; expected 1 to {SCHEMA}"


def _defect(value: Any, hint: Any, where: str) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return ""
    if origin in (Union, types.UnionType):
        return _of_union(value, hint, where)
    if origin is Literal:
        return "" if value in inner else _unknown(value, inner, where)
    if origin in (list, Sequence) and isinstance(value, list):
        return next((d for item in value if (d := _defect(item, inner[0], where))), "")
    if origin is dict and isinstance(value, dict):
        return next((d for item in value.values() if (d := _defect(item, inner[1], where))), "")
    if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, hint):
        found = (_defect(getattr(value, name), own, f"{where}.{name}") for name, own in _hints(hint).items())
        return next((d for d in found if d), "")
    if hint is float and isinstance(value, int) and abs(value) < 10**300:
        return ""
    if isinstance(hint, type) and isinstance(value, hint):
        return ""
    return _mismatch(value, hint, where)


def _of_union(value: Any, hint: Any, where: str) -> str:
    options = get_args(hint)
    if any(not _defect(value, option, where) for option in options):
        return ""
    words = [word for option in options if get_origin(option) is Literal for word in get_args(option)]
    if words and isinstance(value, str):
        return _unknown(value, words, where)
    return _mismatch(value, hint, where)


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _unknown(word: Any, known: Sequence[Any], where: str) -> str:
    return f"{where} holds {str(word)[:40]!r}; expected one of {', '.join(repr(one) for one in known)}"


def _mismatch(value: Any, hint: Any, where: str) -> str:
    expected = hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
    return f"{where} holds a {type(value).__name__}; expected {expected}"
