"""Keys depend on the code that a result depends on, and on no other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import types
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import torch

from gen_core.code import fingerprint, locations, resolving
from gen_core.code.fingerprint import code_of, reached
from gen_core.data.digits import Digits
from gen_core.types import Data

ROOT = Path(__file__).parents[3]

PLANTED = """
import json, sys
from dataclasses import replace
from pathlib import Path
from gen_core.data.derived import RandomLabels
from gen_core.data.digits import Digits
from gen_core.data.images import MNIST
from fixtures.data.synthetic import Mixture
from gen_core.data.gaussian import Gaussian
from gen_core import *
from gen_core.code import fingerprint
from gen_core.lab.plan import training_modules

root, edits = Path(sys.argv[1]), json.loads(sys.argv[2])
linear = Experiment(data=Gaussian(n=5, d=9), model=Linear(), rule=GD(0.1), loss=Square(), steps=5)
net = MLP(hidden=(4,), activation="tanh")
dense = Experiment(data=Digits(n=50), model=net, rule=SGD(0.1, 5), loss=Logistic(), steps=5)
experiments = {
    "linear": linear,
    "newton": replace(linear, rule=Newton()),
    "adam": replace(linear, rule=Adam(0.1)),
    "dense": dense,
    "convolutional": replace(dense, data=Digits(n=50, flat=False), model=ConvNet(activation="softplus")),
    "after": replace(dense, after=replace(dense, data=RandomLabels(Digits(n=50)))),
    "images": replace(dense, data=MNIST(n=50)),
    "sums": Experiment(
        data=Mixture(n=50), model=LiLiang(8, 10), rule=SGD(0.1, 5), loss=CrossEntropy(), steps=5
    ),
    "drawn": Experiment(data=Gaussian(n=5, d=9), model=TwoLayer(4)),
}

def codes():
    return {name: fingerprint.code_of(e, *training_modules()) for name, e in experiments.items()}

before, told = codes(), {}
for edit, (file, old, new) in edits.items():
    source = (root / file).read_text()
    assert source.count(old) == 1 or not old, (edit, source.count(old))
    (root / file).write_text(source.replace(old, new) if old else source + new)
    after = codes()
    told[edit] = sorted(name for name in after if after[name] != before[name])
    (root / file).write_text(source)
