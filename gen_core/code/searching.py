"""What a value leads to, part by part: all that it holds, and the code behind it.

Functions and classes that stand where their source defines them count by that source, which is followed; any others by
their bytecode, and what they close over and use. Objects count with their state, or with what a copy would be made of.
"""

from __future__ import annotations

import contextvars
import enum
import functools
import hashlib
import sys
import threading
import types
from collections import deque
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import torch

from gen_core.code.bytecode import array_text, code_text, defined_at, names_in, stands_at
from gen_core.code.objects import PLAIN, bases_of, contents, held_by, holds_plain, is_generated, is_own, reduced_of

CONTAINERS = (list, tuple, set, frozenset, deque, dict, types.MappingProxyType)
NAMED = (
    types.BuiltinFunctionType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
    types.WrapperDescriptorType,
    types.MethodWrapperType,
)
"""Types of what only the interpreter makes, which counts by its name and by the object that it belongs to."""

LOCKS = (type(threading.Lock()), type(threading.RLock()), threading.Condition, threading.Event)
NOTED = ("__doc__", "__module__", "__qualname__", "__firstlineno__")
"""What the interpreter notes of a class."""

OF_MEMBERS = ("_value_", "_name_", "__objclass__", "_sort_order_")
"""What an enumeration notes of each of its members."""

MODULE = "\0"
"""Around the name of a module in a text, which may be another one in another process."""

DEEPEST, MOST = 40, 100_000
"""Levels, and parts in all, to which values are followed."""


@dataclass(frozen=True)
class Standing:
    """What something stands for.

    Attributes:
        text: its parts, a line each.
        nodes: (module, name) of functions and classes, and (module,) of modules, whose source is to be followed.
        names: (name of a function, name that its code uses) of functions that no source tells.
        untold: parts of which only the type can be told.
        mutable: containers among its parts, each with what it holds; None where other parts may change, too.
        caches: functions of one's own that keep what they have given, by `functools.cache`.
    """

    text: str
    nodes: Sequence[tuple[str, ...]] = ()
    names: frozenset[tuple[str, str]] = frozenset()
    untold: Sequence[Any] = ()
    mutable: Sequence[tuple[Any, tuple[Any, ...]]] | None = ()
    caches: Sequence[Any] = ()


