"""Validation of records read from files, by the annotations of their fields."""

from __future__ import annotations

import functools
import math
import types
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from gen_core.records.case import SCHEMA, CaseRecord, RunRecord
from gen_core.records.vocabulary import HOLDS, INCONCLUSIVE, REFUTED

MOST_VALUES, MOST_PANELS = 10_000, 50
"""More values of a case, or panels of a figure, than any run writes: their page would take minutes."""

SAME = 1e-9
"""Relative difference up to which an estimate counts as the mean of its values: rounding, in any order of adding."""


def defect(record: CaseRecord | RunRecord) -> str:
    """The first field that does not match its annotation, or contradicts others, in words, or "" for a valid record."""
    if found := _defect(record, type(record), type(record).__name__):
        return found
    if record.schema not in range(1, SCHEMA + 1):
        return f"schema {record.schema}; expected 1 to {SCHEMA}"
    if not isinstance(record, CaseRecord):
        return ""
    if len(record.values) > MOST_VALUES:
        return f"CaseRecord.values holds {len(record.values)}; expected at most {MOST_VALUES}"
    if record.figure and len(record.figure.panels) > MOST_PANELS:
        return f"CaseRecord.figure holds {len(record.figure.panels)} panels; expected at most {MOST_PANELS}"
    return contradiction(record)


def contradiction(record: CaseRecord) -> str:
    """How a verdict contradicts the interval and the limits, or a mean its values, in words; "" if they agree.

    Interval and limits are on one scale, and so the verdict follows from them whatever the statistic.
    """
    if record.low is None or record.high is None or record.verdict not in (HOLDS, REFUTED, INCONCLUSIVE):
        return ""
    low, high = _limits(record)
    expected = INCONCLUSIVE
    if low <= record.low and record.high <= high:
        expected = HOLDS
    elif record.high < low or record.low > high:
        expected = REFUTED
    if record.limits and record.verdict != expected:
        found = f"[{record.low:g}, {record.high:g}] against {record.direction} {' and '.join(map(str, record.limits))}"
        return f"damaged, the verdict {record.verdict} with {found}; expected {expected}"
    values = [value for value in record.values if value is not None]
    if record.statistic != "mean" or record.scale or record.estimate is None or len(values) != len(record.values):
        return ""
    mean = math.fsum(values) / max(len(values), 1)
    if values and abs(mean - record.estimate) > SAME * max(map(abs, values)):
        return f"damaged, the estimate {record.estimate:g}; expected the mean of its values, {mean:g}"
    return ""


def _limits(record: CaseRecord) -> tuple[float, float]:
    if record.direction == "between" and len(record.limits) == 2:
        return record.limits[0], record.limits[1]
    only = record.limits[0] if record.limits else math.nan
    return (-math.inf, only) if record.direction == "at most" else (only, math.inf)


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