assert codes() == before
print(json.dumps(told))
"""

ALL = ["adam", "after", "convolutional", "dense", "drawn", "images", "linear", "newton", "sums"]
UNUSED = "\n\n@dataclass(frozen=True)\nclass Unused(MLP):\n    more: int = 3\n"
UNUSED_DATA = "\n\n@dataclass(frozen=True)\nclass Unused(Gaussian):\n    more: int = 3\n"
EDITS = {
    # what is not used
    "an unused model": ("gen_core/models/networks.py", "", UNUSED, []),
    "a data set": ("fixtures/data/synthetic.py", "", UNUSED_DATA, []),
    "an activation": (
        "gen_core/models/activations.py",
        '"identity": ',
        '"unused": Activation("unused", torch.square, torch.square, torch.mul),\n        "identity": ',
        [],
    ),
    "a measure": ("gen_core/measures/coupling.py", "", "\n\ndef unused(run: Run) -> Tensor:\n    return run.w\n", []),
    "a rule": (
        "gen_core/rules/descent.py",
        "",
        "\n\n@dataclass(frozen=True)\nclass Unused(GD):\n    more: int = 3\n",
        [],
    ),
    "a loss": ("gen_core/losses.py", "", "\n\n@dataclass(frozen=True)\nclass Unused(Square):\n    more: int = 3\n", []),
    "a comment": ("gen_core/training/order.py", "import math\n", "import math  # for products\n", []),
    "a way to make keys": ("gen_core/code/findings.py", "lasting: bool = True", "lasting: bool = False", []),
    # one line on which results depend
    "a rule's constant": (
        "gen_core/rules/descent.py",
        "ADAGRAD_EPS, ADAM_EPS = 1e-10, 1e-8",
        "ADAGRAD_EPS, ADAM_EPS = 1e-10, 1e-7",
        ["adam"],
    ),
    "a rule's step": (
        "gen_core/rules/descent.py",
        "direction, value=-1)",
        "direction, value=-2)",
        ALL,  # the fused steps, which count for every training, take it as well
    ),
    "a model": ("gen_core/models/two_layer.py", "std = self.width**-0.5", "std = self.width**-1", ["sums"]),
    "a model's draw": (
        "gen_core/models/layered.py",
        "self.gain * weights(",
        "2 * self.gain * weights(",
        ["after", "convolutional", "dense", "images"],
    ),
    "a helper of models": (
        "gen_core/models/layers.py",
        'if scheme == "he_normal":',
        'if scheme != "he_normal":',
        ["after", "convolutional", "dense", "images"],
    ),
    "a loss's slope": (
        "gen_core/losses.py",
        "opposite = -_one_each(f, y)",
        "opposite = 2 * -_one_each(f, y)",
        ["after", "convolutional", "dense", "images"],
    ),
    "a data set's draw": (
        "fixtures/data/synthetic.py",
        "class Mixture(Vectors):",
        "class Mixture(Vectors):\n    x = 1",
        ["sums"],
    ),
    "a data set behind `after`": (
        "gen_core/data/derived.py",
        "class RandomLabels(_Derived):",
        "class RandomLabels(_Derived):\n    x = 1",
        ["after"],
    ),
    "a reader of files": (
        "gen_core/data/published.py",
        "IDX_LABELS, IDX_IMAGES = 2049, 2051",
        "IDX_LABELS, IDX_IMAGES = 2049, 2052",
        ["images"],
    ),
    "an activation that is used": (
        "gen_core/models/activations.py",
        '"softplus": ',
        '"softplus": torch.square,\n    "x": ',
        ["convolutional"],
    ),
    "the recipe of trainings": (
        "gen_core/experiment.py",
        'torch.float64 if self.dtype == "float64"',
        'torch.float64 if self.dtype != "float64"',
        ALL,
    ),
    "the training": ("gen_core/training/seeding.py", "SEGMENT = 2**16", "SEGMENT = 2**15", ALL),
    "a file of the training that no other imports": (
        "gen_core/training/trainer.py",
        "fit = max(1,",
        "fit = max(2,",
        ALL,
    ),
    "where an index takes a name from": (
        "gen_core/rules/__init__.py",
        "    is_plain,\n    keeps_on_device,\n    momentum_of,\n)",
        "    keeps_on_device,\n    momentum_of,\n)\nfrom gen_core.rules.rates import constant_rate as is_plain",
        ALL,
    ),
    "what streams are made of": ("gen_core/recipe.py", 'separators=(",", ":")', 'separators=(";", ":")', ALL),
}


@pytest.fixture(scope="module")
def changed(tmp_path_factory) -> dict[str, list[str]]:
    root = tmp_path_factory.mktemp("copy")
    for package in ("gen_core", "fixtures"):
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    edits = json.dumps({name: edit[:3] for name, edit in EDITS.items()})
    command = [sys.executable, "-c", PLANTED, str(root), edits]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(root)}, cwd=root)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("edit", EDITS)
def test_exactly_the_keys_that_depend_on_a_line_change_with_it(changed, edit):
    assert changed[edit] == EDITS[edit][3]


PACKAGE = {
    "paper/__init__.py": "from . import constants, teacher\nfrom .teacher import *\n",
    "paper/teacher.py": (
        "from paper import constants\nUNUSED = 3\n\ndef target(X):\n    return constants.SLOPE * X.sum(1)\n"
    ),
    "paper/constants.py": "SLOPE = 1.0\nOTHER = 2.0\n",
    "paper/data.py": (
        "from dataclasses import dataclass\nimport torch\nfrom gen_core import Data\nfrom .teacher import target\n\n"
        "@dataclass(frozen=True)\nclass Points:\n    n: int = 8\n    inputs: tuple = (3,)\n\n"
        "    def draw(self, g):\n        X = torch.randn(self.n, 3, generator=g)\n        return Data(X, target(X))\n"
    ),
}


@pytest.fixture
def paper(tmp_path, monkeypatch):
    """A package of a paper of one's own, and its data set."""
    for name, text in PACKAGE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path / "paper"
    for name in [name for name in sys.modules if name.partition(".")[0] == "paper"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("file", "old", "new", "counts"),
    [
        ("teacher.py", "X.sum(1)", "X.mean(1)", True),
        ("constants.py", "SLOPE = 1.0", "SLOPE = 5.0", True),
        ("constants.py", "OTHER = 2.0", "OTHER = 5.0", False),
        ("teacher.py", "UNUSED = 3", "UNUSED = 4", False),
        ("data.py", "from .teacher import target", "from .constants import SLOPE as target", True),
        ("__init__.py", "", "import torch\ntorch.set_default_dtype(torch.float64)\n", True),
    ],
)
def test_helpers_of_a_package_of_ones_own_count(paper, file, old, new, counts):
    from paper.data import Points

    before = code_of(Points())
    text = (paper / file).read_text()
    (paper / file).write_text(text.replace(old, new) if old else new)
    assert (code_of(Points()) != before) == counts


