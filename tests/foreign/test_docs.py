"""The site that `make docs` makes: every link within it leads somewhere, and no page asks another host for anything."""

from __future__ import annotations

import os
import re
import subprocess
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import gen_core
import gen_core.data
import gen_core.measures
from tests.browsing import needs_axe, violations

ROOT = Path(__file__).parents[2]
MAKEFILE = ROOT / "Makefile"
NEEDED = ("sphinx", "myst_parser", "furo")
REPOSITORY = "https://github.com/gen-core/gen-core/"
LOADED = {"img": "src", "script": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}
LARGEST = 3_000_000  # bytes, of a page; the largest is the reference

pytestmark = pytest.mark.skipif(
    not all(map(find_spec, NEEDED)), reason="Sphinx, MyST or furo is missing: pip install 'gen-core[docs]'"
)


class Page(HTMLParser):
    """What a page links to, what it loads, and the anchors that it has."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = {name: value or "" for name, value in attrs}
        self.anchors.add(of.get("id", ""))
        if tag == "a" and "href" in of:
            self.links.append(of["href"])
        if LOADED.get(tag) in of:
            self.loaded.append(of[LOADED[tag]])


@pytest.fixture(scope="module")
def site(wheel_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it, of the package that the wheel installs."""
    folder = tmp_path_factory.mktemp("docs")
    (options,) = re.findall(r"^\t@\$\(RUN\) (sphinx .*?) --doctree-dir", MAKEFILE.read_text("utf-8"), re.MULTILINE)
    command = [str(wheel_python), "-m", *options.split(), "--doctree-dir", "doctrees", str(ROOT / "docs"), "site"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    built = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=900
    )
    assert (built.returncode, built.stderr) == (0, "")
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {file: Page(file) for file in sorted(site.rglob("*.html"))}


def test_every_page_of_docs_is_in_the_site(site: Path, pages: dict[Path, Page]):
    written = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert written <= {file.relative_to(site) for file in pages}
    reached = {Path(urlsplit(link).path) for link in pages[site / "index.html"].links}
    assert written - {Path("index.html")} <= reached


def test_every_link_within_the_site_leads_to_a_file_and_an_anchor(pages: dict[Path, Page]):
    dead = []
    for file, page in pages.items():
        for link in page.links + page.loaded:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            anchor = unquote(parts.fragment)
            if not target.is_file() or (anchor and target in pages and anchor not in pages[target].anchors):
                dead.append((file.name, link))
    assert dead == []


def test_links_to_the_repository_lead_to_files_of_it(pages: dict[Path, Page]):
    linked = {link for page in pages.values() for link in page.links if link.startswith(REPOSITORY)}
    assert f"{REPOSITORY}blob/main/README.md" in linked
    assert f"{REPOSITORY}tree/main/claims/evidence" in linked
    for link in linked:
        kind, branch, path = link.removeprefix(REPOSITORY).split("/", 2)
        assert branch == "main"
        assert (ROOT / path).is_dir() if kind == "tree" else (ROOT / path).is_file()


def test_no_page_or_style_asks_another_host_for_anything(site: Path, pages: dict[Path, Page]):
    assert [url for page in pages.values() for url in page.loaded if urlsplit(url).netloc] == []
    styles = [file.read_text(encoding="utf-8") for file in [*site.rglob("*.css"), *pages]]
    assert [
        url for text in styles for url in re.findall(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")]*)", text)
    ] == []


def test_the_reference_has_every_public_name(site: Path, pages: dict[Path, Page]):
    anchors = pages[site / "reference.html"].anchors
    for module in (gen_core, gen_core.measures, gen_core.data):
        names = {f"{module.__name__}.{name}" for name in module.__all__}
        assert names - anchors == ({"gen_core.measures.Measured"} if module is gen_core.measures else set())
    assert "gen_core.hypotheses.trained_to" in anchors


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_violation_of_accessibility(open_page, pages: dict[Path, Page], scheme: str):
    for file in pages:
        page = open_page(file, color_scheme=scheme, viewport={"width": 1280, "height": 900})
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        assert (violations(page), dark) == ([], scheme == "dark"), file.name


def test_the_site_is_small(site: Path):
    sizes = {file.relative_to(site): file.stat().st_size for file in site.rglob("*") if file.is_file()}
    assert {file: size for file, size in sizes.items() if size > LARGEST} == {}
    assert sum(sizes.values()) < 4 * LARGEST
