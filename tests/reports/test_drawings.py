"""Figures drawn once each, by one process or several, to the same bytes, and without what would make that slow.

How long it takes beside matplotlib alone is measured in `benchmarks/bench_report.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
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

    monkeypatch.setattr("reports.figures.draw_panels", broken)
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
    monkeypatch.setattr("reports.figures.draw_panels", lambda one: drawn.append(one) or [])
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
    monkeypatch.setattr("reports.figures.draw_panels", lambda _: [])
    few = [case("norm", f"case-{k}", figure=replace(figure, panels=figure.panels * k)) for k in range(drawings.MANY)]
    draw_all(few[1:])
    assert made == []
    draw_all(few)
    (given,) = made
    assert given.pop("initializer") is drawings._search_seldom
    assert list(given) == ["mp_context"]  # as many as there are processors


DRAWS = """
import sys
from pathlib import Path
from gen_core.records import read_case
from reports.drawings import NOTE, draw_all, note_of

folder, (edited, old, new) = Path(sys.argv[1]), (sys.argv[2:] or ("", "", ""))
drawn = draw_all([read_case(folder / "case.json")], folder).values()
if edited:
    path = Path(sys.modules["reports"].__file__).with_name(edited)
    path.write_text(path.read_text().replace(old, new))
for drawing in drawn:
    for name, svg in zip(drawing.files, drawing.panels, strict=True):
        (folder / name).write_text(svg)
(folder / NOTE).write_text(note_of(drawn))
print("matplotlib" in sys.modules, drawing.panels)
"""
EDIT = ("figures.py", 'COLOURS = ("#0060a8"', 'COLOURS = ("#123456"')


@pytest.fixture
def drawn(case, figure: Figure, tmp_path: Path) -> Callable[..., tuple[bool, str]]:
    """Draws a figure in a process of its own, and says whether matplotlib was used, and the panels."""
    shutil.copytree(Path(drawings.__file__).parent, tmp_path / "reports")
    write_json(tmp_path / "case.json", case("a", "b", figure=figure))

    def draw(*edit: str) -> tuple[bool, str]:
        command = [sys.executable, "-c", DRAWS, str(tmp_path), *edit]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
        )
        used, _, panels = done.stdout.partition(" ")
        return used == "True", panels

    return draw


def test_what_a_report_before_has_drawn_is_taken_over_while_nothing_has_changed(drawn) -> None:
    first = drawn()
    assert first[0]
    assert "#0060a8" in first[1]
    assert drawn() == drawn() == (False, first[1])


@pytest.mark.parametrize("fault", ["code", "drawing", "lost", "note", "no note", "numbers", "edited while it runs"])
def test_nothing_is_taken_over_that_would_be_drawn_otherwise(
    drawn, fault: str, tmp_path: Path, case, figure: Figure
) -> None:
    other = case("a", "b", figure=replace(figure, panels=[*reversed(figure.panels)]))
    first = drawn(*(EDIT if fault == "edited while it runs" else ()))
    svg, note = sorted(tmp_path.glob("*.svg"))[0], tmp_path / drawings.NOTE
    changes = {
        "code": lambda path=tmp_path / "reports" / EDIT[0]: path.write_text(path.read_text().replace(*EDIT[1:])),
        "drawing": lambda: svg.write_text(svg.read_text().replace("#0060a8", "#0060a9")),
        "lost": svg.unlink,
        "note": lambda: note.write_text(note.read_text()[:-20]),
        "no note": note.unlink,
        "numbers": lambda: write_json(tmp_path / "case.json", other),
    }
    if fault in changes:
        changes[fault]()
    used, panels = drawn()
    assert used
    assert ("#123456" in panels) == (fault in ("code", "edited while it runs"))
    assert "#0060a9" not in panels
    assert (panels == first[1]) == (fault in ("drawing", "lost", "note", "no note"))


@pytest.mark.parametrize("library", ["matplotlib", "numpy"])
def test_another_version_of_what_draws_draws_anew(
    case, figure: Figure, tmp_path: Path, monkeypatch, library: str
) -> None:
    (drawing,) = draw_all([case("norm", "gd", figure=figure)]).values()
    for name, svg in zip(drawing.files, drawing.panels, strict=True):
        (tmp_path / name).write_text(svg)
    (tmp_path / drawings.NOTE).write_text(drawings.note_of([drawing]))
    monkeypatch.setattr("reports.figures.draw_panels", lambda _: ["anew"])
    assert draw_all([case("norm", "gd", figure=figure)], tmp_path)["claims/test_norm.py::test_norm[gd]"] == drawing
    monkeypatch.setattr(drawings, "version", lambda name: "0" if name == library else version(name))
    (again,) = draw_all([case("norm", "gd", figure=figure)], tmp_path).values()
    assert again.panels == ["anew"]


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
