"""The definitions behind a name that a module uses, found through all imports."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gen_core.code.findings import Node, Reached
from gen_core.code.listening import stamp_of
from gen_core.code.locations import file_digest, installed, source_file, version_of
from gen_core.code.source import Module, Uses, read

Seen = frozenset[tuple[str, str]]


@dataclass
class Way:
    """What was looked at on the way to something found in a module: modules and files by name, and libraries.

    `lasting` is False where it depends on more than these.
    """

    modules: dict[str, Module | None] = field(default_factory=dict)
    sources: dict[str, Path | None] = field(default_factory=dict)
    libraries: set[tuple[str, str]] = field(default_factory=set)
    lasting: bool = True


class Names:
    """The modules and names of one search.

    Args:
        roots: packages that are followed even where they are installed.
        found: takes the files, modules and libraries that are looked at.
        own: modules that are not followed.
    """

    def __init__(self, roots: set[str], found: Reached, own: tuple[str, ...]) -> None:
        self.roots, self.found, self.own = roots, found, own
        self.modules: dict[str, Module | None] = {}
        self.sources: dict[str, Path | None] = {}
        self.counted: set[tuple[str, str]] = set()
        self.way = Way()

    def once(self, module: Module, of: object, find: Callable[[], Any]) -> Any:
        """What `find` finds from a part of a module, as it was found before if all is there that was looked at then.

        Only from gen_core's modules, where it depends on source alone: elsewhere names count with their values.
        """
        if not is_ours(module):
            return find()
        known = module.found.get(id(of))
        if known is None or not self._is_as_found(known[1]):
            self.way = way = Way()
            known = find(), way
            self.way = Way()
            if way.lasting:
                module.found[id(of)] = known
        for library in known[1].libraries - self.counted:
            self.counted.add(library)
            self.outside(*library)
        return known[0]

    def _is_as_found(self, way: Way) -> bool:
        return all(self.module(name) is then for name, then in way.modules.items()) and all(
            self._source(name) == then for name, then in way.sources.items()
        )

    def resolve(self, module: Module, chain: tuple[str, ...], used: Uses, seen: Seen = frozenset()) -> Iterator[Node]:
        """The definitions behind a dotted name in a module; `seen` holds the names on the way, as imports can cycle."""
        first, rest = chain[0], chain[1:]
        if first in module.bound or (first in _vars_of(module) and not is_ours(module)):
            yield (module.name, first)
        for name, _ in used.imports.get(first, ()) if not is_ours(module) else ():
            self._load(name)
        for origin in (*used.imports.get(first, ()), *module.imports.get(first, ())):
            yield from self._of_import(*origin, rest, seen)
        for star in module.stars:
            if (other := self.module(star)) is None:
                yield from self.outside(star)
            elif (star, first) not in seen:
                yield from self.resolve(other, chain, Uses(), seen | {(star, first)})

    def _of_import(self, name: str, taken: str, rest: tuple[str, ...], seen: Seen) -> Iterator[Node]:
        """The definitions behind an imported name and its attributes."""
        chain = (taken, *rest) if taken else rest
        module, found = self.module(name), False
        if module is not None:
            yield (name, "")
            if not chain:
                yield (name,)  # the module object itself is used, so all of it counts
                return
            if (name, chain[0]) not in seen:
                for node in self.resolve(module, chain, Uses(), seen | {(name, chain[0])}):
                    found = True
                    yield node
        if chain and self._source(inner := f"{name}.{chain[0]}") is not None:
            found = True
            yield from self._of_import(inner, "", chain[1:], seen)
        if module is None and not found:
            yield from self.outside(name, taken)
        elif module is not None and not found and (name, chain[0]) not in seen:
            yield (name,)  # what is made up there, as by its __getattr__

    def outside(self, name: str, taken: str = "") -> tuple[Node, ...]:
        """Count a library by its version, or by its files where none is known; it leads to no definition."""
        top = name.partition(".")[0]
        self.way.libraries.add((name, taken))
        version = version_of(top) or file_digest(name)
        self.found.libraries |= {f"{name} {taken}".strip(), f"{top} is of version {version}"}
        return ()

    def module(self, name: str) -> Module | None:
        """The parsed module, or None for one that is not followed."""
        if name not in self.modules:
            self.modules[name] = self._read(name)
        found = self.way.modules[name] = self.modules[name]
        self.way.lasting &= found is None or is_ours(found)
        return found

    def _source(self, name: str) -> Path | None:
        """The file of a module, looked for once."""
        if name not in self.sources:
            self.sources[name] = source_file(name)
        found = self.way.sources[name] = self.sources[name]
        return found

    def _load(self, name: str) -> None:
        """Import a module that a function imports only when it runs: what its names stand for is not known before."""
        if name not in sys.modules and (path := source_file(name)) is not None and not installed(path):
            with contextlib.suppress(Exception):  # it may be meant to fail here
                importlib.import_module(name)
            self.sources.clear()

    def _read(self, name: str) -> Module | None:
        path = source_file(name)
        if path is None or name in self.own or (name.partition(".")[0] not in self.roots and installed(path)):
            return None
        try:
            self.found.files[str(path)], self.found.modules[name] = stamp_of(path), str(path)
            return read(name, path)
        except (OSError, SyntaxError, ValueError, RecursionError):
            self.found.libraries.add(f"{name} is the file {hashlib.sha256(path.read_bytes()).hexdigest()}")
            return None


def is_ours(module: Module) -> bool:
    """Whether it is one of gen_core's modules, whose source tells all; of others, names count with their values."""
    return f"{module.name}.".startswith("gen_core.")


def _vars_of(module: Module) -> Mapping[str, Any]:
    """What a module holds now, if it is loaded."""
    return vars(sys.modules[module.name]) if module.name in sys.modules else {}
