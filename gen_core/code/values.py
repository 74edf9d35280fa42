"""What the names of a module stand for now: constants made at import, configuration, and what was put in their place.

Source tells how a constant is made, and not from which file or variable, nor what another module has made of it since.
"""

from __future__ import annotations

import sys
from typing import Any

from gen_core.code.bytecode import code_text, functions_behind
from gen_core.code.objects import contents
from gen_core.code.searching import Search, Standing

_known: dict[tuple[str, str], tuple[Any, Standing]] = {}
"""Names by module and name, what they last were, and what that stood for."""


def value_of(module: str, name: str) -> Standing:
    """What a name of a module stands for; nothing if the module is not loaded."""
    loaded = sys.modules.get(module)
    if loaded is None or name not in vars(loaded):
        return Standing("")
    value = vars(loaded)[name]
    known = _known.get((module, name))
    if known is not None and known[0] is value and _is_unchanged(known[1]):
        return known[1]
    search = Search()
    if isinstance(value, type) and value.__module__ == module:
        search.add("", value.__qualname__)
        search.of_class(value)
    else:
        search.follow("", value)
    _known[module, name] = value, search.standing()
    return _known[module, name][1]


def _is_unchanged(standing: Standing) -> bool:
    def same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
        return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))

    mutable = standing.mutable
    return mutable is not None and all(same(contents(value), parts) for value, parts in mutable)


def standing_code(module: str, name: str) -> str:
    """The bytecode of the function that stands under a name, or of the methods of the class; "" if it is none."""
    value = vars(sys.modules[module]).get(name) if module in sys.modules else None
    parts = vars(value).values() if isinstance(value, type) else [value]
    return "\n".join(code_text(each.__code__) for part in parts for each in functions_behind(part))


def class_without_source(kind: type) -> Standing:
    """What a class leads to that no source tells: all its methods and attributes by their bytecode and values."""
    search = Search()
    search.add("", kind.__qualname__)
    search.of_class(kind, whole=True)
    return search.standing()
