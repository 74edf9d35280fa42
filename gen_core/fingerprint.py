"""The code that a recipe reaches, as a digest: what a stored result depends on beside its recipe.

Code is followed by reading it. From the types of a recipe, and from whole modules, every name at the top of a module
that is used is followed, through the modules that it is imported from, to the end: functions, classes with their bases,
and constants. What is defined beside them and not used does not count, nor do comments, docstrings and annotations.

Followed are gen_core, the packages that the recipe's types are from, and every module outside the library folders. Of
other packages the version counts. Where a type has no source, as one that was typed at a prompt, its bytecode counts;
where that does not tell all, as with a closure over an object, the digest is one that no other process comes to.

What cannot be seen by reading is not followed: names that are put together at run time, as in `getattr(module, name)`,
and what is put into a module from outside.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeVar

from gen_core import bytecode, source
from gen_core.source import Module, Uses, installed, read, source_file

T = TypeVar("T")
Node = tuple[str, ...]
"""(module,), which is all of it, (module, name) or (module, table, key)."""

Seen = frozenset[tuple[str, str]]

OWN = (__name__, source.__name__, bytecode.__name__)
"""What makes digests and no results."""

TRUSTED = 1.0
"""Seconds for which files that were seen not to have changed are not looked at again."""


class ByName(dict[str, T]):
    """A table that recipes look up by a string in one of their fields, written out as a constant of a module.

    Of its entries only those count in a recipe's code whose key stands in the recipe or in code that it reaches, so
    that one more entry makes no result stale. A key that is put together at run time would be missed.
    """


@dataclass
class Reached:
    """What was followed: the text of each name, the files that they are from, and what lies in libraries."""

    texts: dict[Node, str] = field(default_factory=dict)
    files: dict[Path, tuple[int, int]] = field(default_factory=dict)
    libraries: set[str] = field(default_factory=set)
    strings: set[str] = field(default_factory=set)
    seen: float = 0.0

    @cached_property
    def digest(self) -> str:
        """Hexadecimal sha256 of all."""
        # A module counts by its place in the order of following, since a test file is called otherwise from elsewhere.
        place = {name: str(i) for i, name in enumerate(dict.fromkeys(node[0] for node in self.texts))}
        lines = [f"{place[node[0]]} {' '.join(node[1:])}\n{text}" for node, text in self.texts.items()]
        return hashlib.sha256("\n".join(sorted([*lines, *self.libraries])).encode()).hexdigest()

    def stale(self) -> bool:
        """Whether a file has changed since it was read."""
        if time.monotonic() - self.seen < TRUSTED:
            return False
        self.seen = time.monotonic()
        try:
            return any(_stamp(path) != stamp for path, stamp in self.files.items())
        except OSError:
            return True


_known: dict[tuple[Any, ...], Reached] = {}


def code_of(recipe: Any, *modules: str) -> str:
    """Digest of the code that a recipe's types reach, and that modules reach, with recipes inside of it included.

    Args:
        recipe: a recipe, or a tuple of recipes and builtins.
        modules: dotted names of modules that count as a whole. Cost: about a second for the first recipe of a process,
            then what is new, and a look at the files' times once a second.
    """
    return reached(recipe, *modules).digest


def reached(recipe: Any, *modules: str) -> Reached:
    """What `code_of` makes its digest of."""
    kinds, strings = frozenset(_types(recipe)), frozenset(_strings(recipe))
    key = (kinds, strings, modules)
    found = _known.get(key)
    if found is None or found.stale():
        found = _known[key] = _Follower(kinds, strings).follow(modules)
    return found


class _Follower:
    """Follows names from types and modules."""

    def __init__(self, kinds: Iterable[type], strings: Iterable[str]) -> None:
        # By name first: a test file is called otherwise when it is imported from elsewhere.
        self.kinds = sorted(
            {base for kind in kinds for base in kind.__mro__}, key=lambda k: (k.__qualname__, k.__module__)
        )
        # Even where they are installed, packages that recipes are from are followed.
        self.roots = {"gen_core"} | {kind.__module__.partition(".")[0] for kind in kinds}
        self.found = Reached(strings=set(strings), seen=time.monotonic())
        self.tables: dict[Node, Iterable[str]] = {}
        self.modules: dict[str, Module | None] = {}

    def follow(self, modules: Iterable[str]) -> Reached:
        nodes: list[Node] = [(name,) for name in modules]
        for kind in self.kinds:
            nodes += self._of_type(kind)
        while nodes:
            while nodes:
                nodes += self._visit(nodes.pop())
            # Strings are complete once nothing else is left; an entry may bring more of both.
            for table, entries in self.tables.items():
                named = [(*table, key) for key in entries if key in self.found.strings]
                nodes += [node for node in named if node not in self.found.texts]
        return self.found

    def _of_type(self, kind: type) -> list[Node]:
        name, _, inner = kind.__qualname__.partition(".")
        module = self._module(kind.__module__)
        if kind.__module__ == "builtins" or (module is None and source_file(kind.__module__) is not None):
            return [*self._outside(kind.__module__)]
        whole = module is not None and name in module.bound
        there = getattr(sys.modules.get(kind.__module__), name, None)
        if not whole or "<locals>" in inner or (not inner and there is not kind):
            text, used = bytecode.code_without_source(kind)
            self.found.texts[(kind.__module__, kind.__qualname__, "bytecode")] = text
            self.kinds += [other for other in used if other not in self.kinds]  # `follow` goes on through the list
        return [(kind.__module__, name)] if whole else []

    def _visit(self, node: Node) -> list[Node]:
        if node in self.found.texts or (module := self._module(node[0])) is None:
            return []
        before = [*self._around(module.name)]
        if len(node) == 1:
            self.found.texts[node] = ""
            names = [node for name in module.imports for node in self._resolve(module, (name,), Uses())]
            return [*before, *((module.name, name) for name in module.bound), *names]
        if len(node) == 2 and node[1] in module.tables:
            self.tables[node] = module.tables[node[1]]
            self.found.texts[node] = "a table"
            return before
        self.found.texts[node], used = module.piece(*node[1:])
        self.found.strings |= used.strings
        return [*before, *(found for chain in sorted(used.chains) for found in self._resolve(module, chain, used))]

    def _around(self, module: str) -> Iterator[Node]:
        """What a module and the packages that it is in do when they are imported."""
        while module:
            yield (module, "")
            module = module.rpartition(".")[0]

    def _resolve(self, module: Module, chain: tuple[str, ...], used: Uses, seen: Seen = frozenset()) -> Iterator[Node]:
        """What a dotted name in a module stands for; `seen` are the names that led here, as imports go in circles."""
        first, rest = chain[0], chain[1:]
        if first in module.bound:
            yield (module.name, first)
        if where := used.imports.get(first) or module.imports.get(first):
            yield from self._of_import(*where, rest, seen)
        elif first not in module.bound:
            for star in module.stars:
                if (other := self._module(star)) is None:
                    yield from self._outside(star)
                elif (star, first) not in seen:
                    yield from self._resolve(other, chain, Uses(), seen | {(star, first)})

    def _of_import(self, name: str, taken: str, rest: tuple[str, ...], seen: Seen) -> Iterator[Node]:
        """What an imported name and the attributes behind it stand for."""
        if (module := self._module(name)) is None:
            yield from self._outside(name, taken)
            return
        yield (name, "")
        chain = (taken, *rest) if taken else rest
        if not chain:
            yield (name,)  # the module itself is handed on: all of it counts
            return
        if (name, chain[0]) not in seen:
            yield from self._resolve(module, chain, Uses(), seen | {(name, chain[0])})
        if chain[0] not in module.bound and source_file(f"{name}.{chain[0]}") is not None:
            yield from self._of_import(f"{name}.{chain[0]}", "", chain[1:], seen)

    def _outside(self, name: str, taken: str = "") -> Iterator[Node]:
        top = name.partition(".")[0]
        self.found.libraries |= {f"{name} {taken}".strip(), f"{top} is of version {_version(top)}"}
        yield from ()

    def _module(self, name: str) -> Module | None:
        """A module that is followed, or None."""
        if name not in self.modules:
            self.modules[name] = self._read(name)
        return self.modules[name]

    def _read(self, name: str) -> Module | None:
        path = source_file(name)
        if path is None or name in OWN or (name.partition(".")[0] not in self.roots and installed(path)):
            return None
        try:
            self.found.files[path] = _stamp(path)
            return read(name, path)
        except (OSError, SyntaxError, UnicodeDecodeError):
            return None


def _types(recipe: Any) -> set[type]:
    if isinstance(recipe, tuple):
        return set().union(*map(_types, recipe))
    if not is_dataclass(recipe) or isinstance(recipe, type):
        return set()
    return {type(recipe)}.union(*(_types(getattr(recipe, f.name)) for f in fields(recipe)))


def _strings(recipe: Any) -> set[str]:
    if isinstance(recipe, str):
        return {recipe}
    if is_dataclass(recipe) and not isinstance(recipe, type):
        recipe = tuple(getattr(recipe, f.name) for f in fields(recipe))
    return set().union(*map(_strings, recipe)) if isinstance(recipe, tuple) else set()


def _stamp(path: Path) -> tuple[int, int]:
    seen = path.stat()
    return seen.st_mtime_ns, seen.st_size


@cache
def _version(package: str) -> str:
    if package in sys.stdlib_module_names:
        return ".".join(map(str, sys.version_info[:2]))
    if found := getattr(sys.modules.get(package), "__version__", None):
        return str(found)
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
