"""Values of measures, seed by seed: taken apart into those of some seeds, and joined again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch
from torch import Tensor

from gen_core.errors import InvalidClaim, InvalidExperiment
from gen_core.recipe import brief, canonical
from gen_core.types import Measured

FIRST, LAST = 0, -1
"""Axes of the seeds."""

UNFIT = (KeyError, TypeError, AttributeError, RuntimeError, InvalidClaim)
"""What `join` may raise."""


@dataclass(frozen=True)
class Part:
    """A measure's value for some seeds, as plain values.

    Attributes:
        kind: "" for a tensor, which is named "" in `tensors`, else "module:name" of the dataclass.
        tensors: the fields that are tensors.
        common: the other fields, which all seeds have in common, in canonical form.
    """

    kind: str
    tensors: dict[str, Tensor]
    common: dict[str, Any]


def take_apart(value: Any, axis: int, sizes: Sequence[int], name: str) -> list[Part]:
    """A value as parts of so many seeds each.

    Args:
        value: a tensor, a `Measured`, or a frozen dataclass of tensors and of plain values.
        axis: the axis of the seeds, FIRST or LAST; always the last one for `Measured`.
        sizes: number of seeds of each part.
        name: the measure's name in messages.

    Raises:
        InvalidClaim: if it is none of these, or a tensor has not one entry per seed on its axis.
    """
    kind, tensors, common = "", {"": value}, {}
    if not isinstance(value, Tensor):
        if not is_dataclass(value) or isinstance(value, type):
            raise InvalidClaim(f"measure {name} gave {brief(value)}; expected a tensor, or a dataclass of tensors")
        kind = f"{type(value).__module__}:{type(value).__qualname__}"
        held = {field.name: getattr(value, field.name) for field in fields(value)}
        tensors = {key: each for key, each in held.items() if isinstance(each, Tensor)}
        try:
            common = {key: canonical(each) for key, each in held.items() if key not in tensors}
        except InvalidExperiment as error:
            raise InvalidClaim(f"measure {name} gave a {type(value).__name__} with {error}") from None
        axis = LAST if isinstance(value, Measured) else axis
    for key, each in tensors.items():
        if not each.dim() or each.shape[axis] != sum(sizes):
            what = f"{key} of shape" if key else "a tensor"
            where = f"the {sum(sizes)} seeds on its {'last' if axis else 'first'} axis"
            raise InvalidClaim(f"measure {name} gave {what} {tuple(each.shape)}; expected {where}")
    cut = {key: each.detach().split(list(sizes), axis) for key, each in tensors.items()}
    return [Part(kind, {key: each[i] for key, each in cut.items()}, common) for i in range(len(sizes))]


def join(parts: Sequence[Part], axis: int) -> Any:
    """The value of all parts together.

    Raises:
        UNFIT: if the parts do not fit together, or are of a type that is no more.
    """
    first = parts[0]
    if any(
        (part.kind, part.common, part.tensors.keys()) != (first.kind, first.common, first.tensors.keys())
        for part in parts
    ):
        raise TypeError("parts of different values")
    module, _, name = first.kind.partition(":")
    kind = getattr(sys.modules[module], name) if first.kind else None
    axis = LAST if kind is Measured else axis
    joined = {key: torch.cat([part.tensors[key] for part in parts], axis) for key in first.tensors}
    if kind is None:
        return joined[""]
    return kind(**joined, **{key: _tuples(value) for key, value in first.common.items()})


def comes_back(parts: Sequence[Part], axis: int, value: Any) -> bool:
    """Whether parts are, joined again, the value that they were taken from, to the bit."""
    try:
        return values_agree(join(parts, axis), value, exactly=True)
    except UNFIT:
        return False


def values_agree(one: Any, other: Any, *, exactly: bool = False) -> bool:
    """Whether two values of a measure values_agree, tensors to rounding: the square root of their resolution."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Tensor):
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        if not one.is_floating_point():
            return torch.equal(one, other)
        tolerance = 0.0 if exactly else torch.finfo(one.dtype).eps ** 0.5
        scale = one[one.isfinite()].abs().max().item() if one.isfinite().any() else 0.0
        return torch.allclose(one, other, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
    if is_dataclass(one):
        return all(values_agree(getattr(one, f.name), getattr(other, f.name), exactly=exactly) for f in fields(one))
    return bool(one == other)


def _tuples(value: Any) -> Any:
    """Lists of a canonical form as the tuples that they were."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
