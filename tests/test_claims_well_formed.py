"""Every file in claims/ has the form of a claim."""

import ast
import io
import textwrap
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures import papers
from gen_core import Paper

CLAIMS = sorted((Path(__file__).parents[1] / "claims").glob("*.py"))
PREFIXES = tuple(f"test_{p.key.rstrip('0123456789')}_" for p in vars(papers).values() if isinstance(p, Paper))
MOST_LINES = 100
MOST_HELPER_LINES = 10


def defects(name: str, source: str) -> list[str]:
    """What is wrong with the form of a claim file, each as one line."""
    return [
        *_of_file(name, source),
        *(told for test in _functions(source, tests=True) for told in _of_test(test, source)),
    ]


def _of_file(name: str, source: str) -> Iterator[str]:
    if not name.startswith(PREFIXES):
        yield f"named {name}; expected one of {', '.join(f'{prefix}<claim>.py' for prefix in PREFIXES)}"
    if not _measured(ast.get_docstring(ast.parse(source)) or ""):
        yield "no paragraph 'Measured:' in the docstring of the file"
    if len(source.splitlines()) > MOST_LINES:
        yield f"{len(source.splitlines())} lines; expected at most {MOST_LINES}"
    if not _functions(source, tests=True):
        yield "no test; expected at least one"
    for function in _functions(source, tests=False):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > MOST_HELPER_LINES:
            yield f"{function.name} has {lines} lines; expected at most {MOST_HELPER_LINES} outside of tests"


def _of_test(test: ast.FunctionDef, source: str) -> Iterator[str]:
    declared = next((d for d in test.decorator_list if isinstance(d, ast.Call) and _called(d) == "claim"), None)
    if declared is None:
        yield f"{test.name} is no claim; expected @claim(...)"
    elif not {"without", "not_reproduced"} & {keyword.arg for keyword in declared.keywords}:
        yield f"{test.name} has no control; expected `without`"
    own = ast.get_docstring(test)
    if own and not _measured(own):
        yield f"{test.name}: no paragraph 'Measured:' in its docstring"
    expectations = [n for n in ast.walk(test) if isinstance(n, ast.Call) and _called(n) == "expect"]
    if len(expectations) != 1:
        yield f"{test.name} has {len(expectations)} expect; expected one"
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
            yield f"{test.name}: tolerance {ast.unparse(limit)} has no comment with its origin"


def _measured(statement: str) -> bool:
    return any(paragraph.startswith("Measured:") for paragraph in statement.split("\n\n"))


def _functions(source: str, *, tests: bool) -> list[ast.FunctionDef]:
    every = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    return [function for function in every if function.name.startswith("test") == tests]


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


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


@pytest.mark.parametrize("file", CLAIMS, ids=lambda file: file.stem)
def test_claim_file_is_well_formed(file: Path):
    assert defects(file.name, file.read_text(encoding="utf-8")) == []


def test_the_example_of_the_readme_is_well_formed():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    example = readme.partition("```python\n")[2].partition("```")[0]
    assert defects("test_theory_iii_zero_start.py", example) == []


def test_there_are_claims():
    assert CLAIMS


GOOD = textwrap.dedent('''\
    """A statement.

    Measured: a distance.
    """

    TOLERANCE = 1e-10  # rounding leaves 1e-15

    @claim(cite=PAPER.at("1"), given=setting, assuming=(zero,), without={zero: other})
    def test_a_statement(run: Run) -> None:
        w = run.w

        expect(distance(w), "distance").at_most(TOLERANCE)
''')
ABOVE = "# rounding leaves 1e-15\nTOLERANCE = 1e-10"


def test_a_good_file_has_no_defects():
    assert defects("test_theory_iii_statement.py", GOOD) == []
    assert (
        defects("test_theory_iii_statement.py", GOOD.replace("TOLERANCE = 1e-10  # rounding leaves 1e-15", ABOVE)) == []
    )
    assert defects("test_theory_iii_statement.py", GOOD.replace("at_most(TOLERANCE)", "at_least(0)")) == []


def test_a_file_must_carry_its_papers_name():
    assert defects("test_statement.py", GOOD)[0].startswith(
        "named test_statement.py; expected one of test_nakkiran_<claim>"
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("Measured: a distance.", "About a distance.", "no paragraph 'Measured:' in the docstring of the file"),
        ("    w = run.w", '    """Else."""', "test_a_statement: no paragraph 'Measured:' in its docstring"),
        (", without={zero: other}", "", "test_a_statement has no control; expected `without`"),
        ("@claim(", "@other(", "test_a_statement is no claim; expected @claim(...)"),
        ("w = run.w", "expect(run.w, 'w').at_most(0)", "test_a_statement has 2 expect; expected one"),
        ("expect(distance(w), ", "judge(distance(w), ", "test_a_statement has 0 expect; expected one"),
        ("  # rounding leaves", "\nR = '# rounding'  # leaves", "test_a_statement: tolerance TOLERANCE has no comment"),
        ("  # rounding leaves 1e-15", "", "test_a_statement: tolerance TOLERANCE has no comment with its origin"),
        ("at_most(TOLERANCE)", "at_most(2 * 0.5)", "test_a_statement: tolerance 2 has no comment with its origin"),
        ("at_most(TOLERANCE)", "decays_in(X, exponent_at_most=-0.5)", "test_a_statement: tolerance 0.5 has no comment"),
        ("at_most(TOLERANCE)", "mostly_at_most(0, share=0.9)", "test_a_statement: tolerance 0.9 has no comment with"),
        ("def test_a_statement", "def a_statement", "no test; expected at least one"),
        (
            "@claim",
            "def f():\n" + "    g()\n" * 10 + "\n@claim",
            "f has 11 lines; expected at most 10 outside of tests",
        ),
        ("    w = run.w", "    w = run.w\n" * 90, "102 lines; expected at most 100"),
    ],
)
def test_a_defect_is_found(old: str, new: str, expected: str):
    assert old in GOOD
    found = defects("test_theory_iii_statement.py", GOOD.replace(old, new))
    assert any(line.startswith(expected) for line in found), found
