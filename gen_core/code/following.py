"""The search for the code that a recipe or a function reaches, from name to name through all imports."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gen_core.code import bytecode, changes, findings, listening, locations, objects, reads, searching, source, values
from gen_core.code.findings import UNKNOWN, Node, Reached
from gen_core.code.listening import is_as_loaded, stamp_of
from gen_core.code.locations import file_digest, installed, source_file, version_of
from gen_core.code.reads import DRAWN, LOOKING_UP, read_at_run_time
from gen_core.code.searching import Standing
from gen_core.code.source import Definition, Module, Uses, chosen, read
from gen_core.code.values import class_without_source, standing_code, value_of

Seen = frozenset[tuple[str, str]]

KEYING = (bytecode, changes, findings, listening, locations, objects, reads, searching, source, values)
OWN = (*(module.__name__ for module in KEYING), __name__, f"{__package__}.fingerprint")
"""The modules that compute digests; no result depends on them."""

_met: dict[tuple[Path, str], Standing] = {}
"""Values of names that functions of their own module change, such as a cache, when they were first met."""

_first: dict[Path, tuple[Any, Module | None]] = {}
"""The source of each loaded module as it was loaded, with the module's spec, which a reload makes anew; None where it
was edited before it was first read here."""

_unknown: dict[int, Any] = {}
"""Objects that cannot be told by their id, kept so that no other one gets it."""


class Follower:
    """A search through names, from types and modules to all that they use."""

    def __init__(self, kinds: Iterable[type], strings: Iterable[str], packages: Iterable[str] = ()) -> None:
        # By name first: a test file is called otherwise when it is imported from elsewhere.
        self.kinds = sorted(
            {base for kind in kinds for base in kind.__mro__}, key=lambda k: (k.__qualname__, k.__module__)
        )
        # Packages that define recipes are followed even where they are installed.
        self.roots = {"gen_core", *packages} | {kind.__module__.partition(".")[0] for kind in kinds}
        self.found = Reached(strings=set(strings))
        self.tables: dict[Node, Iterable[str]] = {}
        self.modules: dict[str, Module | None] = {}

    def follow(self, nodes: list[Node]) -> Reached:
        """All that some names and the types reach."""
        for kind in self.kinds:
            nodes += self._of_type(kind)
        while nodes:
            while nodes:
                nodes += self._visit(nodes.pop())
            # All strings are known only once no name is left; an entry may add names and strings.
            for table, entries in self.tables.items():
                named = [(*table, key) for key in entries if key in self.found.strings]
                nodes += [node for node in named if node not in self.found.texts]
            nodes += self._count_what_is_set()
        return self.found

    def _of_type(self, kind: type) -> list[Node]:
        name, _, inner = kind.__qualname__.partition(".")
        module = self._module(kind.__module__)
        if kind.__module__ == "builtins" or (module is None and source_file(kind.__module__) is not None):
            return [*self._outside(kind.__module__)]
        whole = module is not None and name in module.bound
        there = getattr(sys.modules.get(kind.__module__), name, None)
        if not whole or "<locals>" in inner or (not inner and there is not kind):
            standing = class_without_source(kind)
            looked_up = sorted({f"{of} uses {each}" for of, each in standing.names if each in LOOKING_UP})
            self.found.reads += [each for each in looked_up if each.partition(" ")[0] not in DRAWN]
            unknown = [f"{UNKNOWN} {id(each)}" for each in standing.untold]
            _unknown.update((id(each), each) for each in standing.untold)
            self.found.texts[(kind.__module__, kind.__qualname__, "bytecode")] = "\n".join([standing.text, *unknown])
            self.found.lasting = False
            return [*standing.nodes, *([(kind.__module__, name)] if whole else [])]
        return [(kind.__module__, name)]

    def _visit(self, node: Node) -> list[Node]:
        if node in self.found.texts:
            return []
        if (module := self._module(node[0])) is None:
            return [*self._outside(node[0])] if len(node) == 1 else []
        before = [*self._around(module.name)]
        if len(node) == 1:
            self.found.texts[node] = ""
            names = [node for name in module.imports for node in self._resolve(module, (name,), Uses())]
            inner = [(name,) for name in [*sys.modules] if name.startswith(f"{module.name}.")]
            stars = [(star,) for star in module.stars]
            return [*before, *((module.name, name) for name in module.bound), *names, *stars, *inner]
        if len(node) == 2 and node[1] in module.tables:
            self.tables[node] = module.tables[node[1]]
            self.found.texts[node] = "a table"
            return before
        pieces = module.piece(*node[1:])
        if not node[1]:
            pieces += [module.of(d) for d in module.decorated if self._registers(module, d)]
        self.found.texts[node] = "\n".join(text for text, _ in pieces) + self._if_loaded(module, node)
        if node[1] and not _is_ours(module):
            origins = module.imports.get(node[1], [])
            if chosen(module.bound.get(node[1], ())):
                self.found.texts[node] += standing_code(module.name, node[1])
            imported = [f" from {name.rpartition('.')[2]} {taken}" for name, taken in origins]
            self.found.texts[node] += "".join([*imported, "\n"])
            self.found.reads += read_at_run_time(module, node[1])
            # Of a module that is imported as such, only what is used counts.
            as_such = {(of,) for name, taken in origins for of in (name, f"{name}.{taken}")}
            before += [each for each in self._take(node, self._value(module, node[1])) if each not in as_such]
        for _, used in pieces:
            self.found.strings |= used.strings
            chains = sorted(used.chains | {(name,) for name in used.imports})
            before += [found for chain in chains for found in self._resolve(module, chain, used)]
        return before

    def _registers(self, module: Module, definition: Definition) -> bool:
        """Whether a decorator of a definition is code that is followed, gen_core's aside, and may keep it somewhere."""
        roots = [
            ast.unparse(d.func if isinstance(d, ast.Call) else d).partition(".")[0] for d in definition.decorator_list
        ]
        nodes = [node for root in roots for node in self._resolve(module, (root,), Uses())]
        return any(node[0].partition(".")[0] != "gen_core" and not self._is_imported(node) for node in nodes)

    def _is_imported(self, node: Node) -> bool:
        """Whether a name stands in a module for what is from elsewhere, or is no name but all that it does."""
        module = self._module(node[0])
        return module is not None and len(node) == 2 and node[1] not in module.bound

    def _if_loaded(self, module: Module, node: Node) -> str:
        """A mark that no other process has on code that was edited after this process had loaded it."""
        spec = getattr(sys.modules.get(module.name), "__spec__", None)
        if spec is None:
            return ""
        if module.path not in _first or _first[module.path][0] is not spec:
            _first[module.path] = spec, module if is_as_loaded(module.path) else None
        first = _first[module.path][1]
        if first is None or (first is not module and _text(first, node) != _text(module, node)):
            return f" edited after it was loaded, {UNKNOWN}"
        return ""

    def _value(self, module: Module, name: str) -> Standing:
        """What a name stands for now; when it was first met, if its module changes it, or is imported only later."""
        standing = value_of(module.name, name)
        if name in module.changed or module.name not in sys.modules:
            self.found.changing[module.name, name] = module.changed.get(name, set())
            return _met.setdefault((module.path, name), standing)
        self.found.values[module.name, name] = standing.text
        return standing

    def _count_what_is_set(self) -> list[Node]:
        """Count names as they are now that only functions change which were not reached, such as a setter."""
        nodes: list[Node] = []
        for node, by in [*self.found.changing.items()]:
            if node[0] in sys.modules and not any((node[0], name) in self.found.texts for name in by):
                standing = value_of(*node)
                self.found.texts[node] += " now "
                self.found.values[node] = standing.text
                del self.found.changing[node]
                nodes += self._take(node, standing)
        return nodes

    def _take(self, node: Node, standing: Standing) -> Sequence[Node]:
        """Count what a name stands for; returns what it leads to."""
        self.found.texts[node] += standing.text
        self.found.untold |= {f"{node[1]} of {node[0]}"} if standing.untold else set()
        self.found.caches += standing.caches
        return standing.nodes

    def _around(self, module: str) -> Iterator[Node]:
        """The import-time side effects of a module and of its parent packages."""
        while module:
            yield (module, "")
            module = module.rpartition(".")[0]

    def _resolve(self, module: Module, chain: tuple[str, ...], used: Uses, seen: Seen = frozenset()) -> Iterator[Node]:
        """The definitions behind a dotted name in a module; `seen` holds the names on the way, as imports can cycle."""
        first, rest = chain[0], chain[1:]
        if first in module.bound or (first in _vars_of(module) and not _is_ours(module)):
            yield (module.name, first)
        for name, _ in used.imports.get(first, ()) if not _is_ours(module) else ():
            self._load(name)
        for origin in (*used.imports.get(first, ()), *module.imports.get(first, ())):
            yield from self._of_import(*origin, rest, seen)
        for star in module.stars:
            if (other := self._module(star)) is None:
                yield from self._outside(star)
            elif (star, first) not in seen:
                yield from self._resolve(other, chain, Uses(), seen | {(star, first)})

    def _of_import(self, name: str, taken: str, rest: tuple[str, ...], seen: Seen) -> Iterator[Node]:
        """The definitions behind an imported name and its attributes."""
        chain = (taken, *rest) if taken else rest
        module, found = self._module(name), False
        if module is not None:
            yield (name, "")
            if not chain:
                yield (name,)  # the module object itself is used, so all of it counts
                return
            if (name, chain[0]) not in seen:
                for node in self._resolve(module, chain, Uses(), seen | {(name, chain[0])}):
                    found = True
                    yield node
        if chain and source_file(inner := f"{name}.{chain[0]}") is not None:
            found = True
            yield from self._of_import(inner, "", chain[1:], seen)
        if module is None and not found:
            yield from self._outside(name, taken)
        elif module is not None and not found and (name, chain[0]) not in seen:
            yield (name,)  # what is made up there, as by its __getattr__

    def _outside(self, name: str, taken: str = "") -> Iterator[Node]:
        top = name.partition(".")[0]
        version = version_of(top) or file_digest(name)
        self.found.libraries |= {f"{name} {taken}".strip(), f"{top} is of version {version}"}
        yield from ()

    def _module(self, name: str) -> Module | None:
        """The parsed module, or None for one that is not followed."""
        if name not in self.modules:
            self.modules[name] = self._read(name)
        return self.modules[name]

    def _load(self, name: str) -> None:
        """Import a module that a function imports only when it runs: what its names stand for is not known before."""
        if name not in sys.modules and (path := source_file(name)) is not None and not installed(path):
            with contextlib.suppress(Exception):  # it may be meant to fail here
                importlib.import_module(name)

    def _read(self, name: str) -> Module | None:
        path = source_file(name)
        if path is None or name in OWN or (name.partition(".")[0] not in self.roots and installed(path)):
            return None
        try:
            self.found.files[path], self.found.modules[name] = stamp_of(path), str(path)
            return read(name, path)
        except (OSError, SyntaxError, ValueError, RecursionError):
            self.found.libraries.add(f"{name} is the file {hashlib.sha256(path.read_bytes()).hexdigest()}")
            return None


def _is_ours(module: Module) -> bool:
    return module.name.partition(".")[0] == "gen_core"


def _vars_of(module: Module) -> Mapping[str, Any]:
    """What a module holds now, if it is loaded."""
    return vars(sys.modules[module.name]) if module.name in sys.modules else {}


def _text(module: Module, node: Node) -> list[str]:
    try:
        return [text for text, _ in module.piece(*node[1:])]
    except KeyError:
        return []
