"""Imports point one way, files stay small, and the public index is whole."""

import ast
import graphlib
import importlib.util
from pathlib import Path

import pytest

import gen_core
from gen_core import index

ROOT = Path(__file__).parents[1]
LAYERS = (
    ("errors", "records", "defaults"),
    ("types",),
    ("checks", "recipe", "code", "losses", "statistics"),
    ("models", "schedule", "form", "papers", "promise"),
    ("rules", "data"),
    ("experiment",),
    ("training",),
    ("finished",),
    ("settings", "run"),
    ("measuring",),
    ("measures", "lab"),
    ("assuming", "engines"),
    ("declaration", "judgement", "loading", "hypotheses"),
    ("expectation",),
    ("index",),
    ("plugin",),
    ("command",),
)
"""The rooms of gen_core, low to high; a wing, which is a folder, is one room."""
RANK = {f"gen_core.{name}": rank for rank, names in enumerate(LAYERS) for name in names}
MAY_IMPORT = {
    "gen_core": {"gen_core"},
    "fixtures": {"fixtures", "gen_core"},
    "claims": {"fixtures", "gen_core"},
    "reports": {"reports", "gen_core.records"},
}
OF_ALL_MODELS = {f"gen_core.models.{name}" for name in ("activations", "contract", "layers", "products")}
"""What training may import of the models: none by name, since a model tells its layers."""
KNOW_PYTEST = {"gen_core.declaration", "gen_core.plugin", "gen_core.command"}
MOST_LINES, MOST_ROOMS = 300, 35
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc"}


