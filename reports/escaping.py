"""Escaping of untrusted text outside HTML: for terminals, XML and Markdown."""

from __future__ import annotations

import re

from gen_core.records import visible

_MARKUP = re.compile(r"[\\`*_~|<>\[\]&$#!@]|(?<=:)//|(?<=www)\.", re.IGNORECASE)


def visible_line(text: str, longest: int = 300) -> str:
    """Text on one line, with every character visible, truncated to `longest` characters."""
    line = " ".join(visible(text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def markdown(text: str) -> str:
    """Text on one line of Markdown, also in a cell of a table: nothing in it is markup, a link or a mention."""
    return _MARKUP.sub(lambda found: "\\" + found.group(), visible_line(text))
