"""Static analysis of module source: the names a module binds at top level, and the names that each of them uses.

Scopes are over-approximated: a local variable with the name of a top-level definition counts as a use of it.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from gen_core.code.changes import changed_names

TABLE = ("gen_core.code.tables", "ByName")
"""The type of tables of which only the entries that a recipe names count."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass
class Uses:
    """The names that a piece of code uses.

    Attributes:
        chains: dotted names, split into their parts: ("torch", "nn", "functional").
        imports: local imports, name -> origins, as in `Module`.
        strings: string constants.
        methods: names of attributes of anything that is no dotted name, such as the result of a call.
    """

    chains: set[tuple[str, ...]] = field(default_factory=set)
    imports: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    strings: set[str] = field(default_factory=set)
    methods: set[str] = field(default_factory=set)


@dataclass
class Module:
    """The parsed source of a module.

    Attributes:
        name: its dotted name.
        path: its file.
        bound: name -> the top-level statements that bind it.
        imports: name -> all its origins, each (module, name imported from it, or "" for the module itself).
        stars: modules imported by `from ... import *`.
        effects: top-level statements that do more than to bind names, such as a call.
        decorated: top-level definitions with decorators, which may register them somewhere.
        found: what a search has found from its parts, by their identity; see `gen_core.code.following`.
    """

    name: str
    path: Path
    bound: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    effects: list[ast.stmt] = field(default_factory=list)
    decorated: list[Definition] = field(default_factory=list)
    found: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    _read: dict[int, tuple[str, Uses]] = field(default_factory=dict)

    def piece(self, *names: str) -> list[tuple[str, Uses]]:
        """Source text and uses of a top-level name, of a table's entry (table, key), or with "" of the effects."""
        if names[1:]:
            return [self.of(self.tables[names[0]][names[1]])]
        return [self.of(statement) for statement in (self.bound.get(names[0], []) if names[0] else self.effects)]

    def of(self, code: ast.AST) -> tuple[str, Uses]:
        """Source text and uses of a node, a digest in place of the text of a block, which many names may share."""
        if id(code) not in self._read:
            text = ast.unparse(code)
            if getattr(code, "body", None) and not isinstance(code, Definition):
                text = hashlib.sha256(text.encode()).hexdigest()
            self._read[id(code)] = text, uses(code, self.package)
        return self._read[id(code)]

    @property
    def package(self) -> str:
        """The package that relative imports are resolved against."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    @functools.cached_property
    def changed(self) -> dict[str, set[str]]:
        """Names that functions of the module may bind anew, or change the content of, with the names of these."""
        return changed_names(self.bound)

    @functools.cached_property
    def tables(self) -> dict[str, dict[str, ast.expr]]:
        """Top-level tables: name -> key -> entry."""
        found = {}
        for name, statements in self.bound.items():
            value = getattr(statements[0], "value", None)
            if len(statements) == 1 and isinstance(value, ast.Call) and len(value.args) == 1:
                keys = getattr(value.args[0], "keys", ())
                plain = keys and all(isinstance(key, ast.Constant) and isinstance(key.value, str) for key in keys)
                if plain and isinstance(value.func, ast.Name) and self.imports.get(value.func.id) == [TABLE]:
                    found[name] = dict(zip((key.value for key in keys), value.args[0].values, strict=True))  # pyright: ignore
        return found


def read(name: str, path: Path) -> Module:
    """Parse a module; cached until its file changes.

    Raises:
        OSError, SyntaxError, ValueError, RecursionError: if the file cannot be read or parsed.
    """
    seen = path.stat()
    return _read(name, path, seen.st_mtime_ns, seen.st_size)


@functools.lru_cache(maxsize=1024)
def _read(name: str, path: Path, changed: int, size: int) -> Module:
    module = Module(name, path)
    tree = _Bare().visit(ast.parse(path.read_bytes()))
    _scan(module, tree.body, None, module.package)
    return module


class _Bare(ast.NodeTransformer):
    """Strips docstrings, and the annotations of functions."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = node.body[ast.get_docstring(node, clean=False) is not None :] or [ast.Pass()]
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not _dispatches(node):
            node.returns = None
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
        return node


