"""Whatever makes a measure or a hypothesis another one, in code or around it, is seen beside what earlier runs kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Suite

K = "@K@"
"""What is changed between the two runs: 1, by which the claim holds, to 100."""

USING = """
from dataclasses import dataclass
from gen_core import measure
{imports}

@measure
def size(run):
    return run.train_loss * 1e-3 + {value}

@dataclass(frozen=True)
class Off:
    def per_point(self, f, y):
        return (f - y) ** 2 + {value}
"""
CLAIM = """
import pytest
import {name}_m
{around}

@claim(**TOY)
def test_{name}(run):
    expect({name}_m.{what}, 'size').at_most(2)
"""
TRAINED = """
OFF = [replace(each, loss={name}_m.Off(), steps=200) for each in (clean, noisy)]

@claim(**{{**TOY, "given": OFF[0], "without": {{noiseless: OFF[1]}}}})
def test_{name}_trained(run):
    expect(run.train_loss, 'loss').always_at_most(2)
"""
HERE = "from pathlib import Path\nHERE = Path(__file__).parent\n"
FIVE = "def factor():\n    return 5\n"
PATCH = "@pytest.fixture(autouse=True)\ndef patched(monkeypatch):\n    {}\n"

CASES: dict[str, dict[str, str]] = {
    # name: other files (NAME_x.py as "x.py"), "imports" and "value" of the measure, "around" and "what" of the claim
    "helper": {
        "c.py": f"def factor():\n    return {K}\n",
        "imports": "from helper_c import factor",
        "value": "factor()",
    },
    "patched_at_use": {
        "c.py": FIVE,
        "imports": "from patched_at_use_c import factor",
        "value": "factor()",
        "around": PATCH.format(f"monkeypatch.setattr('patched_at_use_m.factor', lambda: {K})"),
    },
    "constant_at_use": {
        "c.py": "FACTOR = 5\n",
        "imports": "from constant_at_use_c import FACTOR",
        "value": "FACTOR",
        "around": f"constant_at_use_m.FACTOR = {K}",
    },
    "another_def": {
        "c.py": FIVE,
        "imports": "import another_def_c",
        "value": "another_def_c.factor()",
        "around": f"def other(): return {K}\n" + PATCH.format("monkeypatch.setattr('another_def_c.factor', other)"),
    },
    "global_of_stand_in": {
        "c.py": FIVE,
        "imports": "import global_of_stand_in_c",
        "value": "global_of_stand_in_c.factor()",
        "around": f"BY = {K}\n" + PATCH.format("monkeypatch.setattr('global_of_stand_in_c.factor', lambda: BY)"),
    },
    "closure_of_stand_in": {
        "c.py": FIVE,
        "imports": "import closure_of_stand_in_c",
        "value": "closure_of_stand_in_c.factor()",
        "around": PATCH.format(f"by = {K}; monkeypatch.setattr('closure_of_stand_in_c.factor', lambda: by)"),
    },
    "mock": {
        "c.py": FIVE,
        "imports": "import mock_c",
        "value": "mock_c.factor()",
        "around": "from unittest import mock\n"
        + PATCH.replace("{}", f"with mock.patch('mock_c.factor', return_value={K}):\n        yield"),
    },
    "defaults": {
        "c.py": "def factor(k=5):\n    return k\n",
        "imports": "from defaults_c import factor",
        "value": "factor()",
        "around": f"import defaults_c\ndefaults_c.factor.__defaults__ = ({K},)",
    },
    "partial": {
        "c.py": "def factor(k=5):\n    return k\n",
        "imports": "import partial_c",
        "value": "partial_c.factor()",
        "around": f"import functools, partial_c\npartial_c.factor = functools.partial(partial_c.factor, {K})",
    },
    "another_of_the_module": {
        "c.py": "def v1():\n    return 1\n\ndef v100():\n    return 100\n\nactive = v1\n",
        "imports": "import another_of_the_module_c as c",
        "value": "c.active() + 0 * c.v100()",
        "around": f"import another_of_the_module_c as c\nc.active = c.v{K}",
    },
    "alias": {
        "c.py": "def v1():\n    return 1\n\ndef v100():\n    return 99 + v1()\n\ndef gap():\n    return v100()\n",
        "imports": f"from alias_c import gap\nfrom alias_c import v{K} as error",
        "value": "error() + 0 * gap()",
    },
    "order_of_stars": {
        "v1.py": "def factor():\n    return 1\n",
        "v100.py": "def factor():\n    return 100\n",
        "imports": "from order_of_stars_v100 import *\nfrom order_of_stars_v1 import *\n"
        f"from order_of_stars_v{K} import *",
        "value": "factor()",
    },
    "made_up_name": {
        "c.py": f"def factor():\n    return {K}\n",
        "p.py": "from made_up_name_c import *\n",
        "imports": "import made_up_name_p",
        "value": "getattr(made_up_name_p, 'fac' + 'tor')()",
    },
    "made_up_module": {
        "c.py": f"def factor():\n    return {K}\n",
        "imports": "import importlib\nEND = 'c'",
        "value": "importlib.import_module(f'made_up_module_{END}').factor()",
    },
    "by_its_path": {
        "c.py": f"def factor():\n    return {K}\n",
        "imports": HERE
        + "import importlib.util as u\nspec = u.spec_from_file_location('x', HERE / 'by_its_path_c.py')\n"
        "lib = u.module_from_spec(spec)\nspec.loader.exec_module(lib)",
        "value": "lib.factor()",
    },
    "registry": {
        "c.py": "TABLE = {}\n\ndef register(f):\n    TABLE[f.__name__] = f\n    return f\n",
        "p.py": f"from registry_c import register\nBY = {K}\n\n@register\ndef mean():\n    return BY\n",
        "imports": "from registry_c import TABLE",
        "value": "TABLE['mean']()",
        "around": "import registry_p",
    },
    "subclasses": {
        "c.py": "class Base:\n    kinds = {}\n    def __init_subclass__(cls):\n        Base.kinds['mean'] = cls\n",
        "p.py": f"from subclasses_c import Base\n\nclass Mean(Base):\n    k = {K}\n",
        "imports": "from subclasses_c import Base",
        "value": "Base.kinds['mean'].k",
        "around": "import subclasses_p",
    },
    "dispatch": {
        "c.py": "import functools\n@functools.singledispatch\ndef factor(x):\n    return 5\n",
        "p.py": f"from dispatch_c import factor\n\n@factor.register(int)\ndef _(x):\n    return {K}\n",
        "imports": "from dispatch_c import factor",
        "value": "factor(3)",
        "around": "import dispatch_p",
    },
    "csv": {
        "x.txt": K,
        "imports": HERE + "import csv\ndef factor():\n    with (HERE / 'csv_x.txt').open() as file:\n"
        "        return float(next(csv.reader(file))[0])",
        "value": "factor()",
    },
    "loadtxt": {
        "x.txt": K,
        "imports": HERE + "from numpy import loadtxt",
        "value": "float(loadtxt(HERE / 'loadtxt_x.txt'))",
    },
    "process": {
        "x.sh": f"echo {K}\n",
        "imports": HERE + "import subprocess",
        "value": "float(subprocess.check_output(['sh', str(HERE / 'process_x.sh')]))",
    },
    "private": {
        "x.txt": K,
        "imports": HERE + "class Scale:\n    def __init__(self, k):\n        self._k = k\n    def __call__(self):\n"
        "        return self._k\nfactor = Scale(float((HERE / 'private_x.txt').read_text()))",
        "value": "factor()",
    },
    "slots": {
        "x.txt": K,
        "imports": HERE + "class Scale:\n    __slots__ = ('k',)\nS = Scale()\n"
        "S.k = float((HERE / 'slots_x.txt').read_text())",
        "value": "S.k",
    },
    "fraction": {
        "x.txt": K,
        "imports": HERE + "from fractions import Fraction\nF = Fraction((HERE / 'fraction_x.txt').read_text())",
        "value": "float(F)",
    },
    "config": {
        "x.txt": f"[a]\nk={K}\n",
        "imports": HERE + "import configparser\nC = configparser.ConfigParser()\nC.read(HERE / 'config_x.txt')",
        "value": "C.getfloat('a', 'k')",
    },
    "proxy": {
        "x.txt": K,
        "imports": HERE + "import types\nC = types.MappingProxyType({'k': float((HERE / 'proxy_x.txt').read_text())})",
        "value": "C['k']",
    },
    "curve": {
        "x.txt": K,
        "imports": HERE + "from scipy.interpolate import interp1d\nCURVE = interp1d([0, 1], [float("
        "next((HERE / 'curve_x.txt').open()))] * 2)",
        "value": "float(CURVE(0.5))",
    },
    "network": {
        "x.txt": K,
        "imports": HERE + "import torch\nclass Net(torch.nn.Module):\n    def __init__(self, k):\n"
        "        super().__init__()\n        self.k = k\nNET = Net(float((HERE / 'network_x.txt').read_text()))",
        "value": "NET.k",
    },
    "pairs": {
        "x.txt": f"[[2, 1, {K}], [2, 3, 101]]",
        "imports": HERE + "import json\nR = {(a, b): c for a, b, c in json.loads((HERE / 'pairs_x.txt').read_text())}",
        "value": "R[2, 1]",
    },
    "aliased": {
        "c.py": "P = {'v1': {'k': 1}, 'v100': {'k': 100}}\nP['used'] = P['v1']\n",
        "imports": "from aliased_c import P",
        "value": "P['used']['k']",
        "around": f"import aliased_c\naliased_c.P['used'] = aliased_c.P['v{K}']",
    },
    "long": {
        "x.txt": K,
        "imports": HERE + "ROWS = [0.0] * 100_100 + [float((HERE / 'long_x.txt').read_text())]",
        "value": "ROWS[-1]",
    },
    "given_a_class": {
        "c.py": f"class Scale:\n    k = {K}\n",
        "imports": "@measure\ndef scaled(run, how):\n    return run.train_loss * 1e-3 + how.k",
        "value": "0",
        "around": "import given_a_class_c",
        "what": "scaled(run, given_a_class_c.Scale)",
    },
    "whole_number": {
        "imports": "@measure\ndef by_type(run, k):\n"
        "    return run.train_loss * 1e-3 + (1 if isinstance(k, int) else 100)",
        "value": "0",
        "around": f"GIVEN = 1 if {K} == 1 else 1.0",
        "what": "by_type(run, GIVEN)",
    },
    "precision": {
        "imports": "import torch",
        "value": "(1 if torch.tensor(1.0).dtype == torch.float32 else 100)",
        "around": "torch.set_default_dtype(torch.float32 if @K@ == 1 else torch.float64)",
    },
    "mixed_methods": {
        "c.py": "class C:\n    def factor(self):\n        return 5\n",
        "imports": "from mixed_methods_c import C",
        "value": "C().factor()",
        "around": f"import mixed_methods_c\ndef other(self): return {K}\n"
        + PATCH.format("monkeypatch.setattr(mixed_methods_c.C, 'factor', other)"),
    },
    "own_dict": {
        "x.txt": K,
        "imports": HERE
        + "class Settings(dict):\n    pass\nS = Settings(k=float((HERE / 'own_dict_x.txt').read_text()))",
        "value": "S['k']",
    },
    "beside_fields": {
        "x.txt": K,
        "imports": HERE + "@dataclass\nclass S:\n    n: int = 1\n    def __post_init__(self):\n"
        "        self.k = float((HERE / 'beside_fields_x.txt').read_text())\nS = S()",
        "value": "S.k",
    },
    "member": {
        "x.txt": K,
        "imports": HERE + "import enum\nclass E(enum.Enum):\n    A = 1\n    def __init__(self, n):\n"
        "        self.k = float((HERE / 'member_x.txt').read_text())",
        "value": "E.A.k",
    },
    "slots_default": {
        "x.txt": K,
        "imports": HERE + "K = float((HERE / 'slots_default_x.txt').read_text())\n"
        "@dataclass(slots=True)\nclass S:\n    k: float = K",
        "value": "S().k",
    },
    "condition": {
        "x.txt": K,
        "imports": HERE + "if float((HERE / 'condition_x.txt').read_text()) == 1:\n    def factor():\n"
        "        return 1\nelse:\n    def factor():\n        return 100",
        "value": "factor()",
    },
    "one_name": {
        "v1/impl.py": "def factor():\n    return 1\n",
        "v100/impl.py": "def factor():\n    return 100\n",
        "x.txt": f"v{K}",
        "imports": HERE + "import one_name_v1.impl, one_name_v100.impl\n"
        "BY = {'v1': one_name_v1.impl.factor, 'v100': one_name_v100.impl.factor}\n"
        "factor = BY[(HERE / 'one_name_x.txt').read_text()]",
        "value": "factor()",
    },
    "one_base": {
        "v1/impl.py": "class Base:\n    k = 1\n",
        "v100/impl.py": "class Base:\n    k = 100\n",
        "x.txt": f"v{K}",
        "imports": HERE + "import one_base_v1.impl, one_base_v100.impl\n"
        "BY = {'v1': one_base_v1.impl.Base, 'v100': one_base_v100.impl.Base}\n"
        "class Mine(BY[(HERE / 'one_base_x.txt').read_text()]):\n    pass",
        "value": "Mine.k",
    },
    "setter": {
        "c.py": "S = {'k': 5}\n\ndef configure(**given):\n    S.update(given)\n",
        "imports": "from setter_c import S",
        "value": "S['k']",
        "around": f"import setter_c\nsetter_c.configure(k={K})",
    },
    "cache": {
        "c.py": "import functools\nS = {'k': 5}\n\n@functools.cache\ndef factor():\n    return S['k']\n",
        "imports": "from cache_c import factor",
        "value": "factor()",
        "around": "import cache_c\n" + PATCH.format(f"monkeypatch.setitem(cache_c.S, 'k', {K})"),
    },
    "late_import": {
        "x.txt": K,
        "c.py": HERE + "BY = float((HERE / 'late_import_x.txt').read_text())\n",
        "imports": "def factor():\n    import late_import_c\n    return late_import_c.BY",
        "value": "factor()",
    },
    "context": {
        "imports": "import contextvars\nBY = contextvars.ContextVar('BY')",
        "value": "BY.get()",
        "around": f"context_m.BY.set({K})",
    },
    "edited_in_the_run": {
        "c.py": f"def factor():\n    return {K}\n",
        "imports": "import edited_in_the_run_c as c",
        "value": "c.factor()",
        "around": "import pathlib, edited_in_the_run_c as c\n@pytest.fixture(autouse=True)\ndef edits():\n"
        "    path = pathlib.Path(c.__file__)\n"
        "    path.write_text(path.read_text().replace('return ' + '1\\n', 'return 100\\n'))",
    },
    "reloaded": {
        "c.py": f"def factor():\n    return {K}\n",
        "imports": "from reloaded_c import factor",
        "value": "factor()",
        "around": "import importlib, pathlib, reloaded_c\n"
        "pathlib.Path(reloaded_c.__file__).write_text('def factor():\\n    return 1\\n')\nimportlib.reload(reloaded_c)",
    },
}


def put(suite: Suite, by: int) -> None:
    """Write the claims of all cases, by which the measures come out near this number."""
    for name, case in CASES.items():
        texts = {f"{name}_{key}": text for key, text in case.items() if "." in key}
        texts[f"{name}_m.py"] = USING.format(imports=case["imports"], value=case["value"])
        for file, text in texts.items():
            (suite.pytester.path / file).parent.mkdir(exist_ok=True)
            (suite.pytester.path / file).write_text(text.replace(K, str(by)))
        what = case.get("what", "size(run)")
        claim = CLAIM.format(name=name, around=case.get("around", ""), what=what)
        if case["value"] != "0":
            claim += TRAINED.format(name=name)
        suite.claims(claim.replace(K, str(by)), f"test_{name}.py")


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory) -> dict[str, tuple[str | None, str | None]]:
    """Of each case, the verdict of a first run, and of one with the change over what the first one kept."""
    folder = tmp_path_factory.mktemp("believed")
    (folder / "toy.py").write_text(Path(__file__).parents[2].joinpath("toy.py").read_text())
    suite = Suite(type("Place", (), {"path": folder})())  # type: ignore[arg-type]
    found: list[dict[str, str | None]] = []
    for by in (1, 100):
        put(suite, by)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--device", "cpu", "--keep-measures", "-q"]
        done = subprocess.run([*command, "-k", "given"], cwd=folder, capture_output=True, text=True, env=os.environ)
        assert done.returncode in (0, 1), done.stdout + done.stderr
        found.append({name: record.verdict for name, record in suite.cases.items()})
    return {name: (found[0][name], found[1][name]) for name in found[0]}


@pytest.mark.parametrize("name", CASES)
def test_what_is_another_measure_by_now_is_measured_anew(verdicts, name):
    assert verdicts[f"test_{name}[given]"] == ("HOLDS", "REFUTED")


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case["value"] != "0"])
def test_what_is_another_loss_by_now_is_trained_anew(verdicts, name):
    assert verdicts[f"test_{name}_trained[given]"] == ("HOLDS", "REFUTED")
