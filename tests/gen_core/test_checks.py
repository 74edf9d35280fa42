import math

import numpy as np
import pytest
import torch

from gen_core import SAM, Adam, Cosine
from gen_core.checks import check_choice, check_count, check_number
from gen_core.errors import InvalidExperiment
from gen_core.recipe import canonical, digest


@pytest.mark.parametrize("value", [0, -5, 1.0, True, "3", None, np.int64(3), 8])
def test_a_count_is_a_builtin_integer_in_its_range(value):
    check_count("width", 1, most=7)
    check_count("width", 7, most=7)
    with pytest.raises(InvalidExperiment) as error:
        check_count("width", value, most=7)
    assert str(error.value) == f"width {value!r}; expected an integer from 1 to 7"


def test_a_count_without_a_limit_says_only_the_least():
    check_count("n_test", 0, least=0)
    with pytest.raises(InvalidExperiment, match=r"^n_test -1; expected an integer >= 0$"):
        check_count("n_test", -1, least=0)


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, True, "1", None, (1.0,), 10**400, np.float64(math.nan), 1 + 0j]
)
def test_a_number_is_a_finite_builtin(value):
    check_number("scale", -3)
    check_number("scale", 0.5)
    with pytest.raises(InvalidExperiment, match=r"; expected a finite number$"):
        check_number("scale", value)


@pytest.mark.parametrize("value", [np.float32(1.0), np.int64(1), torch.tensor(1.0)])
def test_a_number_of_another_library_is_told_what_makes_one(value):
    check_number("scale", np.float64(1.0))
    with pytest.raises(InvalidExperiment) as error:
        check_number("scale", value, above=0)
    assert str(error.value) == f"scale {value!r}; expected a finite number > 0 (float(...) makes one)"


def test_a_rule_with_a_float64_is_the_same_recipe():
    plain, numpy = (
        SAM(Adam(Cosine(to(0.1), 3), to(0.9), weight_decay=to(0.1)), to(0.05)) for to in (float, np.float64)
    )
    assert digest(plain) == digest(numpy)
    assert canonical(plain) == canonical(numpy)


@pytest.mark.parametrize(
    ("limits", "inside", "outside", "expected"),
    [
        ({"least": 0, "most": 0.5}, [0, 0.5, 0.0], [-1e-9, 0.6], ">= 0 and <= 0.5"),
        ({"least": 0, "below": 1}, [0, 0.99], [1, -0.1], ">= 0 and < 1"),
        ({"above": 0}, [1e-300], [0, 0.0, -1], "> 0"),
    ],
)
def test_a_number_keeps_to_its_limits(limits, inside, outside, expected):
    for value in inside:
        check_number("p", value, **limits)
    for value in outside:
        with pytest.raises(InvalidExperiment) as error:
            check_number("p", value, **limits)
        assert str(error.value) == f"p {value!r}; expected a finite number {expected}"


@pytest.mark.parametrize("value", [1, 0, "True", None])
def test_a_choice_is_of_the_same_type(value):
    check_choice("flat", True, (True, False))
    with pytest.raises(InvalidExperiment, match=r"expected True or False$"):
        check_choice("flat", value, (True, False))
