import importlib.util
import math
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gen_core import SGD, Experiment, Linear, Square
from gen_core.code.fingerprint import code_of
from gen_core.errors import InvalidExperiment
from gen_core.lab import Block
from gen_core.recipe import canonical, digest

ROOT = Path(__file__).parents[2]

SOURCE = '''
"""A claim."""
from dataclasses import dataclass
import torch
from gen_core.types import Data

TOLERANCE = 1e-3

@dataclass(frozen=True)
class Points:
    """Some points."""
    n: int = 8
    inputs: tuple = (3,)

    def draw(self, generator):
        X = torch.randn(self.n, *self.inputs, generator=generator)  # normal
        return Data(X, X.sum(1))
'''

SCRIPT = """
import importlib, sys, torch
torch.set_num_threads(1)
from gen_core import *
from gen_core.lab import Block
sys.path.insert(0, sys.argv[1])
points = importlib.import_module(sys.argv[2]).Points()
experiment = Experiment(data=points, model=Linear(), rule=SGD(0.1, 2), loss=Square(), steps=3)
print(Block(experiment, (0, 1)).key, experiment.key)
"""


def written(folder: Path, name: str, source: str):
    """The data set of a module of its own, whose file has this name."""
    folder.mkdir(parents=True)
    (folder / f"{name}.py").write_text(textwrap.dedent(source))
    spec = importlib.util.spec_from_file_location(f"{name}_{folder.name}", folder / f"{name}.py")
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Points()


def experiment(points):
    return Experiment(data=points, model=Linear(), rule=SGD(0.1, 2), loss=Square(), steps=3)


def keys(points):
    return [Block(experiment(points), (0, 1)).key, experiment(points).key]


@dataclass(frozen=True)
class Held:
    value: object


@dataclass
class Mutable:
    n: int = 4


class Plain:
    pass


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            torch.ones(2),
            "Held.value tensor([1., 1.]); expected a number, a string, a tuple or a frozen dataclass of these",
        ),
        (
            len,
            "Held.value <built-in function len>; expected a number, a string, a tuple or a frozen dataclass of these",
        ),
        ([1], "Held.value [1]; expected a number, a string, a tuple or a frozen dataclass of these"),
        ({"a": 1}, "Held.value {'a': 1}; expected a number, a string, a tuple or a frozen dataclass of these"),
        (np.float32(1), None),
        (Linear, None),
        (torch.zeros(40, 40), None),
        (Plain(), None),
        (float("nan"), "Held.value nan; expected a finite number"),
        ((1, float("inf")), "Held.value inf; expected a finite number"),
        (Mutable(), "Held.value of type Mutable, which is mutable; expected a dataclass(frozen=True)"),
    ],
)
def test_what_is_not_a_recipe_is_refused_in_one_line(value, message):
    with pytest.raises(InvalidExperiment) as caught:
        canonical(Held(value))
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 200
    assert text.startswith("Held.value ")
    assert message in (None, text)


def test_canonical_form():
    value = Held((1, 2.0, 0.5, True, None, "a", Held(-0.0)))
    assert canonical(value) == {
        "recipe": "Held",
        "value": [1, 2, 0.5, True, None, "a", {"recipe": "Held", "value": 0}],
    }


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | inner.map(Held),
    max_leaves=6,
)


@settings(deadline=None, max_examples=200)
@given(VALUES, VALUES)
def test_digests_are_equal_for_equal_canonical_forms_alone(a, b):
    assert (digest(a) == digest(b)) == (repr(canonical(a)) == repr(canonical(b)))
    assert digest(a) == digest(a)


def test_a_rate_of_1_is_the_rate_of_1_point_0():
    assert digest(SGD(1, 4)) == digest(SGD(1.0, 4)) != digest(SGD(1.5, 4))


EDITS = {
    "comment": ("# normal", "# standard normal"),
    "docstring": ("Some points.", "Some other points."),
    "tolerance": ("TOLERANCE = 1e-3", "TOLERANCE = 1e-2"),
    "draw": ("X.sum(1)", "X.mean(1)"),
    "recipe": ("n: int = 8", "n: int = 9"),
}


@pytest.mark.parametrize("name", ["test_points", "points"])
def test_keys_follow_the_code_that_a_result_depends_on(tmp_path, name):
    torch.set_num_threads(1)
    first = keys(written(tmp_path / "first", name, SOURCE))
    for edit, (old, new) in EDITS.items():
        edited = keys(written(tmp_path / edit, name, SOURCE.replace(old, new)))
        assert [a != b for a, b in zip(first, edited, strict=True)] == [edit in ("draw", "recipe")] * 2


def test_keys_are_equal_in_another_process(tmp_path):
    torch.set_num_threads(1)
    here = keys(written(tmp_path / "first", "test_points", SOURCE))
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "first"), "test_points"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.stdout.split() == here, done.stderr


def test_a_base_class_is_part_of_the_code(tmp_path):
    source = """
    from dataclasses import dataclass
    class Base:
        def f(self):
            return {}
    @dataclass(frozen=True)
    class Points(Base):
        n: int = 3
    """
    one, two = (written(tmp_path / str(i), "test_base", source.format(i)) for i in (1, 2))
    assert code_of((one,)) != code_of((two,))


def test_types_within_types_are_part_of_the_code():
    @dataclass(frozen=True)
    class Inner:
        a: int = 1

    @dataclass(frozen=True)
    class Outer:
        inner: tuple

    assert code_of(Outer((Inner(),))) != code_of(Outer(()))
    assert code_of((3, "a", None)) == code_of(())


class Named(NamedTuple):
    a: int = 1


class Level(IntEnum):
    LOW = 1


@pytest.mark.parametrize("value", [Named(), Level.LOW], ids=repr)
def test_values_with_methods_of_their_own_are_no_part_of_a_recipe(value):
    with pytest.raises(InvalidExperiment, match=r"^Held\.value .*; expected a number, a string, a tuple or a frozen"):
        canonical(Held(value))


def test_what_no_field_shows_is_refused():
    class Sub(Held):
        def __init__(self, value: object, more: object) -> None:
            super().__init__(value)
            object.__setattr__(self, "more", more)

    message = "recipe of type Sub holds 'more', which is no field; expected fields alone"
    with pytest.raises(InvalidExperiment, match=message):
        canonical(Sub(1, 2))


def test_a_float_of_numpy_is_a_number_and_an_infinite_default_is_none():
    @dataclass(frozen=True)
    class Wide:
        most: float = math.inf

    assert canonical(Held(np.float64(0.5))) == canonical(Held(0.5))
    assert canonical(Wide(2.0), defaults=False)["most"] == 2


def test_experiments_of_one_name_in_two_files_have_two_keys(tmp_path):
    a = experiment(written(tmp_path / "one", "test_one", SOURCE))
    b = experiment(written(tmp_path / "two", "test_two", SOURCE.replace("sum(1)", "mean(1)")))
    assert digest(a) == digest(b)
    assert a.key != b.key
    assert a.batch_key() == b.batch_key()
