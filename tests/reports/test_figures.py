"""Drawings: the same bytes twice, safe scales, text as text."""

from __future__ import annotations

import math
import subprocess
import sys
from xml.etree import ElementTree

import matplotlib as mpl
import pytest

from gen_core.records import Curve, Figure, Mark, Panel, Tick
from reports.figures import draw_panels

ROUND_TRIP = """
import json, sys
from pathlib import Path
from gen_core.records import read_case
from reports.figures import draw_panels
sys.stdout.write("".join(draw_panels(read_case(Path(sys.argv[1])).figure)))
"""


def panel(y: list, **more) -> Panel:
    curve = Curve(x=[1.0, 2.0, 3.0][: len(y)], y=y, label=more.pop("label", "curve"))
    return Panel(xlabel="x", ylabel="y", curves=[curve], **more)


def words(svg: str) -> list[str]:
    return [e.text for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("text") and e.text]


def test_one_whole_drawing_per_panel(figure: Figure) -> None:
    svgs = draw_panels(figure)
    assert len(svgs) == 2
    assert {"Distance", "step", "mean over seeds", "one seed", "tolerance", "loss at rounding level"} <= set(
        words(svgs[0])
    )
    assert words(svgs[0]).count("one seed") == 1
    assert all("<style" not in svg and ' id="axes' not in svg and "date" not in svg.lower() for svg in svgs)


def test_the_right_side_names_heights_that_are_in_sight(figure: Figure) -> None:
    assert {"a quarter", "share of the first"} <= set(words(draw_panels(figure)[1]))
    assert "out of sight" not in words(draw_panels(figure)[1])
    on_logs = panel([1.0, 10.0, 100.0], yscale="log", right=[Tick(at=10.0, label="ten"), Tick(at=-1.0, label="less")])
    assert {"ten"} == {"ten", "less"} & set(words(draw_panels(Figure(title="", panels=[on_logs]))[0]))


def test_the_same_figure_gives_the_same_bytes(figure: Figure, case, tmp_path) -> None:
    from gen_core.records import write_json

    first = draw_panels(figure)
    with mpl.rc_context({"lines.linewidth": 9, "svg.hashsalt": "other", "font.size": 30}):
        assert draw_panels(figure) == first
    write_json(tmp_path / "case.json", case("a", "b", figure=figure))
    command = [sys.executable, "-c", ROUND_TRIP, str(tmp_path / "case.json")]
    assert subprocess.run(command, capture_output=True, check=True, text=True, encoding="utf-8").stdout == "".join(
        first
    )


def test_pyplot_is_not_touched(figure: Figure) -> None:
    code = "import sys, reports.render; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_values_that_a_logarithm_cannot_show_are_counted() -> None:
    (svg,) = draw_panels(Figure(title="t", panels=[panel([1.0, 0.0, -3.0], yscale="log")]))
    assert "2 not positive, not shown" in words(svg)
    (svg,) = draw_panels(Figure(title="t", panels=[panel([1.0, None, math.nan], yscale="log")]))
    assert not any("not shown" in word for word in words(svg))


@pytest.mark.parametrize("yscale", ["linear", "log"])
@pytest.mark.parametrize(
    "y",
    [[], [0.0], [-1.0, -2.0], [None, None], [1e308, -1e308, 1.0], [5e-324, 1.0], [1.0, 1.0], [1e-30, 1e30], [0.9, 1.1]],
)
def test_awkward_values_are_drawn_without_a_warning(y: list, yscale: str) -> None:
    marks = [Mark(at=0.0, label="zero"), Mark(at=-1.0, label="place", axis="x"), Mark(at=math.inf, label="far")]
    shown = panel(y, yscale=yscale, xscale=yscale, marks=marks)
    shown.curves[0].low, shown.curves[0].high = y, y
    (svg,) = draw_panels(Figure(title="t", panels=[shown]))
    ElementTree.fromstring(svg)


def test_a_log_axis_of_less_than_two_decades_still_has_labels() -> None:
    (svg,) = draw_panels(Figure(title="t", panels=[panel([2.0, 3.0, 9.0], yscale="log")]))
    assert {"2", "5"} <= set(words(svg))


@pytest.mark.parametrize(
    "label",
    ["<script>alert(1)</script>", "a \" & ' b", "$5 and $6 $", "汉字 ε²", "\x00\ud800\n", "_hidden", "x" * 10_000, ""],
)
def test_hostile_labels_are_text(label: str) -> None:
    figure = Figure(
        title=label, panels=[panel([1.0, 2.0], label=label, title=label, marks=[Mark(at=1.0, label=label)])]
    )
    (svg,) = draw_panels(figure)
    assert "<script" not in svg
    assert "Glyph" not in svg
    assert max(map(len, words(svg))) <= 70
    ElementTree.fromstring(svg)


def test_more_panels_and_curves_than_colours() -> None:
    curves = [Curve(x=[0.0, 1.0], y=[0.0, float(k)], label=f"width {k}") for k in range(20)]
    figure = Figure(title="t", panels=[Panel(xlabel="x", ylabel="y", curves=curves)] * 3)
    assert len(draw_panels(figure)) == 3
