"""What a name stands for now counts: read from a file, patched from outside, changed at a prompt."""

from __future__ import annotations

import importlib
import os
import sys
import types
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

import gen_core
from gen_core import GD, Data, Experiment, Linear
from gen_core.code import bytecode, following
from gen_core.code.fingerprint import code_of, reached
from gen_core.lab.plan import Block, looked_up

LOSS = """
import functools, json, os, types
from dataclasses import dataclass
from pathlib import Path
import numpy as np
import torch
from paper import helper
from paper.helper import WEIGHT, weight

HERE = Path(__file__).parent
{before}

@dataclass(frozen=True)
class Weighted:
    def per_point(self, f, y):
        return ({weight}) * (f - y) ** 2
"""
HELPER = """
from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace

WEIGHT = 1.0
TABLE = {}
space = SimpleNamespace(weight=1.0)

class Config:
    scale = 1.0
    def __init__(self):
        self.weight = self._scale = 1.0

@dataclass
class Settings:
    weight: float = 1.0

config, settings, calls = Config(), Settings(), []

PAIR = {"fast": {"k": 1.0}, "slow": {"k": 5.0}}
PAIR["used"] = PAIR["fast"]
half = Fraction(1, 2)

def weight():
    return 1.0

def heavy():
    return 5.0

def weigh(value=1.0):
    calls.append(value)
    return value

def keep(function):
    TABLE["of it"] = function
    return function
"""


@pytest.fixture
def loss(tmp_path, monkeypatch):
    """Imports, as a new process would, a package with a loss: how its weight is made, and what another module does."""
    folder = tmp_path / "paper"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "helper.py").write_text(HELPER)
    (folder / "other.py").write_text("def weight():\n    return 5.0\n")
    monkeypatch.syspath_prepend(tmp_path)

    def load(weight: str, before: str = "", file: str = "1.0", patch: str = "") -> object:
        for name in [name for name in sys.modules if name.partition(".")[0] == "paper"]:
            del sys.modules[name]
        following._met.clear()
        (folder / "weight.txt").write_text(file)
        (folder / "loss.py").write_text(LOSS.format(weight=weight, before=before))
        importlib.invalidate_caches()
        module = importlib.import_module("paper.loss")
        exec(patch, vars(module))
        return module.Weighted()

    yield load
    for name in [name for name in sys.modules if name.partition(".")[0] == "paper"]:
        del sys.modules[name]


READ = {
    "a number": ("WEIGHT", "WEIGHT = float((HERE / 'weight.txt').read_text())"),
    "a dictionary": ("CONFIG['of'][0]['weight']", "CONFIG = {'of': [json.loads((HERE / 'weight.txt').read_text())]}"),
    "an array": ("WEIGHTS[0]", "WEIGHTS = np.loadtxt(HERE / 'weight.txt', ndmin=1)"),
    "a tensor": ("WEIGHTS[0]", "WEIGHTS = torch.tensor(np.loadtxt(HERE / 'weight.txt', ndmin=1))"),
    "a function's": (
        "weigh()",
        "WEIGHT = float(Path(HERE, 'weight.txt').read_text())\ndef weigh():\n    return WEIGHT",
    ),
}


@pytest.mark.parametrize("way", READ)
def test_a_constant_that_is_read_when_its_module_is_imported_counts_with_its_value(loss, way):
    weight, before = READ[way]
    one = '{"weight": 1.0}' if way == "a dictionary" else "1.0"
    digests = [code_of(loss(weight, before, file)) for file in (one, one, one.replace("1.0", "5.0"))]
    assert digests[0] == digests[1] != digests[2]
    assert reached((loss(weight, before, one),)).reads == []


PATCHES = {
    "a constant": ("helper.WEIGHT", "helper.WEIGHT = 5.0"),
    "a function": ("helper.weight()", "helper.weight = lambda: 5.0"),
    "a namespace": ("helper.space.weight", "helper.space.weight = 5.0"),
    "an object": ("helper.config.weight", "helper.config.weight = 5.0"),
    "a class": ("helper.config.scale", "helper.Config.scale = 5.0"),
    "a method": ("1.0", "Weighted.per_point = lambda self, f, y: 5 * (f - y) ** 2"),
    "mutable settings": ("helper.settings.weight", "helper.settings.weight = 5.0"),
    "a function's attribute": ("getattr(helper.weight, 'by', 1.0)", "helper.weight.by = 5.0"),
    "a registry": ("helper.TABLE['of it']()", "helper.keep(lambda: 5.0)"),
    "a constant that is imported": ("WEIGHT", "WEIGHT = 5.0"),
    "a function that is imported": ("weight()", "weight = lambda: 5.0"),
    "a function that another module defines": ("weight()", "import paper.other; weight = paper.other.weight"),
    "a global of what is put in its place": ("weight()", "BY = 5.0\nweight = lambda: BY"),
    "another function of the same module": ("helper.weight() + 0 * helper.heavy()", "helper.weight = helper.heavy"),
    "a default": ("helper.weigh()", "helper.weigh.__defaults__ = (5.0,)"),
    "a private attribute": ("helper.config._scale", "helper.config._scale = 5.0"),
    "a part of an object of a library": (
        "float(helper.half)",
        "from fractions import Fraction as F; helper.half = F(5)",
    ),
    "what a name is another name of": ("helper.PAIR['used']['k']", "helper.PAIR['used'] = helper.PAIR['slow']"),
    "a module": ("helper.weight()", "import paper.other as helper"),
}


