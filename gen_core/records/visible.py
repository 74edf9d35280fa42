"""Text that is safe to print and to write: what controls a terminal, or is no character, as a Python escape."""

from __future__ import annotations

import re

_UNSHOWN = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def visible(text: str) -> str:
    """Text with Python escapes for all characters that XML 1.0 forbids or that control a terminal."""
    return _UNSHOWN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
