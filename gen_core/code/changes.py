"""Which constants of a module its own functions change, as they do with a cache or a counter."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
ADDING = ("add", "append", "appendleft", "extend", "insert", "setdefault", "update")
REMOVING = ("clear", "discard", "pop", "popitem", "remove")
"""Methods that change a container."""


def changed_names(bound: Mapping[str, Sequence[ast.stmt]]) -> dict[str, set[str]]:
    """Names that functions of their module may bind anew or change the content of: name -> names of these functions."""
    found: dict[str, set[str]] = {}
    for owner, statement in ((owner, each) for owner, statements in bound.items() for each in statements):
        for function in (node for node in ast.walk(statement) if isinstance(node, FUNCTIONS)):
            for node in ast.walk(function):
                for name in node.names if isinstance(node, ast.Global) else [_changed_by(node)]:
                    if name in bound:
                        found.setdefault(name, set()).add(owner)
    return found


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
