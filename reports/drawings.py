"""Drawings of a run's figures: each distinct figure is drawn once, in parallel where there are many.

What the report before has drawn stays, where all that a drawing depends on is as it was: the numbers, which its name is
the digest of, the code of the reports, and the versions of what draws. Matplotlib is then not loaded.
"""

from __future__ import annotations

import gc
import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from gen_core.records import CaseRecord, Figure

from . import LOADED, stamps_of_sources

NOTE = "drawn.json"
"""File beside the drawings: what they were drawn by, and the digest of each file."""

MANY = 40
"""Number of figures from which starting several processes pays off."""


@dataclass(frozen=True)
class Drawing:
    """A figure's panels as SVG, or what is wrong with it; `name` is its own among all different figures."""

    name: str
    panels: list[str]
    defect: str = ""

    @property
    def files(self) -> list[str]:
        """File names of the panels."""
        return _files(self.name, len(self.panels))


def draw_all(cases: Iterable[CaseRecord], before: Path | None = None) -> dict[str, Drawing]:
    """Node id -> drawing of its figure; cases share figures as they share trainings.

    Args:
        cases: the cases.
        before: folder of the drawings of a report before, which are taken over where they would be drawn alike.
    """
    keys = {case.nodeid: repr(case.figure.panels) for case in cases if case.figure}
    figures = {repr(case.figure.panels): case.figure for case in cases if case.figure}
    noted = _noted(before) if before else {}
    made = {key: drawing for key in figures if before and (drawing := _as_before(key, before, noted))}
    lacking = {key: figure for key, figure in figures.items() if key not in made}
    if len(lacking) < MANY:
        drawn = [_draw(figure) for figure in lacking.values()]
    else:
        # Not forked, since the process that ends a run has threads.
        with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=_search_seldom) as pool:
            drawn = list(pool.map(_draw, lacking.values(), chunksize=8))
    made |= zip(lacking, drawn, strict=True)
    return {nodeid: made[key] for nodeid, key in keys.items()}


def note_of(drawings: Iterable[Drawing]) -> str:
    """What is written beside drawings as `NOTE`, so that a later report can take them over."""
    files = {d.name: [_digest(svg) for svg in d.panels] for d in drawings if not d.defect}
    return json.dumps({"by": _drawn_by(), "files": files}, indent=1, sort_keys=True)


def _noted(folder: Path) -> Mapping[str, Any]:
    """Name of a drawing -> digests of its files, of those that were drawn by what draws now."""
    try:
        note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        alike = note["by"] == _drawn_by() != "" and isinstance(note["files"], dict)
        return note["files"] if alike else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _as_before(key: str, folder: Path, noted: Mapping[str, Any]) -> Drawing | None:
    """A drawing of the report before; None where there is none, or its files are not as they were written."""
    digests = noted.get(name := _name(key))
    if not isinstance(digests, list):
        return None
    try:
        panels = [(folder / file).read_bytes().decode("utf-8") for file in _files(name, len(digests))]
    except (OSError, ValueError):
        return None
    return Drawing(name, panels) if [*map(_digest, panels)] == digests else None


def _drawn_by() -> str:
    """Digest of all that drawings depend on besides their numbers; "" if code was edited after it was loaded."""
    if stamps_of_sources() != LOADED:
        return ""
    versions = [version("matplotlib"), version("numpy"), platform.python_version(), platform.platform()]
    found = hashlib.sha256(" ".join(versions).encode())
    for name in LOADED:
        found.update(name.encode() + hashlib.sha256(Path(__file__).with_name(name).read_bytes()).digest())
    return found.hexdigest()


def _files(name: str, panels: int) -> list[str]:
    return [f"{name}-{place}.svg" for place in range(1, panels + 1)]


def _digest(svg: str) -> str:
    return hashlib.sha256(svg.encode("utf-8", "surrogatepass")).hexdigest()


def _name(panels: str) -> str:
    return _digest(panels)[:16]


def _search_seldom() -> None:
    """Collect garbage only once every few figures: with matplotlib's many objects it takes a quarter of the time."""
    gc.freeze()
    gc.set_threshold(200_000)


def _draw(figure: Figure) -> Drawing:
    """A figure that cannot be drawn does not cost the page."""
    from .figures import draw_panels  # loads matplotlib, which takes as long as a few drawings

    name = _name(repr(figure.panels))
    try:
        return Drawing(name, draw_panels(figure))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return Drawing(name, [], f"The figure could not be drawn: {error}")
