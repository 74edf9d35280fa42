"""Which constants of a module its own functions change, as they do with a cache or a counter."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
ADDING = ("add", "append", "appendleft", "extend", "insert", "setdefault", "update")
REMOVING = ("clear", "discard", "pop", "popitem", "remove")
"""Methods that change a container."""


def changed_names(bound: Mapping[str, Sequence[ast.stmt]]) -> frozenset[str]:
    """Names, of those that a module binds, that its functions may bind anew or change the content of."""
    found: set[str] = set()
    for statement in (each for statements in bound.values() for each in statements):
        for function in (node for node in ast.walk(statement) if isinstance(node, FUNCTIONS)):
            for node in ast.walk(function):
                found.update(node.names if isinstance(node, ast.Global) else [_changed_by(node)])
    return frozenset(found & set(bound))


def _changed_by(node: ast.AST) -> str:
    """The name whose content a node changes by a method, or by an assignment to a part; "" if it does not."""
    inner = None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        inner = node.func.value if node.func.attr in (*ADDING, *REMOVING) else None
    elif isinstance(node, (ast.Subscript, ast.Attribute)) and not isinstance(node.ctx, ast.Load):
        inner = node.value
    while isinstance(inner, (ast.Subscript, ast.Attribute)):
        inner = inner.value
    return inner.id if isinstance(inner, ast.Name) else ""
