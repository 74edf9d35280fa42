"""A page as a reader of HTML sees it, for tests: well formed, its links inside the report, its text."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Fails on elements that are not closed in order, on scripts and on handlers."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.attributes: list[dict[str, str | None]] = []
        self.said: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self.open == []
        for link in self.links:
            assert (path.parent / link).is_file(), link

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())

    def handle_starttag(self, tag: str, attrs: list) -> None:
        assert tag not in ("script", "img", "iframe")
        assert not [name for name, _ in attrs if name.startswith("on")]
        assert not [name for name, _ in attrs if name == "src"]
        self.links += [value for name, value in attrs if name == "href"]
        self.attributes.append({"": tag, **dict(attrs)})
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.said.append(data)
