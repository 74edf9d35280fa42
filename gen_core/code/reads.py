"""What code looks up each time that it runs, which no key can tell: files, the environment, names made at run time."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator

from gen_core.code.objects import is_own
from gen_core.code.source import Definition, Module, Uses

NAMES = frozenset(("open", "eval", "exec", "globals", "__import__"))
DOTTED = frozenset(("os.environ", "os.getenv", "os.system", "subprocess", "sys.modules"))
METHODS = frozenset(
    (
        *("read_text", "read_bytes", "load", "loadtxt", "genfromtxt", "fromfile", "memmap", "import_module(...)"),
        *(f"read_{kind}" for kind in ("csv", "excel", "feather", "hdf", "json", "parquet", "pickle", "sql", "table")),
        *("imread", "load_file", "load_npz", "loadmat", "safe_load", "safe_open", "from_file", "getline", "getlines"),
        *("open", "open_text", "open_binary", "get_data", "exec_module", "run_path", "run_module", "CDLL"),
        *("exists", "is_file", "is_dir", "iterdir", "listdir", "scandir", "expandvars", "expanduser", "getcwd"),
    )
)
DRAWN = frozenset(("init", "place"))
"""Methods of a model that may look up what they will: starts are compared."""

LOOKING_UP = NAMES | METHODS | {name.rpartition(".")[2] for name in DOTTED}
"""The last parts of all of them, as bytecode has them."""


def read_at_run_time(module: Module, name: str) -> Iterator[str]:
    """What functions and classes under a top-level name of a module look up whenever they run, in words.

    What a module reads when it is imported is not among it: the constant that is made of it counts with its value.
    """
    for statement in module.bound.get(name, []):
        parts = statement.body if isinstance(statement, ast.ClassDef) else [statement]
        for part in parts:
            runs = isinstance(part, Definition) or any(isinstance(node, ast.Lambda) for node in ast.walk(part))
            draws = (
                isinstance(statement, ast.ClassDef) and getattr(part, "name", "") in DRAWN and _is_model(module, name)
            )
            if runs and not draws:
                for what in sorted(_looked_up(module, module.of(part)[1])):
                    yield f"{name} uses {what}"


def _is_model(module: Module, name: str) -> bool:
    """Whether a class has what a model has, which is not known of one that is not loaded."""
    return inspect.getattr_static(getattr(sys.modules.get(module.name), name, None), "trainable", None) is not None


def _looked_up(module: Module, used: Uses) -> Iterator[str]:
    yield from used.methods & METHODS
    for first, *rest in used.chains:
        for origin, taken in (*used.imports.get(first, ()), *module.imports.get(first, ()), ("", first)):
            dotted = ".".join(filter(None, (origin, taken, *rest)))
            of_system = any(f"{dotted}.".startswith(f"{known}.") for known in DOTTED)
            taken_from_library = origin and not rest and taken in METHODS and not is_own(origin)
            own_method = first == "self" and len(rest) == 1
            method = bool(rest) and rest[-1] in METHODS and not own_method
            if dotted in NAMES or of_system or taken_from_library or method:
                yield dotted
