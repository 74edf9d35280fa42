"""Checks of a recipe's fields, made when the recipe is constructed rather than when it is trained, and of claims.

Fields hold builtins only, since they are part of the key of every result: numpy scalars and bools are not numbers here,
but for float64, which is a float and has a float's key.
Every check of a field raises `InvalidExperiment` with the field, its value and what was expected.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from math import inf

import numpy as np
import torch

from gen_core.errors import InvalidClaim, InvalidExperiment, Unfinished
from gen_core.recipe import brief
from gen_core.records import name_defect

_CONVERT = "convert them to float first, by what the claim means"
_ADVICE = {
    **dict.fromkeys(("bool", "torch.bool"), "take a share per seed, or judge the quantity behind the yes or no"),
    **dict.fromkeys(("complex64", "complex128", "torch.complex64", "torch.complex128"), "take .real or abs()"),
}


def check_count(name: str, value: object, least: int = 1, most: int | None = None) -> None:
    """Accept a builtin integer from `least` to `most`."""
    if type(value) is int and value >= least and (most is None or value <= most):
        return
    expected = "a positive integer" if least == 1 else f"an integer >= {least}"
    expected = expected if most is None else f"an integer from {least} to {most}"
    raise InvalidExperiment(f"{name} {value!r}; expected {expected}")


def check_counts(name: str, values: object) -> None:
    """Accept a tuple, which is hashable, of positive integers."""
    if not isinstance(values, tuple):
        raise InvalidExperiment(f"{name} {values!r}; expected a tuple of positive integers")
    for value in values:
        check_count(name, value)


def check_number(
    name: str, value: float, least: float = -inf, most: float = inf, *, above: float = -inf, below: float = inf
) -> None:
    """Accept a finite int or float from `least` to `most`, greater than `above` and less than `below`."""
    finite = type(value) in (int, float, np.float64) and abs(value) <= sys.float_info.max
    if finite and least <= value <= most and above < value < below:
        return
    limits = [f">= {least:g}"] if least > -inf else []
    limits += [f"> {above:g}"] if above > -inf else []
    limits += [f"<= {most:g}"] if most < inf else []
    limits += [f"< {below:g}"] if below < inf else []
    expected = f"expected a finite number {' and '.join(limits)}".rstrip()
    foreign = isinstance(value, (np.number, torch.Tensor)) and not isinstance(value, float)
    how = " (float(...) makes one)" if foreign else ""
    raise InvalidExperiment(f"{name} {brief(value)}; {expected}{how}")


def check_flag(name: str, value: object) -> None:
    """Accept True or False."""
    check_choice(name, value, (True, False))


def check_choice(name: str, value: object, choices: Iterable[object]) -> None:
    """Accept one of `choices`, of the same type."""
    choices = tuple(choices)
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        raise InvalidExperiment(f"{name} {value!r}; expected {' or '.join(map(repr, choices))}")


def check_tensor(name: str, value: object) -> None:
    """Accept a tensor.

    Raises:
        InvalidExperiment: naming the type of the value.
    """
    if not isinstance(value, torch.Tensor):
        kind, say = type(value).__name__, "expected a tensor (torch.from_numpy makes one of an array)"
        raise InvalidExperiment(f"{name} of type {kind}; {say}")


def check_words(name: str, value: object, *, empty: bool = False) -> None:
    """Accept a string in a claim's declaration, which may be `empty`.

    Raises:
        InvalidClaim: naming the value.
    """
    if not isinstance(value, str) or not (empty or value.strip()):
        raise InvalidClaim(f"{name} {brief(value)}; expected text")


def check_name(what: str, name: object) -> None:
    """Accept the name of a quantity, or a statement, whose formulas are LaTeX between dollar signs.

    Raises:
        InvalidClaim: naming it, and what is wrong with it.
    """
    check_words(what, name)
    if why := name_defect(str(name)):
        raise InvalidClaim(f"{what}: {why}")


def plain_number(name: str, value: object) -> float:
    """A finite number of a claim, such as a limit: a builtin, or a single one of numpy's or torch's.

    Raises:
        InvalidClaim: naming the value.
    """
    number = value.item() if isinstance(value, (torch.Tensor, np.ndarray, np.generic)) and value.ndim == 0 else value
    if not isinstance(number, (int, float)) or isinstance(number, bool) or not abs(number) <= sys.float_info.max:
        raise InvalidClaim(f"{name} {brief(value)}; expected a finite number")
    return float(number)


def check_real(name: str, values: object) -> None:
    """Accept a measure of real numbers: ints or floats in a tensor, an array or nested lists.

    Others have no number that could be judged, or more than one: numpy would drop imaginary parts and masks, and parse
    text.

    Raises:
        InvalidClaim: naming the measure, the type of its values, and what to do.
    """
    if isinstance(values, (list, tuple)):
        for value in values:
            check_real(name, value)
        return
    if isinstance(values, torch.Tensor):
        kind, real = str(values.dtype), not (values.is_complex() or values.dtype == torch.bool)
    else:
        array = np.asanyarray(values)
        kind, real = str(array.dtype), array.dtype.kind in "iuf"
        if isinstance(array, np.ma.MaskedArray):
            kind, real = f"masked {kind}", False
    if not real:
        raise InvalidClaim(f"{name} has values of type {kind}; expected real numbers: {_ADVICE.get(kind, _CONVERT)}")


def real_array(name: str, values: object) -> np.ndarray:
    """A measure of finite real numbers as an array in float64.

    Raises:
        InvalidClaim: if they are no real numbers, or lists of different lengths.
        Unfinished: naming the first one that is not finite.
    """
    check_real(name, values)
    if isinstance(values, torch.Tensor):
        dense = values.detach() if values.layout == torch.strided else values.detach().to_dense()
        values = dense.cpu().double()
    try:
        found = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise InvalidClaim(f"{name} {brief(values)}; expected one number per seed, (seeds,)") from None
    bad = np.argwhere(~np.isfinite(found))
    if len(bad):
        at = tuple(map(int, bad[0]))
        raise Unfinished(f"{name} is {found[at]} at index {at}; expected finite numbers")
    return found
