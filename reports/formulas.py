"""Formulas: from LaTeX to MathML, which browsers typeset offline."""

from __future__ import annotations

import functools
import html
from xml.etree import ElementTree

from latex2mathml.converter import convert_to_element

LONGEST = 2000
"""Maximal length of LaTeX input: the converter's time grows fast, and no formula of a paper is longer."""

# The rest of what the converter can write is not layout: links, styles, ids, colours.
ATTRIBUTES = {
    *("xmlns", "display", "displaystyle", "scriptlevel", "mathvariant", "stretchy", "fence", "form", "separator"),
    *("lspace", "rspace", "minsize", "maxsize", "symmetric", "movablelimits", "accent", "linethickness", "linebreak"),
    *("width", "height", "depth", "columnalign", "columnspacing", "rowspacing"),
}


@functools.cache
def mathml(latex: str) -> str:
    """A `<math>` element with all its text escaped, or "" for LaTeX that is incomplete or unknown to the converter."""
    if len(latex) > LONGEST:
        return ""
    try:
        math = convert_to_element(latex, display="block")
        for node in math.iter():
            for name in set(node.attrib) - ATTRIBUTES:
                del node.attrib[name]
            # The converter writes signs as references within text, for a caller that does not escape.
            node.text = html.unescape(node.text or "")
            if "\\" in node.text:  # a command that it does not know
                return ""
        return ElementTree.tostring(math, encoding="unicode")
    except Exception:  # whatever a parser of any text may raise; the page then shows the text
        return ""
