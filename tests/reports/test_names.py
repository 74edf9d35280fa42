"""Names with formulas from a claim to its reader: typeset on pages and in figures, plain for terminals and programs."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fixtures import papers
from gen_core import Paper
from gen_core.records import Curve, Figure, Mark, Panel, has_formula, name_defect, pieces, plain_name
from reports.figures import draw_panels
from reports.formulas import typeset
from reports.labels import alternative
from reports.load import load_run
from reports.publish import publish
from reports.rows import page_name
from tests.reports.markup import Page

ROOT = Path(__file__).parents[2]
CLAIM = r"""
from gen_core.records import Curve, Figure, Panel, Reported, Statement

FOREIGN = Paper(
    key="foreign", authors="Doe", title="On <b>Norms</b>", year=2020,
    statements=(Statement("1", "section 1", r"The norm is of order $\sqrt{n}$."),),
)

def drawn(run):
    panel = Panel(xlabel="step", ylabel=r"$\|W\|_F$", curves=[Curve(x=[1, 2], y=[1, 2], label=r"$\lambda_1$")])
    reported = [Reported(what=r"exponent of $\|W\|_F$", paper="at most $-1$", here="-2")]
    return Figure(title=r"Growth of $\|W\|_F$", panels=[panel], paper=r"of order $\sqrt{n}$", reported=reported)

@claim(**{**TOY, "cite": FOREIGN.at("section 1", "1"), "figure": drawn})
def test_norm(run):
    expect(loss(run), NAME).at_most(0.5)
"""
NAME, PLAIN = r"$\|W\|_F$ over $\sqrt{n}$, <script>", "|W|_F over sqrt(n), <script>"


def test_a_quantity_of_anyone_s_claim_is_typeset_for_readers_and_plain_for_programs(suite, tmp_path: Path) -> None:
    suite.claims(CLAIM.replace("NAME", f'r"{NAME}"'))
    assert suite.run().ret == 0
    case = suite.cases["test_norm[given]"]
    assert (case.measured, case.typeset) == (PLAIN, NAME)

    publish(load_run(suite.folder), tmp_path, None)
    written = (tmp_path / "claims" / page_name(case.nodeid)).read_text(encoding="utf-8")
    page = Page(tmp_path / "claims" / page_name(case.nodeid))
    shown = [of["alttext"] for of in page.attributes if of[""] == "math"]
    assert shown.count("|W|_F") == 6  # two reasons, the facts, the table of seeds, the figure and what is beside it
    assert {"sqrt(n)", "-1"} <= set(shown)
    assert "&lt;script&gt;: the upper bound" in written
    assert "$" not in page.text
    (figure,) = [of["aria-label"] for of in page.attributes if "|W|_F over step" in (of.get("aria-label") or "")]
    assert figure == "|W|_F over step"
    for of_paper in (tmp_path / "papers").glob("*.html"):
        assert "sqrt(n)" in [of["alttext"] for of in Page(of_paper).attributes if of[""] == "math"]
    assert "The norm is of order sqrt(n)." in (tmp_path / "index.html").read_text(encoding="utf-8")
    for name in ("gallery.html", "cases.html"):
        assert 'alttext="|W|_F"' in (tmp_path / name).read_text(encoding="utf-8")

    (junit,) = [
        of.get("value")
        for test in ElementTree.parse(tmp_path / "junit.xml").iter("testcase")
        if test.get("name") == "test_norm[given]"
        for of in test.iter("property")
        if of.get("name") == "measured"
    ]
    assert junit == PLAIN
    records = json.loads((tmp_path / "records.json").read_text(encoding="utf-8"))
    assert {one["measured"] for one in records["cases"]} == {PLAIN}
    crate = (tmp_path / "ro-crate-metadata.json").read_text(encoding="utf-8")
    assert "The norm is of order sqrt(n)." in crate
    assert "$" not in crate


def test_a_terminal_has_the_plain_text(suite) -> None:
    suite.claims(CLAIM.replace("NAME", f'r"{NAME}"').replace("at_most(0.5)", "at_least(9)"))
    result = suite.run("-k", "given")
    assert suite.cases["test_norm[given]"].reason.startswith(f"{PLAIN} is 0.0")
    assert [line for line in result.outlines if f"{PLAIN} is 0.0" in line]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (r'r"$\nosuch{W}$"', r"name of what test_norm expects: $\nosuch{W}$ is no formula: \nosuch is not known"),
        (r'name=r"$\|W\|_F"', r"name of what test_norm expects: a dollar sign without its partner; expected LaTeX"),
    ],
)
def test_a_formula_that_is_no_latex_is_told_in_one_line_when_it_is_collected(suite, name, told) -> None:
    suite.claims(CLAIM.replace("NAME", name))
    result = suite.run()
    assert result.ret != 0
    told_in = [line for line in result.outlines if told in line and not line.startswith("ERROR ")]  # the summary, in CI
    assert len(told_in) == 1
    assert "Traceback" not in result.stdout.str()


def test_one_that_the_source_does_not_show_is_an_error_of_its_case(suite) -> None:
    suite.claims(CLAIM.replace("NAME", '"$" + "{W$"'))
    suite.run("-k", "given")
    case = suite.cases["test_norm[given]"]
    assert (case.verdict, case.measured) == ("ERROR", "")
    assert case.reason == ("name of what is expected: ${W$ is no formula: Unexpected end of stream, was expecting '}'")


def test_one_in_a_figure_costs_the_figure_and_no_verdict(suite) -> None:
    suite.claims(CLAIM.replace("NAME", '"loss"').replace(r"$\lambda_1$", r"$\lamda_1$"))
    assert suite.run("-k", "given").ret == 0
    case = suite.cases["test_norm[given]"]
    assert (case.verdict, case.figure) == ("HOLDS", None)
    assert r"curve '$\\lamda_1$': $\lamda_1$ is no formula: \lamda is not known" in case.settings["figure"]


def strings(file: Path) -> Iterator[str]:
    """The strings of a module that hold a formula, with "1" for what is filled in, and without docstrings."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    within = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "1" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in within:
            yield node.value


