"""A digest of the code that a recipe reaches: what a stored result depends on besides its recipe.

Code is followed statically. Starting from the types of a recipe, and from whole modules, every top-level name in use is
followed through all imports: functions, classes with their bases, and constants. Definitions that nothing uses do not
count, nor do comments, docstrings and annotations.

The search covers gen_core, the packages that define the recipe's types, and every module outside the library folders;
any other package counts by its version. A type without source, such as one defined at a prompt, counts by its bytecode;
where bytecode is not enough, as with a closure over an object, the digest is unique to this process.

Outside gen_core, names count with their values too (`gen_core.code.values`): a constant may come from a file, and be
changed by another module. Nothing else that is dynamic is followed: names that are built at run time, and what a
function reads whenever it runs, of which `Reached.reads` tells.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Any

from gen_core.code.findings import Node, Reached
from gen_core.code.following import Follower
from gen_core.recipe import all_within, is_recipe, recipes_within

_known: dict[tuple[Any, ...], Reached] = {}


def code_of(recipe: Any, *modules: str) -> str:
    """Digest of the code that a recipe's types (nested recipes included) and some whole modules reach.

    Cost: about a second for the first recipe of a process, later only new code, and a look at the files' times.

    Args:
        recipe: a recipe, or a tuple of recipes and builtins.
        modules: dotted names of modules that count as a whole.
    """
    order, strings = _held_by(recipe)
    names = Counter(kind.__qualname__ for kind in {*order})
    twins = [reached_from((), (kind,)).digest for kind in order if names[kind.__qualname__] > 1]
    found = _found([(name,) for name in modules], frozenset(order), strings).digest
    return hashlib.sha256(" ".join([found, *twins]).encode()).hexdigest() if twins else found


def reached(recipe: Any, *modules: str) -> Reached:
    """The code behind the digest of `code_of`."""
    kinds, strings = _held_by(recipe)
    return _found([(name,) for name in modules], frozenset(kinds), strings)


def reached_from(names: Iterable[tuple[str, str]], kinds: Iterable[type]) -> Reached:
    """The code behind top-level names, each (module, name), and types."""
    return _found([*names], frozenset(kinds), frozenset())


def _found(nodes: list[Node], kinds: frozenset[type], strings: frozenset[str]) -> Reached:
    key = (kinds, strings, *nodes)
    found = _known.get(key)
    if found is None or found.stale():
        packages = {node[0].partition(".")[0] for node in nodes if node[1:]}
        found = _known[key] = Follower(kinds, strings, packages).follow(nodes)
    return found


def types_of(recipe: Any) -> set[type]:
    """The types of a recipe, or a tuple of recipes, and of those within."""
    return {type(part) for part in recipes_within(recipe)}


def _held_by(recipe: Any) -> tuple[list[type], frozenset[str]]:
    """Those types in the order of the recipe, as often as they occur, and all strings."""
    parts = [*all_within(recipe)]
    kinds = [type(part) for part in parts if is_recipe(part)]
    return kinds, frozenset(part for part in parts if isinstance(part, str))
