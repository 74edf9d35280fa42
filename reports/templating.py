"""The template environment, and atomic writes."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import jinja2

from gen_core.records import visible

from . import explanations, wording
from .escaping import markdown
from .formulas import breakable, quantity, typeset, with_quantity
from .labels import alternative
from .rows import page_name
from .theory import tile_words

TEMPLATES = Path(__file__).parent / "templates"


def template_environment() -> jinja2.Environment:
    """The templates, with their filters and tests; in HTML all text is escaped."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        number=wording.number,
        cell=wording.cell,
        markdown=markdown,
        duration=wording.duration,
        moment=wording.moment,
        tolerance=wording.tolerance,
        interval=wording.interval,
        blocks=wording.blocks,
        outline=wording.outline,
        recipe_of=wording.recipe_of,
        explanation=lambda case: with_quantity(case, explanations.explanation(case)),
        judgement=lambda case: with_quantity(case, explanations.judgement(case)),
        typeset=typeset,
        breakable=breakable,
        quantity=quantity,
        decided=explanations.decided,
        subject=explanations.subject,
        not_shown=explanations.not_shown,
        tile_words=tile_words,
        page_name=page_name,
        alternative=alternative,
    )
    return made


def make_folder(folder: Path) -> None:
    """Make a folder of a report, whose former pages may be removed: so it is none that a link leads to.

    Raises:
        OSError: if it is a link, or cannot be made.
    """
    if folder.is_symlink():
        raise NotADirectoryError(errno.ENOTDIR, f"{folder.name} is a link; expected a folder", str(folder))
    folder.mkdir(parents=True, exist_ok=True)


def write(path: Path, text: str) -> None:
    """Write a file atomically; what cannot be shown is written as an escape."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(visible(text), encoding="utf-8")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