def written() -> list[str]:
    """Every name with a formula in claims, fixtures and examples, and every such statement."""
    files = [file for folder in ("claims", "fixtures", "examples") for file in sorted((ROOT / folder).rglob("*.py"))]
    named = [name for file in files for name in strings(file) if "$" in name]
    listed = [one.says for paper in vars(papers).values() if isinstance(paper, Paper) for one in paper.statements]
    return list(dict.fromkeys([*named, *(name for name in listed if "$" in name)]))


def test_every_name_of_the_repository_is_typeset_on_pages_and_in_figures() -> None:
    found = written()
    assert len(found) > 120
    for name in found:
        assert (name_defect(name), has_formula(name)) == ("", True), name
        assert "\\" not in plain_name(name), name
        assert typeset(name).count("<math ") == sum(formula for formula, _ in pieces(name)), name


def test_every_short_name_of_the_repository_is_drawn_as_a_formula() -> None:
    short = [name for name in written() if len(plain_name(name)) <= 70]
    assert len(short) > 90
    for name in short:
        (svg,) = draw_panels(Figure(title="", panels=[Panel(xlabel=name, ylabel="y", curves=[])]))
        texts = "".join(
            element.text or "" for element in ElementTree.fromstring(svg).iter() if element.tag[-4:] == "text"
        )
        assert "".join(plain_name(name).split()) not in "".join(texts.split()), name


def test_a_label_with_a_formula_is_outlines_and_has_its_plain_text_beside() -> None:
    curve = Curve(x=[1.0, 2.0], y=[1.0, 2.0], label="$f_0$")
    panel = Panel(
        title=r"$\mathbb{E}$ <b> \$5", xlabel=r"$\langle x, x'\rangle$", ylabel="in $5",
        curves=[curve], marks=[Mark(at=1.5, label="plain")],
    )  # fmt: skip
    (svg,) = draw_panels(Figure(title="", panels=[panel]))
    root = ElementTree.fromstring(svg)
    texts = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert {"in $5", "plain"} <= set(texts)
    assert "tspan" not in svg
    assert not any("f" in (text or "") or "x" in (text or "") for text in texts)
    assert root.get("aria-label") == alternative(panel) == "E <b> $5: in $5 over <x, x'>"


def test_what_mathtext_does_not_know_is_drawn_as_plain_text() -> None:
    name = r"$\nicefrac{a}{b}$"
    assert name_defect(name) == ""
    (svg,) = draw_panels(Figure(title="", panels=[Panel(xlabel=name, ylabel="y", curves=[])]))
    texts = [element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]
    assert plain_name(name) in texts