def _dispatches(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether its annotations say which calls it takes, as with `functools.singledispatch`."""
    return any(isinstance(d, ast.Attribute) and d.attr == "register" for d in function.decorator_list)


def _scan(module: Module, body: list[ast.stmt], within: ast.stmt | None, package: str) -> None:
    """Sort top-level statements into `module`; a statement nested in an `if` or a `for` counts as all of that block."""
    for statement in body:
        owner = within or statement
        names = list(_binds(statement))
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            names = _import(statement, package, module.imports, module.stars)
            names = names if within else []  # which of two imports it is depends on the block
        elif isinstance(statement, Definition):
            names = [statement.name]
            if statement.decorator_list:
                module.decorated.append(statement)
        elif inner := list(_blocks(statement)):
            if not _is_main(statement):
                _scan(module, inner, owner, package)
        elif _acts(statement, module) and owner not in module.effects[-1:]:
            module.effects.append(owner)
        for name in names:
            statements = module.bound.setdefault(name, [])
            if owner not in statements[-1:]:
                statements.append(owner)


def chosen(statements: Sequence[ast.stmt]) -> bool:
    """Whether it depends on more than the source which definition stands under a name, or within a class."""
    inner = [part for each in statements if isinstance(each, ast.ClassDef) for part in each.body]
    compound = any(not isinstance(each, Definition) and [*_blocks(each)] for each in (*statements, *inner))
    return len(statements) > 1 or compound


def _blocks(statement: ast.stmt) -> Iterator[ast.stmt]:
    """The statements within a compound statement."""
    for kind in ("body", "orelse", "finalbody"):
        yield from getattr(statement, kind, [])
    for part in (*getattr(statement, "handlers", []), *getattr(statement, "cases", [])):
        yield from part.body


def _is_main(statement: ast.stmt) -> bool:
    """Whether it is what a module does as a script."""
    return isinstance(statement, ast.If) and ast.unparse(statement.test) == "__name__ == '__main__'"


def _acts(statement: ast.stmt, module: Module) -> bool:
    """Whether a simple statement does more than to bind names: a call, or an assignment to part of something.

    The value of an assignment counts where it calls a method of something in this module, or is thrown away as `_`.
    """
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    if isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    ):
        return False
    if not isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        return True
    stored = [node for target in targets if target for node in ast.walk(target)]
    if any(isinstance(node, (ast.Attribute, ast.Subscript)) for node in stored):
        return True
    called = getattr(statement.value, "func", None)
    owner = getattr(called, "value", None)
    mutates = isinstance(owner, ast.Name) and owner.id in module.bound
    return called is not None and (mutates or any(isinstance(n, ast.Name) and n.id == "_" for n in stored))


def _binds(statement: ast.stmt) -> Iterator[str]:
    """Names that a statement itself binds, definitions and imports aside."""
    if isinstance(statement, (ast.Delete, *get_args(Definition))):
        return
    within = {id(part) for inner in _blocks(statement) for part in ast.walk(inner)}
    for node in ast.walk(statement):
        if id(node) not in within:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif isinstance(node, (ast.MatchAs, ast.MatchStar, ast.MatchMapping)):
                yield from filter(None, (getattr(node, "name", None), getattr(node, "rest", None)))


def _import(
    node: ast.Import | ast.ImportFrom, package: str, into: dict[str, list[tuple[str, str]]], stars: list[str]
) -> list[str]:
    """Note what an import binds, and the modules of which it takes everything; returns the names."""
    found: list[tuple[str, str, str]] = []
    if isinstance(node, ast.Import):
        tops = [(alias, alias.name.partition(".")[0]) for alias in node.names]
        found = [(alias.asname or top, alias.name if alias.asname else top, "") for alias, top in tops]
    else:
        source = node.module or ""
        if node.level:
            try:
                source = importlib.util.resolve_name("." * node.level + source, package)
            except ImportError:
                return []
        found = [(alias.asname or alias.name, source, alias.name) for alias in node.names if alias.name != "*"]
        stars += [source for alias in node.names if alias.name == "*"]
    for name, origin, taken in found:
        origins = into.setdefault(name, [])
        if (origin, taken) not in origins:
            origins.append((origin, taken))
    return [name for name, _, _ in found]


def uses(code: ast.AST, package: str) -> Uses:
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
                found.methods.update(parts)
                visit(inner)
        else:
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "import_module":
                for part in node.args[:1]:
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        found.imports.setdefault(part.value, []).append((part.value, ""))
                    else:
                        found.methods.add("import_module(...)")
            for name, value in ast.iter_fields(node):
                if name != "annotation":
                    for part in value if isinstance(value, list) else [value]:
                        if isinstance(part, ast.AST):
                            visit(part)

    visit(code)
    return found
