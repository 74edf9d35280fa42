"""Figures drawn once each, by one process or several, to the same bytes, and without what would make that slow.

How long it takes beside matplotlib alone is measured in `benchmarks/bench_report.py`.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text

from gen_core.records import Curve, Figure, write_json
from reports import drawings
from reports.drawings import draw_all
from reports.figures import draw_panels


def test_cases_with_the_same_figure_share_a_drawing(case, figure: Figure) -> None:
    cases = [case("norm", "gd", figure=figure), case("norm", "sgd", figure=replace(figure)), case("norm", "none")]
    drawn = draw_all(cases)
    assert set(drawn) == {cases[0].nodeid, cases[1].nodeid}
    assert drawn[cases[0].nodeid] is drawn[cases[1].nodeid]
    assert drawn[cases[0].nodeid].files == [f"{drawn[cases[0].nodeid].name}-{place}.svg" for place in (1, 2)]


def test_a_figure_that_cannot_be_drawn_is_said(case, figure: Figure, monkeypatch) -> None:
    def broken(_: Figure) -> list[str]:
        raise ValueError("no room")

    monkeypatch.setattr("reports.drawings.draw_panels", broken)
    (drawing,) = draw_all([case("norm", "gd", figure=figure)]).values()
    assert (drawing.panels, drawing.defect) == ([], "The figure could not be drawn: no room")


def test_many_figures_are_drawn_by_several_processes_to_the_same_bytes(case, figure: Figure, monkeypatch) -> None:
    wrong = replace(figure, panels=[replace(figure.panels[0], curves=[Curve(x=[1.0], y=[1.0])])])
    wrong.panels[0].curves[0].x = ["a"]  # type: ignore[list-item]
    cases = [case("norm", name, figure=replace(f)) for name, f in {"gd": figure, "same": figure, "bad": wrong}.items()]
    alone = draw_all(cases)
    monkeypatch.setattr("reports.drawings.MANY", 1)
    assert draw_all(cases) == alone
    assert [bool(alone[c.nodeid].defect) for c in cases] == [False, False, True]


def test_a_figure_that_many_cases_share_is_drawn_once(case, figure: Figure, monkeypatch) -> None:
    others = [replace(figure, panels=figure.panels[:1]), replace(figure, panels=figure.panels[1:])]
    drawn = []
    monkeypatch.setattr("reports.drawings.draw_panels", lambda one: drawn.append(one) or [])
    draw_all([case("norm", f"case-{k}", figure=replace([figure, *others][k % 3])) for k in range(30)])
    assert drawn == [figure, *others]


def test_a_panel_is_drawn_once_and_none_of_it_is_measured_for_a_layout(figure: Figure, monkeypatch) -> None:
    counts: Counter[str] = Counter()

    def count(owner: type, name: str) -> None:
        call = getattr(owner, name)

        def counted(self: Any, *given: Any, **named: Any) -> Any:
            counts[f"{owner.__name__}.{name}"] += 1
            return call(self, *given, **named)

        monkeypatch.setattr(owner, name, counted)

    for owner, name in ((Canvas, "draw"), (Text, "draw"), (Canvas, "get_tightbbox"), (Axes, "get_tightbbox")):
        count(owner, name)
    assert len(draw_panels(figure)) == 2
    assert counts.pop("Text.draw") <= 80
    assert counts == {"Figure.draw": 2}


def test_many_figures_are_drawn_by_all_processors_which_search_seldom_for_garbage(case, figure, monkeypatch) -> None:
    made = []

    class Pool:
        def __init__(self, **given: Any) -> None:
            made.append(given)

        def __enter__(self) -> Pool:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def map(self, call: Any, figures: Any, chunksize: int) -> Any:
            assert chunksize > 1
            return map(call, figures)

    monkeypatch.setattr(drawings, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(drawings, "draw_panels", lambda _: [])
    few = [case("norm", f"case-{k}", figure=replace(figure, panels=figure.panels * k)) for k in range(drawings.MANY)]
    draw_all(few[1:])
    assert made == []
    draw_all(few)
    (given,) = made
    assert given.pop("initializer") is drawings._search_seldom
    assert list(given) == ["mp_context"]  # as many as there are processors


SEARCHES = """
import gc, sys
from pathlib import Path
from gen_core.records import read_case
from reports.drawings import _draw, _search_seldom

figure = read_case(Path(sys.argv[1])).figure
_draw(figure)
_search_seldom()
searched = []
gc.callbacks.append(lambda phase, _: searched.append(phase))
for _ in range(20):
    assert not _draw(figure).defect
print(searched.count("start"))
"""


def test_garbage_is_searched_for_once_in_several_figures(case, figure: Figure, tmp_path: Path) -> None:
    write_json(tmp_path / "case.json", case("a", "b", figure=figure))
    command = [sys.executable, "-c", SEARCHES, str(tmp_path / "case.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) <= 4  # some 280 with Python's own threshold