@pytest.mark.parametrize("what", PATCHES)
def test_what_is_put_in_its_place_from_outside_counts(loss, what):
    weight, patch = PATCHES[what]
    before, same, after = (code_of(loss(weight, patch=each)) for each in ("", "", patch))
    assert before == same != after
    if what != "a registry":  # which its own module fills: what it held when it was first met stays
        loaded = loss(weight)
        assert code_of(loaded) == before
        exec(patch, vars(sys.modules["paper.loss"]))
        assert code_of(loaded) == after


def test_a_cache_that_its_own_module_fills_changes_no_key_on_the_way(loss):
    loaded = loss("helper.weigh(1.0)")
    before = code_of(loaded)
    sys.modules["paper.helper"].weigh(3.0)
    assert code_of(loaded) == before


def test_an_import_by_another_name_counts(loss):
    swapped = "from paper.helper import {} as light, {} as full"
    both = (("weight", "heavy"), ("weight", "heavy"), ("heavy", "weight"))
    one, same, other = (code_of(loss("light() + 2 * full()", swapped.format(*names))) for names in both)
    assert one == same != other


def test_which_of_two_stars_comes_last_counts(loss):
    order = "from paper.{} import *\nfrom paper.{} import *"
    assert code_of(loss("weight()", order.format("helper", "other"))) != code_of(
        loss("weight()", order.format("other", "helper"))
    )


def test_what_an_old_module_left_elsewhere_counts_as_it_was(loss, tmp_path):
    """After a reload, names that were imported before still stand for the old code."""
    loaded = loss("weight()")
    before = code_of(loaded)
    source = (tmp_path / "paper" / "helper.py").read_text()
    (tmp_path / "paper" / "helper.py").write_text(
        source.replace("def weight():\n    return 1.0", "def weight(): return 9")
    )
    importlib.reload(sys.modules["paper.helper"])
    old = code_of(loaded)
    sys.modules["paper.loss"].weight = sys.modules["paper.helper"].weight
    assert len({before, old, code_of(loaded)}) == 3
    (tmp_path / "paper" / "helper.py").write_text(HELPER)


def test_a_file_that_was_edited_before_it_was_first_looked_at_is_not_taken_for_what_was_loaded(loss, tmp_path):
    loaded = loss("1.0")
    (tmp_path / "paper" / "loss.py").write_text(LOSS.format(weight="5.0", before=""))
    edited = code_of(loaded)
    assert "edited after it was loaded" in "".join(reached(loaded).texts.values())
    assert edited not in (code_of(loss("5.0")), code_of(loss("1.0")))


READING = "def read():\n    with open(HERE / 'weight.txt') as file:\n        return float(file.read())"
LOOKED_UP = {
    "open": "read()",
    "read_text": "float((HERE / 'weight.txt').read_text())",
    "os.environ": "float(os.environ.get('WEIGHT', 1))",
    "numpy.loadtxt": "float(np.loadtxt(HERE / 'weight.txt'))",
    "globals": "globals().get('WEIGHT', 1.0)",
}


@pytest.mark.parametrize("what", LOOKED_UP)
def test_what_is_looked_up_at_run_time_is_told_and_its_training_kept_for_one_run_alone(loss, tmp_path, what):
    weighted = loss(LOOKED_UP[what], READING)
    experiment = Experiment(data=Points(), model=Linear(), rule=GD(0.1), loss=weighted, steps=3)
    assert [each for each in looked_up(experiment) if each.rpartition(" ")[2].startswith(what)]
    after = replace(experiment, loss=gen_core.Square(), after=experiment)
    assert looked_up(after) == looked_up(experiment)
    kept = tmp_path / "store"
    first, second = (gen_core.train(experiment, seeds=2, store=kept).w for _ in range(2))
    assert torch.equal(first, second)
    (tmp_path / "paper" / "weight.txt").write_text("0.5")
    os.environ["WEIGHT"] = "0.5"
    try:
        third = gen_core.train(experiment, seeds=2, store=kept).w
    finally:
        del os.environ["WEIGHT"]
    assert torch.equal(first, third) == (what == "globals")


