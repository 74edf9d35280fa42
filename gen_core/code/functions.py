"""The code behind a function: what a kept value depends on besides what the function is given."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any
from weakref import WeakKeyDictionary

from gen_core.code.bytecode import GENERATED, defined_at, functions_behind
from gen_core.code.findings import Reached
from gen_core.code.fingerprint import reached_from, types_of
from gen_core.code.objects import PLAIN, is_own
from gen_core.code.values import value_of

_ours: WeakKeyDictionary[Reached, _Ours] = WeakKeyDictionary()


def code_behind(function: Callable[..., Any], *kinds: type) -> str:
    """Digest of the code that a function, and the types of what it is given, reach; "" where it cannot be followed.

    It can be where it is a top-level function or a method of a top-level class, or an instance of such a class that is
    a frozen dataclass, in a module with source; where no code that it reaches looks up files or the environment when it
    runs; where every value on the way can be told; and where no function of gen_core has been replaced in this process.

    Cost: some tens of milliseconds for the first look at a function, then a look at the times of its files.
    """
    if isinstance(function, type):
        found = reached_from((), (*kinds, function))
    elif is_dataclass(function):
        found = reached_from((), (*kinds, *types_of(function)))
    elif isinstance(function, types.FunctionType) and (node := defined_at(function)):
        found = reached_from((node,), kinds)
    else:
        return ""
    if not found.lasting or found.reads or found.untold:
        return ""
    values = _values_of(found)
    found.forget()
    changing = [value_of(*each) for each in sorted(found.changing)]
    if values is None or any(each.untold for each in changing):
        return ""
    return " ".join([found.digest, values, *(each.text for each in changing)])


class _Ours:
    """What the names of gen_core that were reached stand for, which tests may patch.

    Attributes:
        text: their plain values; None if code was replaced.
    """

    def __init__(self, found: Reached) -> None:
        names = [node for node in found.texts if len(node) == 2 and node[0].partition(".")[0] == "gen_core"]
        self.modules = {module: sys.modules.get(module) for module, _ in names}
        self.places = []
        for module, name in names:
            if (loaded := self.modules[module]) is not None and name in vars(loaded):
                self.places.append((vars(loaded), module, name, vars(loaded)[name]))
        values = [value for *_, value in self.places]
        self.classes = [(value, dict(vars(value))) for value in values if isinstance(value, type)]
        parts = [*values, *(part for _, held in self.classes for part in held.values())]
        plain = [f"{module}.{name} = {value!r}" for _, module, name, value in self.places if isinstance(value, PLAIN)]
        self.text = None if any(map(_replaced, parts)) else " ".join(sorted(plain))

    def stands(self) -> bool:
        """Whether they still stand for the same. Cost: some tens of microseconds."""
        return (
            all(sys.modules.get(name) is module for name, module in self.modules.items())
            and all(space.get(name) is value for space, _, name, value in self.places)
            and all(vars(kind) == held for kind, held in self.classes)
        )


def _values_of(found: Reached) -> str | None:
    """Plain values of the names of gen_core that were reached; None if code was replaced."""
    ours = _ours.get(found)
    if ours is None or not ours.stands():
        ours = _ours[found] = _Ours(found)
    return ours.text


def _replaced(value: Any) -> bool:
    """Whether it is, or holds, a mock or a function that neither gen_core nor a library has put there."""
    home = type(value).__module__
    for function in functions_behind(value):
        home = str(function.__globals__.get("__name__", ""))
        if is_own(home):
            return not function.__code__.co_qualname.startswith(GENERATED)
    return home.startswith("unittest")
