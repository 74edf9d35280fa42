"""Text of others in XML, on terminals and in Markdown."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reports.escaping import markdown, visible, visible_line

ANY = st.text(st.characters(), max_size=60)


@given(ANY)
@settings(deadline=None)
def test_visible_text_is_xml_and_comes_back(text: str) -> None:
    shown = visible(text)
    element = ElementTree.Element("a", {"b": shown})
    assert ElementTree.fromstring(ElementTree.tostring(element, encoding="unicode").encode()).get("b") == shown
    assert all(c in "\t\n" or ord(c) >= 32 for c in shown)


def test_what_can_be_seen_stays_and_the_rest_is_named() -> None:
    assert visible("汉字 é 😀 <b> \"'`|\n\t") == "汉字 é 😀 <b> \"'`|\n\t"
    assert visible("\x00\x1b[31m\r\x9b\ud800\uffff") == r"\x00\x1b[31m\x0d\x9b\ud800\uffff"


def test_one_line_of_some_length() -> None:
    assert visible_line("a\n\n  b\tc") == "a b c"
    assert visible_line("z" * 10_000, 20) == "z" * 19 + "…"


@given(ANY.map(lambda text: " ".join(text.split())))
@settings(deadline=None)
def test_markdown_says_the_text_and_is_no_markup(text: str) -> None:
    (paragraph, inline, _) = MarkdownIt("gfm-like", {"linkify": False}).parse(f"a {markdown(text)} z")
    assert paragraph.type == "paragraph_open"
    assert {child.type for child in inline.children} <= {"text", "text_special"}
    assert "".join(child.content for child in inline.children) == f"a {visible_line(text)} z"


@pytest.mark.parametrize("text", ["http://a.example/x", "see https://a.example", "www.a.example", "WWW.a.example"])
def test_addresses_are_no_links(text: str) -> None:
    said = markdown(text)
    assert "://" not in said
    assert "www." not in said.lower()
