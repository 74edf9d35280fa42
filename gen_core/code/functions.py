"""The code behind a function: what a kept value depends on besides what the function is given."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any

from gen_core.code.findings import Reached
from gen_core.code.fingerprint import reached_from, types_of
from gen_core.code.locations import source_file
from gen_core.code.values import PLAIN, held_by

Node = tuple[str, str]


def code_behind(function: Callable[..., Any], *kinds: type) -> str:
    """Digest of the code that a function, and the types of what it is given, reach; "" where it cannot be followed.

    It can be where it is a top-level function or a method of a top-level class, or an instance of such a class that is
    a frozen dataclass, in a module with source; where no code that it reaches looks up files or the environment when it
    runs; and where no function of gen_core on the way has been replaced in this process.

    Cost: some tens of milliseconds for the first look at a function, then a look at the times of its files.
    """
    if is_dataclass(function) and not isinstance(function, type):
        found = reached_from((), (*kinds, *types_of(function)))
    else:
        node = _node_of(function)
        if node is None:
            return ""
        found = reached_from((node,), kinds)
    if not found.lasting or found.reads:
        return ""
    values = _values_of(found)
    return "" if values is None else f"{found.digest} {values}"


def _node_of(function: Any) -> Node | None:
    """Module and top-level name under which a function is found, or None."""
    module, name = str(getattr(function, "__module__", "")), str(getattr(function, "__qualname__", ""))
    if not isinstance(function, (types.FunctionType, types.MethodType)) or source_file(module) is None:
        return None
    there: Any = sys.modules.get(module)
    for part in name.split("."):
        there = getattr(there, part, None)
    # A decorator may have put it into something else, such as an `Assumption`.
    held = (there, getattr(there, "__wrapped__", None), *(held_by(there) or {}).values())
    return (module, name.partition(".")[0]) if any(each is function for each in held) else None


def _values_of(found: Reached) -> str | None:
    """Plain values of the names of gen_core that were reached, which tests may patch; None if code was replaced."""
    lines = []
    for node in found.texts:
        loaded = sys.modules.get(node[0])
        if len(node) != 2 or node[0].partition(".")[0] != "gen_core" or node[1] not in vars(loaded or object):
            continue
        value = vars(loaded)[node[1]]
        if isinstance(value, PLAIN):
            lines.append(f"{'.'.join(node)} = {value!r}")
        elif any(_replaced(each) for each in (vars(value).values() if isinstance(value, type) else [value])):
            return None
    return " ".join(sorted(lines))


def _replaced(value: Any) -> bool:
    """Whether it is a function, or holds one, that neither gen_core nor the standard library has put there."""
    function = getattr(value, "__func__", getattr(value, "fget", getattr(value, "func", value)))
    function = getattr(function, "__wrapped__", function)
    if not isinstance(function, types.FunctionType) or function.__code__.co_filename == "<string>":  # by `dataclass`
        return False
    return function.__module__.partition(".")[0] not in ("gen_core", *sys.stdlib_module_names)
