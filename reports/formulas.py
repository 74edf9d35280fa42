"""Formulas: from LaTeX to MathML, which browsers typeset offline, by themselves or within the name of a quantity."""

from __future__ import annotations

import functools
import html
from typing import Literal
from xml.etree import ElementTree

from latex2mathml.converter import convert_to_element
from markupsafe import Markup, escape

from gen_core.records import CaseRecord, pieces, plain_name

LONGEST = 2000
"""Maximal length of LaTeX input: the converter's time grows fast, and no formula of a paper is longer."""

UNBROKEN = 48
"""Characters of a formula within text: browsers do not break one, and a telephone's line is no longer."""

# The rest of what the converter can write is not layout: links, styles, ids, colours.
ATTRIBUTES = {
    *("display", "displaystyle", "scriptlevel", "mathvariant", "stretchy", "fence", "form", "separator"),
    *("lspace", "rspace", "minsize", "maxsize", "symmetric", "movablelimits", "accent", "linethickness", "linebreak"),
    *("width", "height", "depth", "columnalign", "columnspacing", "rowspacing"),
}


def breakable(name: str) -> Markup:
    """A name in Python, which a line may break after an underscore and nowhere else."""
    return Markup("_<wbr>").join(name.split("_"))


def typeset(name: str, longest: int = 600) -> Markup:
    """A name on a page, its formulas as MathML; one of more than `longest` characters is cut, and is plain text."""
    plain = plain_name(name)
    if len(plain) > longest:
        return escape(plain[: longest - 1] + "…")
    return Markup("").join(_inline(text) if formula else text for formula, text in pieces(name))


def _space_functions(row: ElementTree.Element) -> None:
    """Set log, min and their like apart from the letters beside them, as TeX does."""
    for place, node in enumerate(row):
        if node.tag in ("mi", "mo") and len(node.text or "") > 1 and (node.text or "").isalpha():
            node.tag = "mo"
            sides = {"lspace": row[place - 1 : place], "rspace": row[place + 1 : place + 2]}
            node.attrib |= {
                side: "0.17em" if beside and beside[0].tag != "mo" else "0" for side, beside in sides.items()
            }


def _simplify(row: ElementTree.Element) -> None:
    """Leave out rows of one element, and put the upright letters of a word together."""
    for place, node in enumerate(row):
        _simplify(node)
        if node.tag != "mrow" or not len(node):
            continue
        upright = [one.get("mathvariant") == "normal" for one in node]
        if len(node) == 1:
            row[place] = node[0]
        elif any(upright) and all(one or inner.tag == "mn" for one, inner in zip(upright, node, strict=True)):
            row[place] = word = ElementTree.Element("mi")
            word.text = "".join(inner.text or "" for inner in node)


def _inline(latex: str) -> Markup:
    """A formula within text; plain text where the converter does not know it, and where it is too long for a line."""
    plain = plain_name(f"${latex}$")
    return Markup(mathml(latex, "inline") if len(plain) <= UNBROKEN else "") or escape(plain)


def quantity(case: CaseRecord, longest: int = 600) -> Markup:
    """The measured quantity of a case on a page."""
    return typeset(case.typeset, longest) if case.typeset else escape(case.measured)


def with_quantity(case: CaseRecord, sentence: str) -> Markup:
    """A sentence that may begin with the measured quantity, on a page."""
    if case.typeset and sentence.startswith(case.measured):
        return quantity(case) + sentence.removeprefix(case.measured)
    return escape(sentence)


@functools.cache
def mathml(latex: str, display: Literal["block", "inline"] = "block") -> str:
    """A `<math>` element with all its text escaped, or "" for LaTeX that is incomplete or unknown to the converter."""
    if len(latex) > LONGEST:
        return ""
    try:
        math = convert_to_element(latex, display=display)
        for node in math.iter():
            for name in set(node.attrib) - ATTRIBUTES:
                del node.attrib[name]
            # The converter writes signs as references within text, for a caller that does not escape.
            node.text = html.unescape(node.text or "")
            if node.text in ("‖", "|") and node.tag == "mo" and "form" not in node.attrib:
                node.attrib |= {"lspace": "0", "rspace": "0"}  # of which side they are is not said
            if "\\" in node.text:  # a command that it does not know
                return ""
            _space_functions(node)
        _simplify(math[0])
        if display == "inline":
            del math.attrib["display"]
            math.set("alttext", plain_name(f"${latex}$"))
        return ElementTree.tostring(math, encoding="unicode")
    except Exception:  # whatever a parser of any text may raise; the page then shows the text
        return ""
