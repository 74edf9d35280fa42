"""How Sphinx makes a site of these pages: `make docs`, into build/docs. No page asks another host for anything."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, TypeGuard

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

ROOT = Path(__file__).resolve().parents[1]
_project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = _project["urls"]["Repository"]

project = _project["name"]
author = ", ".join(one["name"] for one in _project["authors"])
release = version = _project["version"]
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 3  # as GitHub names them
default_role = "code"  # docstrings write `name` as Markdown does

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"
smartquotes = False  # "" is the empty text in docstrings

html_theme = "furo"
html_title = f"{project} {release}"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False

nitpick_ignore_regex = [
    ("py:.*", r"(torch|numpy|collections|pathlib)\..*"),  # documented elsewhere
    ("py:.*", r"gen_core\.\w+\..*"),  # our own that are not public
    ("py:class", r"GradientRule|Rate|Ball"),  # nor are these, which come without their module
    ("py:class", r"tuple\[str \| .*"),  # a type in quotes that autodoc cuts at its comma
]

COLON = "\ue000"  # of private use


class LinkToRepository(SphinxTransform):
    """Links to files that are no page of the site lead to the repository, where GitHub shows them."""

    default_priority = 5  # before anything is copied or resolved

    def apply(self, **_: Any) -> None:
        """Replace them in the page at hand."""
        here = Path(self.env.doc2path(self.env.docname)).parent
        pages = {Path(self.env.doc2path(name)) for name in self.env.found_docs}
        for node in [found for found in self.document.findall() if _is_link(found)]:
            file = (here / node["reftarget"]).resolve()
            if node.get("refdomain") == "doc":  # without its suffix
                file = file.with_name(f"{file.name}.md")
            if file in pages or not file.is_relative_to(ROOT) or not file.exists():
                continue
            kind = "tree" if file.is_dir() else "blob"
            link = f"{REPOSITORY}/{kind}/main/{file.relative_to(ROOT).as_posix()}"
            node.replace_self(nodes.reference("", "", *node.children, refuri=link, internal=False))


def _is_link(node: nodes.Node) -> TypeGuard[nodes.Element]:
    return isinstance(node, addnodes.pending_xref | addnodes.download_reference)


def before_napoleon(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    r"""Have docstrings, with |w|, m * n and `\|w\|` in them, read so, and no prose before a colon as a type."""
    parts = re.split(r"(`[^`]*`)", "\n".join(lines).replace("\\", r"\\"))
    parts[::2] = [re.sub(r"[*|]|(?<=\w)_(?!\w)", r"\\\g<0>", part) for part in parts[::2]]
    prose = r"^Returns:\n(?:(?: .*)?(?:\n|\Z))+" + (r"|\A.*" if what in ("attribute", "property") else "")
    text = re.sub(prose, lambda found: re.sub(r":(?!\n {4})", COLON, found[0]), "".join(parts), flags=re.MULTILINE)
    together = r"^ {4}\w+(?:, \w+)+(?=: )"  # with spaces, all but the last would be read as a type
    text = re.sub(together, lambda found: found[0].replace(", ", ","), text, flags=re.MULTILINE)
    lines[:] = text.split("\n")


def after_napoleon(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Put the colons back."""
    lines[:] = [line.replace(COLON, ":") for line in lines]


def scrollable_by_keyboard(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Have code that is wider than its box scrolled from the keyboard: the box takes the focus."""
    if "body" in context:
        context["body"] = re.sub(r'(<div class="highlight"><pre)(?=>)', r'\1 tabindex="0"', context["body"])


def setup(app: Sphinx) -> dict[str, bool]:
    """Add these."""
    app.add_transform(LinkToRepository)
    app.connect("autodoc-process-docstring", before_napoleon, priority=400)
    app.connect("autodoc-process-docstring", after_napoleon, priority=600)
    app.connect("html-page-context", scrollable_by_keyboard)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
