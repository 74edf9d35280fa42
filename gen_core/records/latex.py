r"""Names with formulas: LaTeX between dollar signs, as in `"$\|W\|_F$ over $\sqrt{n}$"`, and the same as plain text.

A dollar sign opens a formula where no space follows it, and closes one where no space precedes it and no digit follows,
as in Pandoc: "$5 and $6" are prices. `\$` is always a dollar sign.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any

LONGEST = 2000
"""Maximal length of a name with formulas: no quantity has a longer one, and what reads LaTeX is recursive."""

_FORMULA = re.compile(r"(?<!\\)\$(?=\S)((?:[^$\\]|\\.)+?)(?<!\s)\$(?!\d)", re.DOTALL)
_DOLLAR, _COMMAND = re.compile(r"(?<!\\)\$"), re.compile(r"\\[a-zA-Z|{]")
_IN_PLAIN_TEXT = {
    **dict.fromkeys(("|", "Vert", "lVert", "rVert", "vert", "lvert", "rvert", "mid"), "|"),
    **dict.fromkeys(("left", "right", "big", "Big", "bigl", "bigr", "Bigl", "Bigr", "!", "displaystyle"), ""),
    **dict.fromkeys((",", ":", ";", " ", "quad", "qquad"), " "),
    **dict.fromkeys(("ldots", "cdots", "dots"), "..."),
    **{
        "langle": "<",
        "rangle": ">",
        "lbrace": "{",
        "rbrace": "}",
        "prime": "'",
        "top": "T",
        "ell": "l",
        "infty": "inf",
    },
    **{"le": "<=", "leq": "<=", "ge": ">=", "geq": ">=", "ne": "!=", "neq": "!=", "ll": "<<", "gg": ">>"},
    **{"to": "->", "rightarrow": "->", "cdot": "*", "times": "x", "pm": "+-", "approx": "~", "sim": "~"},
    **{f"var{letter}": letter for letter in ("epsilon", "theta", "phi", "rho", "sigma", "kappa", "pi")},
    **{sign: sign for sign in "{}%$&#_"},
}
"""Command -> what it is as plain text, where that is not its name."""
_OPENING = ("langle", "lbrace", "{", "left", "bigl", "Bigl")
_FONTS = (
    *("mathrm", "mathbf", "mathbb", "mathcal", "mathit", "mathsf", "mathtt", "mathfrak", "boldsymbol"),
    *("operatorname", "text", "textrm", "textit", "textbf", "mbox"),
)
_FRACTIONS, _TILDES = ("frac", "tfrac", "dfrac"), ("tilde", "widetilde")
_ALSO_KNOWN = ("Pr", "det", "deg", "gcd", "binom")


class _NotPlain(ValueError):
    """Why a formula has no plain text."""


def pieces(name: str) -> list[tuple[bool, str]]:
    """Split a name into (is it a formula?, text): LaTeX without its dollar signs, and the text around it."""
    found: list[tuple[bool, str]] = []
    for place, part in enumerate(_FORMULA.split(name)):
        if part:
            found.append((place % 2 == 1, part if place % 2 else part.replace(r"\$", "$")))
    return found


def has_formula(name: str) -> bool:
    """Whether there is LaTeX between dollar signs in a name."""
    return _FORMULA.search(name) is not None


def plain_name(name: str) -> str:
    """A name with its formulas as plain text: "|W|_F over sqrt(n)". One that is no LaTeX stays as it is written."""
    if len(name) > LONGEST or "$" not in name:
        return name
    shown = []
    for formula, text in pieces(name):
        try:
            shown.append(_plain_formula(text) if formula else text)
        except _NotPlain:
            shown.append(f"${text}$")
    return "".join(shown)


def name_defect(name: str) -> str:
    """What is wrong with the formulas of a name, in one line; "" for a sound one, and for one without formulas."""
    if "$" not in name:
        return ""
    if len(name) > LONGEST and has_formula(name):
        return f"{len(name)} characters with a formula; expected at most {LONGEST}"
    rest = _FORMULA.sub("", name)
    if _DOLLAR.search(rest) and _COMMAND.search(rest):
        return "a dollar sign without its partner; expected LaTeX between two of them, or \\$ for the sign itself"
    for formula, text in pieces(name):
        try:
            if formula:
                _plain_formula(text)
        except _NotPlain as error:
            return f"${_short(text)}$ is no formula: {error}"
    return ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "…"


@functools.lru_cache(4096)
def _plain_formula(latex: str) -> str:
    """A formula as plain text, spaced as it is written.

    Raises:
        _NotPlain: saying in one line what is not understood.
    """
    from pylatexenc.latexwalker import LatexWalker, LatexWalkerError

    try:
        walker = LatexWalker(latex, latex_context=_context(), tolerant_parsing=False)
        nodes = walker.get_latex_nodes(parsing_state=walker.make_parsing_state(in_math_mode=True))[0]
        left, right = (len(re.findall(rf"\\{side}(?![a-zA-Z])", latex)) for side in ("left", "right"))
        if left != right:
            raise _NotPlain(f"{left} \\left and {right} \\right; expected as many")
        return _plain_nodes(nodes).strip()
    except LatexWalkerError as error:
        raise _NotPlain(getattr(error, "msg", str(error)).splitlines()[0]) from error
    except RecursionError as error:
        raise _NotPlain("nested too deep") from error


@functools.cache
def _context() -> Any:
    """The commands that take arguments."""
    from pylatexenc.latexwalker import get_default_latex_context_db
    from pylatexenc.macrospec import std_macro

    known = get_default_latex_context_db()
    takes = {**dict.fromkeys(_FONTS, "{"), **dict.fromkeys((*_FRACTIONS, "binom"), "{{")}
    known.add_context_category("formulas", macros=[std_macro(*one) for one in takes.items()], prepend=True)
    return known


@functools.cache
def _known(command: str) -> bool:
    from pylatexenc.latex2text import get_default_latex_context_db

    return command in _ALSO_KNOWN or get_default_latex_context_db().get_macro_spec(command) is not None


def _plain_nodes(nodes: Iterable[Any]) -> str:
    text = ""
    for node in nodes:
        if node is None:
            continue
        part, word = _plain_node(node, raised=text.endswith(("^", "_")))
        text += " " + part if word and text[-1:].isalnum() else part
    return text


def _plain_node(node: Any, raised: bool) -> tuple[str, bool]:
    """A node as plain text, and whether this is a word, which stands apart from letters and digits."""
    from pylatexenc import latexwalker as of

    if isinstance(node, of.LatexCharsNode):
        return node.chars, False
    if isinstance(node, of.LatexGroupNode):
        inner = _plain_nodes(node.nodelist)
        return f"({inner})" if raised and " " in inner else inner, False
    if isinstance(node, of.LatexMacroNode):
        return _plain_command(node)
    if isinstance(node, of.LatexSpecialsNode) and node.specials_chars != "&":
        return " " if node.specials_chars == "~" else str(node.specials_chars), False
    raise _NotPlain(f"{_short(node.latex_verbatim())} in it; expected a formula of one line")


def _plain_command(node: Any) -> tuple[str, bool]:
    name, space = node.macroname, node.macro_post_space
    arguments = [_plain_nodes([one]) for one in (node.nodeargd.argnlist if node.nodeargd else None) or [] if one]
    if not arguments and name in (*_FRACTIONS, *_TILDES, *_FONTS, "sqrt", "binom"):
        raise _NotPlain(f"\\{name} has no argument in braces")
    if name in _FRACTIONS:
        return " / ".join(f"({one})" if re.search("[ +/-]", one) else one for one in arguments), False
    if name == "sqrt" and len(arguments) == 2:
        return f"sqrt[{arguments[0]}]({arguments[1]})", True
    if name in _FONTS:
        return "".join(arguments), False
    if name in _TILDES:
        return f"{arguments[0]}~", False
    if (text := _IN_PLAIN_TEXT.get(name)) is not None:
        return text + ("" if name in _OPENING else space), text.isalpha()
    if name == "\\":
        raise _NotPlain("\\\\ in it; expected a formula of one line")
    if not name or not _known(name):
        raise _NotPlain(f"\\{name} is not known")
    return f"{name}({', '.join(arguments)})" if arguments else name + space, True