def test_values_that_change_places_change_the_key(paper):
    """Two modules with a function of one name: which of them has which constant counts."""
    from paper.data import Points

    two = "SLOPE = {}\n\ndef target(X):\n    return SLOPE * X.sum(1)\n"
    data = (paper / "data.py").read_text()
    (paper / "data.py").write_text(
        data.replace("import target\n", "import target\nfrom .more import target as f\n").replace(
            "target(X))", "target(X) - f(X))"
        )
    )
    digests = []
    for a, b in ((1, 2), (2, 1)):
        (paper / "teacher.py").write_text(two.format(a))
        (paper / "more.py").write_text(two.format(b))
        digests.append(code_of(Points()))
    assert digests[0] != digests[1]


VARIANTS = {
    "a decorator that registers": (
        "TABLE = {{}}\ndef register(f):\n    TABLE[f.__name__] = f\n    return f\n"
        "@register\ndef plain(X):\n    return {k} * X.sum(1)\ndef target(X):\n    return TABLE['plain'](X)\n"
    ),
    "single dispatch": (
        "from functools import singledispatch\n@singledispatch\ndef target(X):\n    return X\n"
        "@target.register\ndef _(X: torch.Tensor):\n    return {k} * X.sum(1)\n"
    ),
    "a conditional import": (
        "try:\n    from .more import target\nexcept ImportError:\n    from .constants import SLOPE as target\n"
    ),
    "a condition": "FAST = {k} > 1\nif FAST:\n    from .more import target\nelse:\n    from .other import target\n",
    "an import inside": "def target(X):\n    from .more import target\n    return target(X)\n",
    "a module that is found by its name": (
        "import importlib\ndef target(X):\n    return importlib.import_module('paper.more').target(X)\n"
    ),
    "a star that overrides": "def target(X):\n    return X.sum(1)\nfrom .more import *\n",
    "a module's own getattr": "from .lazy import target\n",
    "a walrus": "OTHER = (SLOPE := {k}) + 1\ndef target(X):\n    return SLOPE * X.sum(1)\n",
    "an update": "T = {{'a': 1.0}}\n_ = T.update(a={k})\ndef target(X):\n    return T['a'] * X.sum(1)\n",
    "an assignment to a part": "T = {{'a': 1.0}}\nT['a'], b = {k}, 2\ndef target(X):\n    return T['a'] * X.sum(1)\n",
    "a namespace package": "from .space import inner\ndef target(X):\n    return inner.target(X)\n",
    "a byte-order mark": "\ufeffdef target(X):\n    return {k} * X.sum(1)\n",
    "too deep a sum": "def target(X):\n    return {k} * X.sum(1)\nDEEP = " + "+".join(["1.0"] * 3000) + "\n",
}
MORE = "def target(X):\n    return {k} * X.sum(1)\n"


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_a_helper_does_is_followed_however_it_is_written(paper, variant):
    digests = []
    for k in (1.0, 5.0):
        (paper / "space").mkdir(exist_ok=True)
        source = ("" if variant == "a byte-order mark" else "import torch\n") + VARIANTS[variant].format(k=k)
        (paper / "teacher.py").write_text(source, encoding="utf-8")
        (paper / "more.py").write_text(MORE.format(k=k))
        (paper / "other.py").write_text(MORE.format(k=2))
        (paper / "space" / "inner.py").write_text(MORE.format(k=k))
        (paper / "lazy.py").write_text(f"def __getattr__(name):\n    return lambda X: {k} * X.sum(1)\n")
        digests.append(code_in_a_process(paper.parent))
    assert digests[0] != digests[1]


