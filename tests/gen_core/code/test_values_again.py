"""What stands under a name is told by a glance while nothing has changed: the glance sees what a search would."""

from __future__ import annotations

import sys
import types

import pytest

from gen_core.code import values
from gen_core.code.values import value_of

NAME = "of_paper"
SOURCE = """
import enum
import types
from dataclasses import dataclass, field
from functools import cached_property

def plain():
    return 1.0

def by(value=1.0, *, key=1.0):
    return value + key

def closing():
    weight = 1.0
    def closed():
        return weight
    def change(value):
        nonlocal weight
        weight = value
    closed.change = change
    return closed

class Base:
    scale = 1.0

class Other:
    scale = 5.0

class Kind(enum.Enum):
    one = 1.0

LIST = [1.0]

class Many(Base):
    weight, held, other, kind, module = 1.0, LIST, Base, Kind.one, types
    def method(self):
        return 1.0
    @staticmethod
    def fixed():
        return 1.0
    @property
    def read(self):
        return 1.0
    @cached_property
    def kept(self):
        return 1.0
    outer = plain

@dataclass(frozen=True)
class Recipe:
    weight: float = 1.0
    parts: list = field(default_factory=list)

recipe = Recipe()
registry = {"plain": plain, "many": (Many,), "closed": closing(), "recipe": (recipe,)}
closed = closing()
function_of_class = Many.method
"""
CHANGES = {
    "an attribute": "Many.weight = 5.0",
    "a new attribute": "Many.more = 5.0",
    "no attribute": "del Many.weight",
    "a method": "Many.method = lambda self: 5.0",
    "the code of a method": "Many.method.__code__ = (lambda self: 5.0).__code__",
    "the default of a function": "by.__defaults__ = (5.0,)",
    "a default by name": "by.__kwdefaults__['key'] = 5.0",
    "the code of a function": "plain.__code__ = (lambda: 5.0).__code__",
    "a function's attribute": "plain.by = 5.0",
    "what is closed over": "closed.change(5.0)",
    "what is closed over in a registry": "registry['closed'].change(5.0)",
    "the bases": "Many.__bases__ = (Other,)",
    "the name of a base": "Base.__qualname__ = 'Changed'",
    "the module of a base": "Base.__module__ = 'other'",
    "a list in a class": "LIST.append(5.0)",
    "a member": "Kind.one.by = 5.0",
    "a default of a field": "Recipe.__dataclass_fields__['weight'].default = 5.0",
    "a factory of a field": "Recipe.__dataclass_fields__['parts'].default_factory = tuple",
    "an object that is frozen": "object.__setattr__(recipe, 'weight', 5.0)",
    "a list in an object": "recipe.parts.append(5.0)",
    "a function in another's place": "plain = by",
    "a class in another's place": "Base = Other",
    "a method in another's place": "Many.fixed = staticmethod(plain)",
    "a property": "Many.read = property(plain)",
    "what a cached property computes": "Many.kept.func = plain",
    "a module in another's place": "import sys; sys.modules['types'] = sys.modules['enum']",
    "a module": "Many.module = enum",
    "the name of the module": "__name__ = 'other'",
    "the file of the module": "__file__ = None",
}


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module of one's own, as if it had been imported."""
    path = tmp_path / f"{NAME}.py"
    path.write_text(SOURCE)
    made = types.ModuleType(NAME)
    made.__file__ = str(path)
    monkeypatch.setitem(sys.modules, NAME, made)
    monkeypatch.setitem(sys.modules, "types", types)
    exec(compile(SOURCE, str(path), "exec"), vars(made))
    return made


def searched(monkeypatch) -> dict[str, values.Standing]:
    """What a search tells of all names, without a glance at what was known."""
    with monkeypatch.context() as patched:
        patched.setattr(values, "_known", {})
        return told()


def told() -> dict[str, values.Standing]:
    """What all names stand for."""
    return {name: value_of(NAME, name) for name in vars(sys.modules[NAME]) if name[:2] != "__"}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_seen_without_a_search_of_what_has_not_changed(module, monkeypatch, what):
    before = told()
    assert told() == before
    exec(CHANGES[what], vars(module))
    now, fresh = told(), searched(monkeypatch)
    assert {name: (each.text, each.nodes) for name, each in now.items()} == {
        name: (each.text, each.nodes) for name, each in fresh.items()
    }
    assert {name: each.text for name, each in now.items()} != {name: each.text for name, each in before.items()}


def test_a_glance_is_all_that_functions_classes_and_recipes_take(module, monkeypatch):
    told()
    monkeypatch.setattr(values, "Search", None)  # whoever searches fails
    assert all(value_of(NAME, name).text for name in ("plain", "by", "Base", "Recipe", "recipe"))
