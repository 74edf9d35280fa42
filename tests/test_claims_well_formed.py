"""Every file in claims/ has the form of a claim."""

import textwrap
from pathlib import Path

import pytest

from fixtures import papers
from gen_core import Paper
from gen_core.plugin.well_formed import form_defects

CLAIMS = sorted((Path(__file__).parents[1] / "claims").glob("*.py"))
KEYS = [paper.key for paper in vars(papers).values() if isinstance(paper, Paper)]


def defects(name: str, source: str) -> list[str]:
    return [what for _, what in form_defects(name, source, KEYS)]


@pytest.mark.parametrize("file", CLAIMS, ids=lambda file: file.stem)
def test_claim_file_is_well_formed(file: Path):
    assert defects(file.name, file.read_text(encoding="utf-8")) == []


def test_the_example_of_the_docs_is_well_formed():
    docs = (Path(__file__).parents[1] / "docs/writing-claims.md").read_text(encoding="utf-8")
    example = docs.partition("```python\n")[2].partition("```")[0]
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
    (found,) = defects("test_statement.py", GOOD)
    assert found.startswith("named test_statement.py; expected one of test_nakkiran_<claim>.py, ")


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