def code_in_a_process(folder: Path) -> str:
    """The digest of the paper's data set by reading alone: nothing of it is imported but its class."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "paper"]:
        del sys.modules[name]
    data = types.ModuleType("paper.data")
    data.__file__ = str(folder / "paper" / "data.py")
    sys.modules["paper.data"] = data
    source = PACKAGE["paper/data.py"].replace("from .teacher import target", "target = None")
    exec(compile(source, data.__file__, "exec"), vars(data))
    return code_of(data.Points())


def test_an_edit_of_a_module_that_is_loaded_is_believed_by_no_other_process(paper):
    as_read = code_in_a_process(paper.parent)
    del sys.modules["paper.data"]
    from paper.data import Points

    before = code_of(Points())
    text = (paper / "teacher.py").read_text()
    (paper / "teacher.py").write_text(text.replace("X.sum(1)", "X.mean(1)"))
    running, fresh = code_of(Points()), code_in_a_process(paper.parent)
    assert len({before, running, fresh}) == 3  # this process still runs the old code
    (paper / "teacher.py").write_text(text + "\nADDED = 1\n")
    assert code_in_a_process(paper.parent) == as_read


def typed(source: str) -> object:
    """The recipe A() of a class that was typed at a prompt."""
    space: dict[str, object] = {"__name__": "prompt", "dataclass": dataclass, "Data": Data}
    exec(compile(source, "prompt", "exec", dont_inherit=True), space)
    return space["A"]()  # type: ignore[operator]


PROMPT = """
SLOPE = {slope}
def f(x): return SLOPE {op} x
@dataclass(frozen=True)
class A:
    n: int = 1
    def draw(self, g): return f({by})
"""


def test_bytecode_counts_where_there_is_no_source():
    first = code_of(typed(PROMPT.format(slope=1, op="*", by=2)))
    assert code_of(typed(PROMPT.format(slope=1, op="*", by=2))) == first
    for change in ({"slope": 5}, {"op": "+"}, {"by": 3}):
        assert code_of(typed(PROMPT.format(**({"slope": 1, "op": "*", "by": 2} | change)))) != first


def test_a_class_of_a_command_counts_by_its_bytecode():
    script = (
        "from dataclasses import dataclass\nfrom gen_core.code.fingerprint import code_of\n"
        "@dataclass(frozen=True)\nclass A:\n    n: int = 1\n    def draw(self, g): return {}\nprint(code_of(A()))"
    )
    one, same, other = (
        subprocess.check_output([sys.executable, "-c", script.format(k)], text=True, cwd=ROOT) for k in (1, 1, 2)
    )
    assert one == same != other


def made(value: object, default: object = 0) -> object:
    @dataclass(frozen=True)
    class Inner:
        n: int = 1

        def draw(self, generator: object, more: object = default) -> object:
            return value, more

    return Inner()


@pytest.mark.parametrize("make", [made, lambda value: made(0, value)], ids=["closure", "default"])
@pytest.mark.parametrize(
    "value",
    [
        lambda k: k,
        lambda k: [k],
        lambda k: {"a": k},
        lambda k: frozenset({"alpha", "beta", str(k)}),
        lambda k: torch.full((3,), float(k)),
        lambda k: partial(pow, k),
        lambda k: lambda x: k * x,
        lambda k: Digits(n=50 + k),
    ],
    ids=["number", "list", "dict", "set", "tensor", "partial", "function", "recipe"],
)
def test_what_a_class_closes_over_counts(make, value):
    assert code_of(make(value(1))) == code_of(make(value(1))) != code_of(make(value(2)))


def test_what_surrounds_a_class_without_source_may_change():
    space: dict[str, object] = {"__name__": "prompt", "dataclass": dataclass}
    exec(compile(PROMPT.format(slope=1, op="*", by=2), "prompt", "exec", dont_inherit=True), space)
    recipe = space["A"]()  # type: ignore[operator]
    before = code_of(recipe)
    space["SLOPE"] = 5
    assert code_of(recipe) != before


def test_what_cannot_be_told_is_never_found_again():
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\nfrom tests.gen_core.code.test_fingerprint import made\n"
        "from gen_core.code.fingerprint import code_of\nx = (i for i in ())\n"
        "assert code_of(made(x)) == code_of(made(x)) != code_of(made(i for i in ()))\n"
        "print(code_of(made(x)), code_of(made({'a', 'b', 'c', 1})))"
    )
    command = [sys.executable, "-c", script, str(ROOT)]
    objects, sets = zip(*(subprocess.check_output(command, text=True).split() for _ in range(2)), strict=True)
    assert objects[0] != objects[1]
    assert sets[0] == sets[1]


def test_the_versions_of_libraries_count(monkeypatch):
    assert any("sklearn is of version" in line for line in reached(Digits(n=50)).libraries)
    before = code_of(Digits(n=50))
    monkeypatch.setattr(locations, "version_of", lambda package: "0")
    monkeypatch.setattr(resolving, "version_of", lambda package: "0")
    fingerprint._known.clear()
    assert code_of(Digits(n=50)) != before
    fingerprint._known.clear()