@pytest.mark.parametrize("kind", ["np.arange(2e6)", "torch.arange(2e6)", "torch.arange(2e6).view(2, -1).T"])
def test_a_large_array_is_read_again_where_it_may_have_changed(loss, monkeypatch, kind):
    read, digest = [], bytecode._digest
    monkeypatch.setattr(bytecode, "_digest", lambda array: (read.append(array.size), digest(array))[1])
    loaded = loss("WEIGHTS[5]", f"WEIGHTS = {kind}")
    before = code_of(loaded)
    assert code_of(loaded) == before
    assert read.count(2_000_000) == 1
    sys.modules["paper.loss"].WEIGHTS[...] = 1.0
    assert code_of(loaded) != before


OF_ANY_KIND = {
    "pytest.mark": "import pytest",
    "torch.tensor([1.0, 2.0]).bfloat16()": "",
    "torch.eye(2).to_sparse()": "",
    "torch.zeros(2, device='meta')": "",
    "torch.ones(2, dtype=torch.complex64).conj()": "",
    "torch.Generator()": "",
    "Odd()": "class Odd:\n    def __getattr__(self, name):\n        raise RuntimeError(name)",
    "open": "",
    "Lazy": "class Meta(type):\n    def __getattr__(cls, name):\n        return {}[name]\n"
    "class Lazy(metaclass=Meta):\n    pass",
    "np.array([object, 'a'], dtype=object)": "",
}


@pytest.mark.parametrize("value", OF_ANY_KIND)
def test_constants_of_any_kind_are_looked_at(loss, value):
    assert code_of(loss("len(str(K))", f"{OF_ANY_KIND[value]}\nK = {value}"))


def test_draws_may_read_as_what_they_draw_is_compared(loss):
    experiment = Experiment(data=Reading(), model=Linear(), rule=GD(0.1), loss=gen_core.Square(), steps=3)
    assert looked_up(experiment) == []
    assert Block(experiment, (0,)).key == Block(replace(experiment), (0,)).key


def test_a_library_of_no_version_counts_with_all_its_files(tmp_path, monkeypatch):
    from gen_core.code.locations import file_digest

    folder = tmp_path / "unversioned"
    folder.mkdir()
    (folder / "__init__.py").write_text("from unversioned.inner import K\n")
    (folder / "inner.py").write_text("K = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = file_digest("unversioned")
    (folder / "inner.py").write_text("K = 2\n")
    assert file_digest("unversioned") != before


def test_what_dispatches_by_annotations_counts_with_them(loss):
    base = "@functools.singledispatch\ndef k(x):\n    return 1.0\n\n@k.register\ndef _(x: {}):\n    return 2.0\n"
    assert code_of(loss("k(1)", base.format("int"))) != code_of(loss("k(1)", base.format("str")))
    plain = "def k(x: {}):\n    return 2.0\n"
    assert code_of(loss("k(1)", plain.format("int"))) == code_of(loss("k(1)", plain.format("str")))


@dataclass(frozen=True)
class Points:
    n: int = 10
    inputs: tuple[int, ...] = (3,)

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n, 3, generator=generator)
        return Data(X, X.sum(1))


@dataclass(frozen=True)
class Reading(Points):
    def draw(self, generator: torch.Generator) -> Data:
        return super().draw(generator) if "WEIGHT" in os.environ or np.pi else Data(*[open("none")] * 2)


def typed(source: str) -> dict:
    """What was typed at a prompt."""
    space = {"__name__": "prompt", "dataclass": dataclass, "types": types, "torch": torch, "os": os}
    exec(compile(source, "prompt", "exec", dont_inherit=True), space)
    return space


AT_A_PROMPT = """
{}
@dataclass(frozen=True)
class A:
    def per_point(self, f, y):
        return {} * (f - y) ** 2
"""
HELD = {
    "P = types.SimpleNamespace(k=1.0)": ("P.k", "P.k = 5.0"),
    "class C:\n    def __init__(self):\n        self.k = 1.0\nP = C()": ("P.k", "P.k = 5.0"),
    "def p():\n    return p.k\np.k = 1.0": ("p()", "p.k = 5.0"),
    "net = torch.nn.Linear(1, 1).requires_grad_(False)": ("net.weight[0, 0]", "net.weight.fill_(5.0)"),
}


@pytest.mark.parametrize("source", HELD)
def test_an_object_that_is_changed_at_a_prompt_is_another(source):
    weight, change = HELD[source]
    space = typed(AT_A_PROMPT.format(source, weight))
    before = code_of(space["A"]())
    assert code_of(space["A"]()) == before
    exec(change, space)
    assert code_of(space["A"]()) != before


def test_what_is_looked_up_at_a_prompt_is_told():
    space = typed(AT_A_PROMPT.format("", "float(os.environ['K'])"))
    assert [each.rpartition(" ")[2] for each in reached((space["A"](),)).reads] == ["environ"]
