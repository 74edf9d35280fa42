"""The code that a search has reached, and whether it is still what was read."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from gen_core.code.listening import stamp_of
from gen_core.code.searching import MODULE
from gen_core.code.values import value_of

_NAMED = re.compile(f"{MODULE}([^{MODULE}]*){MODULE}")

Node = tuple[str, ...]
"""(module,) for a whole module, (module, name) or (module, table, key)."""

UNKNOWN = os.urandom(16).hex()
"""A stand-in for what has no stable text, different in every process, so that no stored result matches it."""


@dataclass(eq=False)
class Reached:
    """The code that a search has reached: source text by name, the files it is from, and the libraries it uses.

    `values` are those of names that may change after the import, but `changing` those that functions on the way change,
    as they do a cache, which count as they were first met; `untold` are names of which only the type can be told,
    `caches` functions that keep what they gave; `reads` what code outside gen_core looks up whenever it runs. `lasting`
    is False where it holds bytecode, whose surroundings may change unseen.
    """

    texts: dict[Node, str] = field(default_factory=dict)
    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    libraries: set[str] = field(default_factory=set)
    strings: set[str] = field(default_factory=set)
    values: dict[tuple[str, str], str] = field(default_factory=dict)
    changing: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    untold: set[str] = field(default_factory=set)
    caches: list[Any] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    lasting: bool = True

    @cached_property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of all that was reached."""
        # Modules are numbered in the order of the search: the name of a test module depends on pytest's root directory.
        place = {name: str(i) for i, name in enumerate(dict.fromkeys(node[0] for node in self.texts))}
        texts = {node: _NAMED.sub(lambda name: place.get(name[1], name[1]), text) for node, text in self.texts.items()}
        lines = [f"{place[node[0]]} {' '.join(node[1:])}\n{text}" for node, text in texts.items()]
        return hashlib.sha256("\n".join(sorted([*lines, *self.libraries])).encode()).hexdigest()

    def forget(self) -> None:
        """Empty the caches, which may hold what was computed from values that have changed since."""
        for cache in self.caches:
            cache.cache_clear()

    def stale(self) -> bool:
        """Whether a file or a value has changed since it was read, or what was reached does not last."""
        try:
            # By no generators, which take as long as what they look at: this is asked at every draw.
            if not self.lasting:
                return True
            for path, stamp in self.files.items():
                if stamp_of(path) != stamp:
                    return True
            for name, file in self.modules.items():
                if _file_of(name) not in (None, file):
                    return True
            return any(value_of(*node).text != value for node, value in self.values.items())
        except OSError:
            return True


def _file_of(module: str) -> str | None:
    """The file that a loaded module is from, which may be another one than its namesake's before; None if it is not."""
    return getattr(sys.modules.get(module), "__file__", None)
