"""Figures drawn once each, by one process or several, to the same bytes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from gen_core.records import Curve, Figure, write_json
from reports.drawings import draw_all


def test_cases_with_the_same_figure_share_a_drawing(case, figure: Figure) -> None:
    cases = [case("norm", "gd", figure=figure), case("norm", "sgd", figure=replace(figure)), case("norm", "none")]
    drawn = draw_all(cases)
    assert set(drawn) == {cases[0].nodeid, cases[1].nodeid}
    assert drawn[cases[0].nodeid] is drawn[cases[1].nodeid]
    assert drawn[cases[0].nodeid].files == [f"{drawn[cases[0].nodeid].name}-{place}.svg" for place in (1, 2)]


def test_a_figure_that_cannot_be_drawn_is_said(case, figure: Figure, monkeypatch) -> None:
    def broken(_: Figure) -> list[str]:
        raise ValueError("no room")

    monkeypatch.setattr("reports.drawings.draw", broken)
    (drawing,) = draw_all([case("norm", "gd", figure=figure)]).values()
    assert (drawing.panels, drawing.defect) == ([], "The figure could not be drawn: no room")


def test_many_figures_are_drawn_by_several_processes_to_the_same_bytes(case, figure: Figure, monkeypatch) -> None:
    wrong = replace(figure, panels=[replace(figure.panels[0], curves=[Curve(x=["a"], y=[1.0])])])  # type: ignore[list-item]
    cases = [case("norm", name, figure=replace(f)) for name, f in {"gd": figure, "same": figure, "bad": wrong}.items()]
    alone = draw_all(cases)
    monkeypatch.setattr("reports.drawings.MANY", 1)
    assert draw_all(cases) == alone
    assert [bool(alone[c.nodeid].defect) for c in cases] == [False, False, True]


TIMED = """
import sys, time
from dataclasses import replace
from pathlib import Path
from gen_core.records import Figure, read_case
from reports.drawings import _draw, _search_seldom

panels = read_case(Path(sys.argv[1])).figure.panels
_search_seldom()
times = []
for start in (0, 40, 80, 120):
    began = time.process_time()
    for k in range(start, start + 40):
        panel = panels[k % len(panels)]
        curves = [replace(c, y=[v and v * (1 + k / 200) for v in c.y]) for c in panel.curves]
        _draw(Figure(title="", panels=[replace(panel, curves=curves)]))
    times.append((time.process_time() - began) / 40)
print(min(times[1:]))
"""


def test_3000_figures_take_a_minute_of_two_processors(case, figure: Figure, tmp_path: Path) -> None:
    write_json(tmp_path / "case.json", case("a", "b", figure=figure))
    command = [sys.executable, "-c", TIMED, str(tmp_path / "case.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(done.stdout) * 3000 / 2 <= 55  # the other pages take the rest