def modules(root: Path) -> dict[str, Path]:
    """Dotted name -> file of every module of the layered packages."""
    files = [file for package in MAY_IMPORT for file in sorted((root / package).rglob("*.py"))]
    return {".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def imports(name: str, file: Path, known: dict[str, Path]) -> set[str]:
    """Modules that a file imports, anywhere in it; `from package import module` counts as the module."""
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            inner = {f"{module}.{alias.name}" for alias in node.names}
            found |= {part if part in known else module for part in inner}
    return found


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def room(module: str) -> str:
    """The file or wing of gen_core that a module lies in, or the data sets or the paper of fixtures; else itself."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] in ("gen_core", "fixtures") else module


def layer(module: str) -> int | None:
    """Rank of a module of gen_core. The index lies above all that it names, and below the plugin."""
    return LAYERS.index(("plugin",)) - 0.5 if module == "gen_core" else RANK.get(".".join(module.split(".")[:2]))


def violations(root: Path) -> list[str]:
    """Every arrow that may not be, each as one line."""
    known, wrong, graph = modules(root), [], {}
    folders = {room(name) for name in known if within(name, "fixtures") and name.count(".") == 2}
    papers = folders - {"fixtures.data"}
    for name, file in known.items():
        targets = imports(name, file, known)
        graph[name] = {target for target in targets if target in known}
        if within(name, "gen_core") and layer(name) is None:
            wrong.append(f"{name} is in no layer")
        for target in sorted(targets):
            ours = any(within(target, package) for package in MAY_IMPORT)
            if ours and not any(within(target, allowed) for allowed in MAY_IMPORT[name.partition(".")[0]]):
                wrong.append(f"{name} imports {target}")
            elif within(name, "gen_core") and within(target, "gen_core"):
                low, high = layer(target), layer(name)
                if low is None or (high is not None and low > high):
                    wrong.append(f"{name} imports {target}, which is not below it")
            if papers >= {room(name), room(target)} and room(name) != room(target):
                wrong.append(f"{name} imports {target}, of another paper")
            if within(name, "gen_core.training") and within(target, "gen_core.models") and target not in OF_ALL_MODELS:
                wrong.append(f"{name} imports {target}, a model")
            if within(target, "pytest") and within(name, "gen_core") and not any(within(name, m) for m in KNOW_PYTEST):
                wrong.append(f"{name} imports pytest")
    rooms: dict[str, set[str]] = {}
    for name, targets in graph.items():
        rooms.setdefault(room(name), set()).update({room(target) for target in targets} - {room(name)})
    for arrows in (graph, rooms):
        try:
            graphlib.TopologicalSorter(arrows).prepare()
        except graphlib.CycleError as error:
            wrong.append("cycle: " + " <- ".join(error.args[1]))
    return wrong


def test_imports_point_one_way():
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    ("file", "source", "expected"),
    [
        (
            "gen_core/types.py",
            "from gen_core.lab import Lab",
            "gen_core.types imports gen_core.lab, which is not below",
        ),
        ("gen_core/types.py", "from gen_core import lab", "gen_core.types imports gen_core.lab, which is not below it"),
        ("gen_core/types.py", "from . import lab", "gen_core.types imports gen_core.lab, which is not below it"),
        ("gen_core/types.py", "def f():\n    import gen_core.lab", "gen_core.types imports gen_core.lab, which"),
        ("gen_core/lab/lab.py", "from gen_core import Run", "gen_core.lab.lab imports gen_core, which is not below it"),
        ("gen_core/lab/lab.py", "from gen_core.plugin.session import S", "gen_core.lab.lab imports gen_core.plugin"),
        ("gen_core/lab/lab.py", "import pytest", "gen_core.lab.lab imports pytest"),
        (
            "gen_core/lab/lab.py",
            "from fixtures.data.images import MNIST",
            "gen_core.lab.lab imports fixtures.data.images",
        ),
        ("gen_core/records/files.py", "from gen_core.types import Data", "cycle: "),
        ("gen_core/extra.py", "", "gen_core.extra is in no layer"),
        ("gen_core/extra/deep.py", "", "gen_core.extra.deep is in no layer"),
        ("gen_core/lab/lab.py", "from gen_core.extra import f", "gen_core.lab.lab imports gen_core.extra"),
        (
            "gen_core/training/fused.py",
            "from gen_core.models.networks import MLP",
            "gen_core.training.fused imports gen_core.models.networks, a model",
        ),
        (
            "gen_core/training/fused.py",
            "from gen_core.models import layers, two_layer",
            "gen_core.training.fused imports gen_core.models, a model",
        ),
        (
            "gen_core/training/fused.py",
            "from gen_core.models import MLP",
            "gen_core.training.fused imports gen_core.models,",
        ),
        ("gen_core/measures/b.py", "from gen_core.lab.lab import Lab", "cycle: "),
        ("fixtures/data/images.py", "from claims.test_a import f", "fixtures.data.images imports claims.test_a"),
        ("fixtures/data/images.py", "import reports.load", "fixtures.data.images imports reports.load"),
        (
            "fixtures/hu/a.py",
            "from fixtures.puzzles.b import f",
            "fixtures.hu.a imports fixtures.puzzles.b, of another",
        ),
        ("claims/test_a.py", "from claims.test_b import f", "claims.test_a imports claims.test_b"),
        ("reports/load.py", "from gen_core.declaration import Claim", "reports.load imports gen_core.declaration"),
        ("reports/load.py", "import gen_core", "reports.load imports gen_core"),
        ("reports/load.py", "from fixtures.data.images import MNIST", "reports.load imports fixtures.data.images"),
    ],
)
def test_an_arrow_that_runs_back_up_is_found(tmp_path: Path, file: str, source: str, expected: str):
    tree = {
        "gen_core/__init__.py": "from gen_core.declaration import claim",
        "gen_core/records/files.py": "import json",
        "gen_core/types.py": "from gen_core.records.files import write_json",
        "gen_core/measures/a.py": "import torch",
        "gen_core/lab/__init__.py": "",
        "gen_core/lab/lab.py": "from gen_core.measures.a import f\nfrom gen_core.records.files import write_json",
        "gen_core/declaration.py": "import pytest\nfrom gen_core.lab import lab",
        "gen_core/plugin/session.py": "import pytest\nfrom gen_core import claim",
        "fixtures/papers.py": "from gen_core import Paper",
        "fixtures/data/images.py": "from gen_core import Data",
        "fixtures/hu/a.py": "from fixtures.data.images import MNIST\nfrom fixtures.hu.figures import draw",
        "fixtures/hu/figures.py": "",
        "fixtures/puzzles/b.py": "from fixtures.papers import HU",
        "claims/test_a.py": "from fixtures.hu.a import MNIST\nfrom gen_core.measures import distance",
        "reports/load.py": "from gen_core.records import read_case\nfrom reports.wording import number",
    }
    _plant(tmp_path, tree)
    assert violations(tmp_path) == []

    _plant(tmp_path, {file: source})

    assert any(line.startswith(expected) for line in violations(tmp_path)), violations(tmp_path)


def _plant(root: Path, tree: dict[str, str]) -> None:
    for name, source in tree.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(source, encoding="utf-8")


def test_every_layer_names_modules_that_are_there():
    assert set(RANK) <= {".".join(name.split(".")[:2]) for name in modules(ROOT)}


def test_a_newcomer_can_oversee_the_library():
    assert len({room(name) for name in modules(ROOT) if within(name, "gen_core")}) <= MOST_ROOMS


def test_no_two_public_functions_of_the_library_have_one_name():
    seen: dict[str, set[str]] = {}
    for name, file in modules(ROOT).items():
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            own = isinstance(node, ast.FunctionDef) and not node.name.startswith(("_", "test_", "pytest_"))
            if own and node.name != "main":  # where a command begins
                seen.setdefault(node.name, set()).add(name)
    assert {name: sorted(places) for name, places in seen.items() if len(places) > 1} == {}


def test_no_file_is_long():
    lengths = {name: len(file.read_text(encoding="utf-8").splitlines()) for name, file in modules(ROOT).items()}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_no_module_has_a_name_that_says_nothing():
    names = [*modules(ROOT), *(path.stem for part in ("tests", "benchmarks") for path in (ROOT / part).rglob("*.py"))]
    assert [name for name in names if VAGUE & set(name.split("."))] == []


def test_the_public_index_is_sorted_and_whole():
    names = gen_core.__all__
    assert names == sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert [name for name in names if not hasattr(gen_core, name)] == []
    assert dir(gen_core) == sorted(names)
    tree = ast.parse(Path(index.__file__).read_text(encoding="utf-8"))
    imported = [a.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for a in node.names]
    assert sorted(imported) == sorted(names)
