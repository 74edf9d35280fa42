"""Drawings of a run's figures: each distinct figure is drawn once, in parallel where there are many."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from gen_core.records import CaseRecord, Figure

from .figures import draw_panels

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
        return [f"{self.name}-{place}.svg" for place in range(1, len(self.panels) + 1)]


def draw_all(cases: Iterable[CaseRecord]) -> dict[str, Drawing]:
    """Node id -> drawing of its figure; cases share figures as they share trainings."""
    keys = {case.nodeid: repr(case.figure.panels) for case in cases if case.figure}
    figures = {repr(case.figure.panels): case.figure for case in cases if case.figure}
    if len(figures) < MANY:
        drawn = [_draw(figure) for figure in figures.values()]
    else:
        # Not forked, since the process that ends a run has threads.
        with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=_search_seldom) as pool:
            drawn = list(pool.map(_draw, figures.values(), chunksize=8))
    made = dict(zip(figures, drawn, strict=True))
    return {nodeid: made[key] for nodeid, key in keys.items()}


def _search_seldom() -> None:
    """Collect garbage only once every few figures: with matplotlib's many objects it takes a quarter of the time."""
    gc.freeze()
    gc.set_threshold(200_000)


def _draw(figure: Figure) -> Drawing:
    """A figure that cannot be drawn does not cost the page."""
    name = hashlib.sha256(repr(figure.panels).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    try:
        return Drawing(name, draw_panels(figure))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return Drawing(name, [], f"The figure could not be drawn: {error}")
