"""Formulas: those of all claims are typeset, and nothing in one is markup or code."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gen_core import Case
from reports.formulas import LONGEST, mathml

CLAIMS = sorted((Path(__file__).parents[2] / "claims").glob("test_*.py"))


def formulas() -> dict[str, str]:
    """Test -> formula of every claim that has one."""
    found = {}
    for file in CLAIMS:
        for name, test in vars(import_module(f"claims.{file.stem}")).items():
            for mark in getattr(test, "pytestmark", []):
                case = mark.args[1][0].values[0] if mark.name == "parametrize" else None
                if isinstance(case, Case) and case.claim.formula:
                    found[name] = case.claim.formula
    return found


def test_the_formula_of_every_claim_is_typeset() -> None:
    found = formulas()
    assert len(found) > 25
    assert [name for name, formula in found.items() if not mathml(formula)] == []


def test_a_formula_becomes_elements() -> None:
    math = ElementTree.fromstring(mathml(r"\frac{a}{b} < \|w\|_F^{-1}"))
    kinds = {node.tag.rpartition("}")[2] for node in math.iter()}
    assert {"mfrac", "msubsup"} <= kinds
    assert "".join(math.itertext()) == "ab<‖w‖F−1"


@pytest.mark.parametrize(
    "text", [r"\nosuchcommand x", "{" * 5000, r"\frac", "x" * (LONGEST + 1), r"\begin{matrix}", r"a^{", "\\", r"\left("]
)
def test_what_is_no_whole_formula_is_left_as_text(text: str) -> None:
    assert mathml(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        r"\text{<script>alert(1)</script>}",
        r"\text{&lt;img src=x onerror=alert(1)&gt;}",
        "<b>x</b>",
        "a & b",
        "\x00\ud800",
        r"\href{javascript:alert(1)}{x}",
        r"\style{color:red}{x}",
        r'\color{red" onclick="x}{y}',
        r"\class{a}{x}",
        "汉字",
    ],
)
def test_hostile_text_is_text(text: str) -> None:
    markup = mathml(text)
    assert not [part for part in ("<script", "<img", "<b>", "href=", "style=", "class=", "onclick=") if part in markup]
