"""Executable claims about generalization: declare, train, judge. `gen_core.index` is the public vocabulary.

The index, and torch with it, is imported when a name of it is first asked for, since pytest imports this package in
every project of its environment, also where there are no claims.
"""

from __future__ import annotations

import importlib
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gen_core.index import *  # noqa: F403


def __getattr__(name: str) -> Any:
    """A module of this package, without the index; or a name of the index, or its `__all__`."""
    if name == "__all__" or not name.startswith("_"):
        if PathFinder.find_spec(f"{__name__}.{name}", __path__):  # noqa: F405
            return importlib.import_module(f"{__name__}.{name}")
        index = importlib.import_module("gen_core.index")
        if name in ("__all__", *getattr(index, "__all__", ())):
            return getattr(index, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    return __getattr__("__all__")
