"""Formulas: those of all claims are typeset, and nothing in one is markup or code."""

from __future__ import annotations

from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

import pytest
from markupsafe import escape

from gen_core import Case
from reports.formulas import ATTRIBUTES, LONGEST, UNBROKEN, mathml, quantity, typeset, with_quantity

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


HOSTILE = [
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
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(text: str) -> None:
    markup = mathml(text)
    assert not [part for part in ("<script", "<img", "<b>", "href=", "style=", "class=", "onclick=") if part in markup]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_is_text_and_layout_alone(text: str) -> None:
    class Seen(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list) -> None:
            kinds.add(tag)
            names.update(name for name, _ in attrs)

    kinds, names = set[str](), set[str]()
    Seen().feed(typeset(f"{text} ${text}$ {text}"))
    assert all(kind.startswith("m") for kind in kinds)
    assert names <= ATTRIBUTES | {"alttext"}


def test_a_name_is_its_text_with_formulas_between() -> None:
    shown = typeset(r"<b>norm</b> $\|W\|_F$ & \$5")
    head, math, tail = str(shown).replace("</math>", "<math").split("<math")
    assert (head, tail) == ("&lt;b&gt;norm&lt;/b&gt; ", " &amp; $5")
    assert 'alttext="|W|_F"' in math
    assert "xmlns" not in math


@pytest.mark.parametrize("name", ["|w - w+| / |w+|", "<i>a</i> & b", "from $5 to $6", ""])
def test_a_plain_name_is_its_text(name: str) -> None:
    assert typeset(name) == escape(name)


def test_what_cannot_be_typeset_is_plain_text() -> None:
    assert typeset(r"$\nosuch{x}$ <b>") == r"$\nosuch{x}$ &lt;b&gt;"
    assert typeset(r"$\nicefrac{a}{b}$ of $x$").startswith("nicefrac(a, b) of <math")
    long = "$" + "+".join("x" * (UNBROKEN // 2 + 1)) + "$"
    assert typeset(long) == long.strip("$")  # no line of a telephone holds it
    assert typeset("$x$ " + "word " * 200, 20) == "x word word word wo…"


def test_functions_and_norms_are_spaced_as_in_print() -> None:
    def row(latex: str) -> list[tuple[str, str | None, str | None]]:
        found = ElementTree.fromstring(mathml(latex, "inline"))[0]
        return [(node.text or "", node.get("lspace"), node.get("rspace")) for node in found]

    assert row(r"d \log d") == [("d", None, None), ("log", "0.17em", "0.17em"), ("d", None, None)]
    assert row(r"\min(a)")[0] == ("min", "0", "0")
    assert [(lspace, rspace) for text, lspace, rspace in row(r"\|x\|") if text == "‖"] == [("0", "0")] * 2


def test_a_quantity_and_a_sentence_that_begins_with_it(case) -> None:
    plain = case("norm", "plain", measured="R^2 <b>")
    formula = case("norm", "formula", measured="|W|_F <b>", typeset=r"$\|W\|_F$ <b>")
    assert (quantity(plain), with_quantity(plain, "R^2 <b>: low")) == ("R^2 &lt;b&gt;", "R^2 &lt;b&gt;: low")
    assert quantity(formula).startswith("<math alttext")
    assert with_quantity(formula, "|W|_F <b>: <low>") == quantity(formula) + ": <low>"
    assert with_quantity(formula, "Not run: |W|_F <b>") == "Not run: |W|_F &lt;b&gt;"


def test_a_word_in_a_formula_is_one_element() -> None:
    math = ElementTree.fromstring(mathml(r"f_{\mathrm{lin1}}^2", "inline"))
    assert [(node.tag, node.text) for node in math[0][0]] == [("mi", "f"), ("mi", "lin1"), ("mn", "2")]
