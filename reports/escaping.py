"""Escaping of untrusted text outside HTML: for terminals, XML and Markdown."""

from __future__ import annotations

import re

_UNSHOWN = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKUP = re.compile(r"[\\`*_~|<>\[\]&$#!@]|(?<=:)//|(?<=www)\.", re.IGNORECASE)


def visible(text: str) -> str:
    """Text with Python escapes for all characters that XML 1.0 forbids or that control a terminal."""
    return _UNSHOWN.sub(_escape, text)


def visible_line(text: str, longest: int = 300) -> str:
    """Text on one line, with every character visible, truncated to `longest` characters."""
    line = " ".join(visible(text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def markdown(text: str) -> str:
    """Text on one line of Markdown, also in a cell of a table: nothing in it is markup, a link or a mention."""
    return _MARKUP.sub(lambda found: "\\" + found.group(), visible_line(text))


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
