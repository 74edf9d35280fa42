"""The form of a file of claims: a statement, what is measured, controls, one expectation, tolerances with origins."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator

MOST_LINES = 100
MOST_HELPER_LINES = 10


def form_defects(name: str, source: str, papers: Iterable[str]) -> list[tuple[int, str]]:
    """What is wrong with the form of a claim file.

    Args:
        name: of the file.
        source: its text, which Python can parse.
        papers: keys of the papers that it may be named after, as they are or without their years.

    Returns:
        (line, what) of each defect, in the order of the lines.
    """
    tests = (told for test in _functions(source, tests=True) for told in _of_test(test, source))
    return sorted([*_of_file(name, source, papers), *tests])


def _of_file(name: str, source: str, papers: Iterable[str]) -> Iterator[tuple[int, str]]:
    prefixes = tuple(dict.fromkeys(f"test_{paper.rstrip('0123456789')}_" for paper in papers))
    if not name.startswith(prefixes):
        yield 1, f"named {name}; expected one of {', '.join(f'{prefix}<claim>.py' for prefix in prefixes)}"
    if not _measured(ast.get_docstring(ast.parse(source)) or ""):
        yield 1, "no paragraph 'Measured:' in the docstring of the file"
    if len(source.splitlines()) > MOST_LINES:
        yield MOST_LINES + 1, f"{len(source.splitlines())} lines; expected at most {MOST_LINES}"
    if not _functions(source, tests=True):
        yield 1, "no test; expected at least one"
    for function in _functions(source, tests=False):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > MOST_HELPER_LINES:
            yield (
                function.lineno,
                f"{function.name} has {lines} lines; expected at most {MOST_HELPER_LINES} outside of tests",
            )


def _of_test(test: ast.FunctionDef, source: str) -> Iterator[tuple[int, str]]:
    declared = next((d for d in test.decorator_list if isinstance(d, ast.Call) and _called(d) == "claim"), None)
    if declared is None:
        yield test.lineno, f"{test.name} is no claim; expected @claim(...)"
    elif not {"without", "not_reproduced"} & {keyword.arg for keyword in declared.keywords}:
        yield test.lineno, f"{test.name} has no control; expected `without`"
    own = ast.get_docstring(test)
    if own and not _measured(own):
        yield test.lineno, f"{test.name}: no paragraph 'Measured:' in its docstring"
    expectations = [n for n in ast.walk(test) if isinstance(n, ast.Call) and _called(n) == "expect"]
    if len(expectations) != 1:
        yield test.lineno, f"{test.name} has {len(expectations)} expect; expected one"
    constants = {
        target.id: node
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for limit in _limits(test):
        number = isinstance(limit, ast.Constant) and limit.value != 0  # zero needs no origin
        place = constants.get(limit.id) if isinstance(limit, ast.Name) else limit if number else None
        if place is not None and not _commented(place, source):
            yield limit.lineno, f"{test.name}: tolerance {ast.unparse(limit)} has no comment with its origin"


def _measured(statement: str) -> bool:
    return any(paragraph.startswith("Measured:") for paragraph in statement.split("\n\n"))


def _functions(source: str, *, tests: bool) -> list[ast.FunctionDef]:
    every = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    return [function for function in every if function.name.startswith("test") == tests]


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _limits(test: ast.FunctionDef) -> Iterator[ast.Name | ast.Constant]:
    """The names and numbers in what is called on an `expect`: its limits and its share, not the x of a sweep."""
    for call in (node for node in ast.walk(test) if isinstance(node, ast.Call)):
        method = call.func
        if (
            isinstance(method, ast.Attribute)
            and isinstance(method.value, ast.Call)
            and _called(method.value) == "expect"
        ):
            limits = call.args[method.attr.endswith("_in") :]
            for limit in (*limits, *(keyword.value for keyword in call.keywords)):
                yield from (node for node in ast.walk(limit) if isinstance(node, (ast.Name, ast.Constant)))


def _commented(node: ast.AST, source: str) -> bool:
    """Whether there is a comment on one of the node's lines, or one that ends in the line above."""
    comments = {
        token.start[0]: token.line.lstrip().startswith("#")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    first, last = node.lineno, node.end_lineno  # type: ignore[attr-defined]
    return comments.get(first - 1, False) or any(line in comments for line in range(first, last + 1))
