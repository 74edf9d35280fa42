"""The search for the code that a recipe or a function reaches, from name to name through all imports."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from gen_core.code import (
    bytecode,
    changes,
    findings,
    listening,
    locations,
    objects,
    reads,
    resolving,
    searching,
    source,
    values,
)
from gen_core.code.findings import UNKNOWN, Node, Reached
from gen_core.code.listening import is_as_loaded
from gen_core.code.locations import source_file
from gen_core.code.reads import DRAWN, LOOKING_UP, read_at_run_time
from gen_core.code.resolving import Names, is_ours
from gen_core.code.searching import Standing
from gen_core.code.source import Definition, Module, Uses, chosen
from gen_core.code.values import class_without_source, standing_code, value_of

KEYING = (bytecode, changes, findings, listening, locations, objects, reads, resolving, searching, source, values)
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
        roots = {"gen_core", *packages} | {kind.__module__.partition(".")[0] for kind in kinds}
        self.found = Reached(strings=set(strings))
        self.tables: dict[Node, Iterable[str]] = {}
        self.names = Names(roots, self.found, OWN)

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
        module = self.names.module(kind.__module__)
        if kind.__module__ == "builtins" or (module is None and source_file(kind.__module__) is not None):
            return [*self.names.outside(kind.__module__)]
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
        if (module := self.names.module(node[0])) is None:
            return [*self.names.outside(node[0])] if len(node) == 1 else []
        before = [*self._around(module.name)]
        if len(node) == 1:
            self.found.texts[node] = ""
            names = self.names.once(module, module.imports, lambda: self._imported(module))
            package = not is_ours(module) or module.path.name == "__init__.py"
            inner = [(name,) for name in [*sys.modules] if name.startswith(f"{module.name}.")] if package else []
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
        if node[1] and not is_ours(module):
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
            before += self.names.once(module, used, lambda used=used: self._led_to(module, used))
        return before

    def _imported(self, module: Module) -> list[Node]:
        """The definitions behind all names that a module imports."""
        return [node for name in module.imports for node in self.names.resolve(module, (name,), Uses())]

    def _led_to(self, module: Module, used: Uses) -> list[Node]:
        """The definitions behind all names that a piece of code uses, in the order in which they are visited."""
        chains = sorted(used.chains | {(name,) for name in used.imports})
        nodes = [found for chain in chains for found in self.names.resolve(module, chain, used)]
        return [*dict.fromkeys(reversed(nodes))][::-1]  # the last one is visited first

    def _registers(self, module: Module, definition: Definition) -> bool:
        """Whether a decorator of a definition is code that is followed, gen_core's aside, and may keep it somewhere."""
        return self.names.once(module, definition, lambda: self._is_kept_by(module, definition))

    def _is_kept_by(self, module: Module, definition: Definition) -> bool:
        roots = [
            ast.unparse(d.func if isinstance(d, ast.Call) else d).partition(".")[0] for d in definition.decorator_list
        ]
        nodes = [node for root in roots for node in self.names.resolve(module, (root,), Uses())]
        return any(node[0].partition(".")[0] != "gen_core" and not self._is_imported(node) for node in nodes)

    def _is_imported(self, node: Node) -> bool:
        """Whether a name stands in a module for what is from elsewhere, or is no name but all that it does."""
        module = self.names.module(node[0])
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


def _text(module: Module, node: Node) -> list[str]:
    try:
        return [text for text, _ in module.piece(*node[1:])]
    except KeyError:
        return []