class Search:
    """What a value leads to, part by part."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.nodes: list[tuple[str, ...]] = []
        self.names: set[tuple[str, str]] = set()
        self.untold: list[Any] = []
        self.mutable: list[tuple[Any, tuple[Any, ...]]] | None = []
        self.caches: list[Any] = []
        self.met: dict[int, tuple[str, Any]] = {}

    def standing(self) -> Standing:
        """All that was found."""
        text, names = "\n".join(self.lines), frozenset(self.names)
        return Standing(text, self.nodes, names, self.untold, self.mutable, self.caches)

    def add(self, name: str, text: str) -> None:
        """Note what a part is."""
        self.lines.append(f"{name} is {text}")

    def follow(self, name: str, value: Any, depth: int = 0) -> None:
        """Note what a value is, and all that it leads to."""
        if isinstance(value, enum.Enum):
            self.add(name, f"{type(value).__qualname__}.{value.name}")
            self._parts(name, {key: part for key, part in vars(value).items() if key not in OF_MEMBERS}, depth)
            value = value.value
        if type(value) in PLAIN:
            self.add(name, f"{type(value).__name__} {value!r}")
        elif depth > DEEPEST or len(self.lines) > MOST:
            self.untold.append(value)
        elif id(value) in self.met:
            self.add(name, f"the same as {self.met[id(value)][0]}")
        else:
            self.met[id(value)] = name, value  # kept, so that no other value gets its id
            try:
                self._follow(name, value, depth)
            except Exception:  # code of any library, which may refuse to be looked at
                self._cannot_tell(name, value)

    def _follow(self, name: str, value: Any, depth: int) -> None:
        if isinstance(value, np.ndarray) and value.dtype.hasobject:
            self._parts(name, {"shape": value.shape, "all": value.tolist()}, depth)
        elif isinstance(value, (torch.Tensor, np.ndarray, np.generic)):
            self.mutable = None
            self.add(name, array_text(value))
            self._parts(name, getattr(value, "__dict__", {}), depth)
        elif type(value) in CONTAINERS:
            self._of_container(name, value, depth)
        elif isinstance(value, types.ModuleType):
            self._of_module(name, value, depth)
        elif isinstance(value, type):
            self._of_type(name, value)
        elif isinstance(value, types.FunctionType):
            self._of_function(name, value, depth)
        elif isinstance(value, NAMED):
            self.add(name, f"{getattr(value, '__module__', '')} {value.__qualname__}")
            owner = getattr(value, "__self__", None)
            if not isinstance(owner, (types.ModuleType, types.NoneType)):
                self.follow(f"{name} of", owner, depth + 1)
        elif isinstance(value, (types.MethodType, staticmethod, classmethod)):
            self._parts(name, {"function": value.__func__, "self": getattr(value, "__self__", None)}, depth)
        elif isinstance(value, property):
            self._parts(name, {"get": value.fget, "set": value.fset, "delete": value.fdel}, depth)
        elif isinstance(value, functools.cached_property):
            self._parts(name, {"function": value.func}, depth)
        elif isinstance(value, functools._lru_cache_wrapper):
            self.mutable = None
            if is_own(value.__module__):
                self.caches.append(value)
            self._parts(name, {"function": value.__wrapped__}, depth)
        elif isinstance(value, LOCKS) or value is np.random.mtrand._rand:  # what they hold is no constant
            self.add(name, type(value).__qualname__)
        elif isinstance(value, contextvars.ContextVar):
            self.mutable = None
            self._parts(name, {"value": value.get(None)}, depth)
        elif isinstance(value, torch.jit.ScriptFunction):
            self.add(name, str(value.code))
        else:
            self._of_object(name, value, depth)

    def _of_module(self, name: str, module: types.ModuleType, depth: int) -> None:
        self.add(name, f"the module {module.__name__}")
        self.nodes.append((module.__name__,))
        if sys.modules.get(module.__name__) is not module:  # loaded by its path, or made by hand
            self._parts(name, {key: part for key, part in vars(module).items() if key[:2] != "__"}, depth)

    def _parts(self, name: str, parts: dict[str, Any], depth: int) -> None:
        for key, part in parts.items():
            if part is not None:
                self.follow(f"{name}.{key}" if name else key, part, depth + 1)

    def _of_container(self, name: str, value: Any, depth: int) -> None:
        kind = type(value).__name__
        if self.mutable is not None and not isinstance(value, (tuple, frozenset)):
            self.mutable.append((value, contents(value)))
        if isinstance(value, (set, frozenset)):
            value = sorted(value, key=repr)
        if holds_plain(value):
            self.add(name, f"{kind} {hashlib.sha256(repr(value).encode()).hexdigest()}")
            return
        self.add(name, f"{kind} of {len(value)}")
        items = value.items() if isinstance(value, (dict, types.MappingProxyType)) else enumerate(value)
        for i, (key, part) in enumerate(items):
            if not holds_plain(key):
                self.follow(f"{name}, key {i}", key, depth + 1)
            self.follow(f"{name}[{key!r}]" if holds_plain(key) else f"{name}[{i}]", part, depth + 1)

    def _of_object(self, name: str, value: Any, depth: int) -> None:
        kind, held = type(value), held_by(value)
        self.follow(f"type of {name}", kind, depth + 1)
        if not (is_dataclass(kind) and kind.__dataclass_params__.frozen):  # type: ignore[attr-defined]
            self.mutable = None
        if held is None or any(base is not object and not is_own(base.__module__) for base in bases_of(kind)):
            reduced = reduced_of(value)
            if isinstance(reduced, str):
                self.add(name, reduced)
            else:
                made, given, state, listed, keyed = (*reduced, None, None, None)[:5]
                held = {"made by": made, "given": given, "state": state, **(held or {})}
                held |= {"listed": listed and [*listed], "keyed": keyed and dict(keyed)}
        self._parts(name, held or {}, depth)

    def _cannot_tell(self, name: str, value: Any) -> None:
        self.add(name, f"of type {type(value).__qualname__}")
        self.untold.append(value)

    def _of_type(self, name: str, kind: type) -> None:
        self.add(name, f"the type {MODULE}{kind.__module__}{MODULE} {kind.__qualname__}")
        if stands_at(kind.__module__, kind.__qualname__) is kind:
            self.nodes.append((kind.__module__, kind.__qualname__.partition(".")[0]))
        elif is_own(kind.__module__):
            self.of_class(kind, whole=True)

    def of_class(self, kind: type, *, whole: bool = False) -> None:
        """The attributes and methods of a class; with `whole`, also what its source would tell, were there any."""
        self.mutable = None
        try:
            self._of_class(kind, whole)
        except Exception:  # a class of any library, or with a metaclass that refuses
            self._cannot_tell("", kind)

    def _of_class(self, kind: type, whole: bool) -> None:
        for base in kind.__mro__[1:]:
            if whole:
                self.follow(f"{kind.__qualname__} from", base)
            else:
                self.add("from", f"{MODULE}{base.__module__}{MODULE} {base.__qualname__}")
        if "__dataclass_fields__" in vars(kind):
            for each in fields(kind):
                held = {"default": each.default, "factory": each.default_factory}
                self._parts(each.name, {key: part for key, part in held.items() if part is not MISSING}, 1)
        for key, value in sorted(vars(kind).items()):
            inner = getattr(value, "__func__", value)
            noted = key in NOTED or key[:10] == "__annotate"
            if key[:2] == "__" and (noted or not isinstance(inner, (types.FunctionType, *PLAIN))):
                continue
            if not isinstance(value, types.MemberDescriptorType) and not key.startswith("_abc_"):
                if whole and isinstance(inner, types.FunctionType) and defined_at(inner):
                    self.met[id(inner)] = key, inner
                    self._whole_function(key, inner, 0)
                elif not is_generated(inner):
                    self.follow(key, value, 1)

    def _of_function(self, name: str, function: types.FunctionType, depth: int) -> None:
        self.mutable = None
        home = function.__globals__.get("__name__", "")
        known = defined_at(function)
        if known:
            self.nodes.append(known)
        if is_generated(function):
            self.add(name, function.__qualname__)
        elif known or not is_own(home):
            self.add(name, f"{MODULE}{home}{MODULE} {function.__code__.co_qualname}")
            if not known and home.partition(".")[0] == "gen_core":
                self.nodes.append((home, function.__code__.co_qualname.partition(".")[0]))
            self._around(name, function, depth)
        else:
            self._whole_function(name, function, depth)

    def _whole_function(self, name: str, function: types.FunctionType, depth: int) -> None:
        """A function that no source tells: its code, and whatever it uses by a name."""
        self.add(name, code_text(function.__code__))
        self._around(name, function, depth)
        names = names_in(function.__code__)
        self.names |= {(name, each) for each in names}
        for each in sorted(names):
            if each in function.__globals__:
                self._of_global(each, function.__globals__[each], names, depth)

    def _of_global(self, name: str, value: Any, names: frozenset[str], depth: int) -> None:
        """A global that code uses; of a module only what may be used of it."""
        if not isinstance(value, types.ModuleType):
            self.follow(name, value, depth + 1)
        elif id(value) not in self.met:
            self.met[id(value)] = name, value
            self.add(name, f"the module {value.__name__}")
            self.nodes.append((value.__name__,))
            for each in sorted(names & vars(value).keys()) if depth < DEEPEST else ():
                part = vars(value)[each]
                home = getattr(part, "__globals__", {}).get("__name__") or getattr(part, "__module__", None)
                if is_own(value.__name__) or isinstance(part, types.ModuleType) or is_own(str(home or "gen_core")):
                    self._of_global(f"{name}.{each}", part, names, depth + 1)

    def _around(self, name: str, function: types.FunctionType, depth: int) -> None:
        """What a function holds besides its code: what it closes over, and defaults and attributes of one's own."""
        held: dict[str, Any] = {}
        if is_own(function.__globals__.get("__name__", "")):
            held = {f"by default {i}": part for i, part in enumerate(function.__defaults__ or ())}
            held |= {f"by default {key}": part for key, part in (function.__kwdefaults__ or {}).items()}
            held |= {key: part for key, part in vars(function).items() if key not in ("__wrapped__", "pytestmark")}
        for around, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            if around != "__class__":
                held[f"around {around}"] = cell.cell_contents
        self._parts(name, held | {"wrapped": vars(function).get("__wrapped__")}, depth)
