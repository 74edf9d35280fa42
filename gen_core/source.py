"""Static analysis of module source: the names a module binds at top level, and the names that each of them uses.

Scopes are over-approximated: a local variable with the name of a top-level definition counts as a use of it.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import os
import site
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

LIBRARIES = frozenset(
    Path(folder).resolve()
    for folder in (
        *(sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")),
        *site.getsitepackages(),
        site.getusersitepackages(),
    )
)
"""Folders of installed libraries, as opposed to code written for a claim."""

TABLE = "ByName"
"""Name of the type of tables of which only the entries that a recipe names count; see `gen_core.fingerprint`."""


@dataclass
class Uses:
    """The names that a piece of code uses.

    Attributes:
        chains: dotted names, split into their parts: ("torch", "nn", "functional").
        imports: local imports, name -> origin, as in `Module`.
        strings: string constants.
    """

    chains: set[tuple[str, ...]] = field(default_factory=set)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    strings: set[str] = field(default_factory=set)


@dataclass
class Module:
    """The parsed source of a module.

    Attributes:
        name: its dotted name.
        path: its file.
        bound: name -> the top-level statements that bind it.
        imports: name -> (module, name imported from it, or "" for the module itself).
        stars: modules imported by `from ... import *`.
        effects: top-level statements that bind no name, such as a call.
    """

    name: str
    path: Path
    bound: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    effects: list[ast.stmt] = field(default_factory=list)
    _read: dict[tuple[str, ...], tuple[str, Uses]] = field(default_factory=dict)

    def piece(self, *names: str) -> tuple[str, Uses]:
        """Source text and uses of a top-level name, of a table's entry (table, key), or with "" of the effects."""
        if names not in self._read:
            code: list[ast.AST] = [self.tables[names[0]][names[1]]] if names[1:] else [*self.bound.get(names[0], [])]
            code = code if names[0] else [*self.effects]
            self._read[names] = "\n".join(map(ast.unparse, code)), uses(code, self.package)
        return self._read[names]

    @property
    def package(self) -> str:
        """The package that relative imports are resolved against."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    @functools.cached_property
    def tables(self) -> dict[str, dict[str, ast.expr]]:
        """Top-level tables: name -> key -> entry."""
        found = {}
        for name, statements in self.bound.items():
            value = getattr(statements[0], "value", None)
            if len(statements) == 1 and isinstance(value, ast.Call) and len(value.args) == 1:
                keys = getattr(value.args[0], "keys", ())
                plain = keys and all(isinstance(key, ast.Constant) and isinstance(key.value, str) for key in keys)
                if plain and ast.unparse(value.func).rpartition(".")[2] == TABLE:
                    found[name] = dict(zip((key.value for key in keys), value.args[0].values, strict=True))  # pyright: ignore
        return found


def source_file(name: str) -> Path | None:
    """The Python file of a module, by dotted name; None where there is none, as for built-in modules."""
    module = sys.modules.get(name)
    try:
        file = getattr(module, "__file__", None) if module else getattr(importlib.util.find_spec(name), "origin", None)
    except (ImportError, ValueError, AttributeError):
        return None
    return Path(file) if file and file.endswith(".py") and os.path.isfile(file) else None


@functools.cache
def installed(path: Path) -> bool:
    """Whether a file lies in a library folder, of this interpreter or of another one on the path."""
    whole = path.resolve()
    return bool({"site-packages", "dist-packages"} & set(whole.parts)) or not LIBRARIES.isdisjoint(whole.parents)


def read(name: str, path: Path) -> Module:
    """Parse a module; cached until its file changes.

    Raises:
        OSError, SyntaxError: if the file cannot be read or parsed.
    """
    seen = path.stat()
    return _read(name, path, seen.st_mtime_ns, seen.st_size)


@functools.lru_cache(maxsize=1024)
def _read(name: str, path: Path, changed: int, size: int) -> Module:
    module = Module(name, path)
    tree = _Bare().visit(ast.parse(path.read_text(encoding="utf-8")))
    _scan(module, tree.body, None, module.package)
    return module


class _Bare(ast.NodeTransformer):
    """Strips docstrings and the annotations of functions."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = node.body[ast.get_docstring(node, clean=False) is not None :] or [ast.Pass()]
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
        return node


def _scan(module: Module, body: list[ast.stmt], within: ast.stmt | None, package: str) -> None:
    """Sort top-level statements into `module`; a statement nested in an `if` or a `for` counts as all of that block."""
    for statement in body:
        owner = within or statement
        names = list(_binds(statement))
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            _import(statement, package, module.imports, module.stars)
        elif isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names = [statement.name]
        elif inner := [part for kind in ("body", "orelse", "finalbody") for part in getattr(statement, kind, [])]:
            inner += [part for handler in getattr(statement, "handlers", []) for part in handler.body]
            _scan(module, inner, owner, package)
        elif not names and not isinstance(statement, ast.Pass):
            module.effects.append(owner)
        for name in names:
            statements = module.bound.setdefault(name, [])
            if owner not in statements:
                statements.append(owner)


def _binds(statement: ast.stmt) -> Iterator[str]:
    """Names that a statement itself binds, definitions and imports aside."""
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    if isinstance(statement, (ast.With, ast.AsyncWith)):
        targets = [item.optional_vars for item in statement.items]
    if isinstance(statement, ast.Delete):
        return
    for target in targets:
        for node in ast.walk(target) if target else ():
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id


def _import(
    node: ast.Import | ast.ImportFrom, package: str, into: dict[str, tuple[str, str]], stars: list[str]
) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            into[alias.asname or alias.name.partition(".")[0]] = (
                alias.name if alias.asname else alias.name.partition(".")[0],
                "",
            )
        return
    source = node.module or ""
    if node.level:
        try:
            source = importlib.util.resolve_name("." * node.level + source, package)
        except ImportError:
            return
    for alias in node.names:
        if alias.name == "*":
            stars.append(source)
        else:
            into[alias.asname or alias.name] = (source, alias.name)


def uses(nodes: list[ast.AST], package: str) -> Uses:
    """The names that some code uses; annotations are ignored."""
    found = Uses()

    def visit(node: ast.AST) -> None:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            _import(node, package, found.imports, [])
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                found.strings.add(node.value)
        elif isinstance(node, ast.Name):
            found.chains.add((node.id,))
        elif isinstance(node, ast.Attribute):
            parts, inner = [node.attr], node.value
            while isinstance(inner, ast.Attribute):
                parts.append(inner.attr)
                inner = inner.value
            if isinstance(inner, ast.Name):
                found.chains.add((inner.id, *reversed(parts)))
            else:
                visit(inner)
        else:
            for name, value in ast.iter_fields(node):
                if name != "annotation":
                    for part in value if isinstance(value, list) else [value]:
                        if isinstance(part, ast.AST):
                            visit(part)

    for node in nodes:
        visit(node)
    return found
