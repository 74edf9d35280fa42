"""Figures as SVG, one drawing per panel: equal numbers give equal bytes.

Drawn through matplotlib's objects with its default style, so that neither pyplot's state nor a user's matplotlibrc
changes a report. Text stays text (`svg.fonttype` "none"), for search, selection and the fonts of the page; a label with
a formula is drawn as outlines, and the figure's text alternative has it in plain text.
"""

from __future__ import annotations

import html
import io
import math
import re
import warnings
from collections.abc import Sequence
from typing import TypeGuard

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas
from matplotlib.mathtext import MathTextParser
from matplotlib.patheffects import Normal
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from gen_core.records import Curve, Figure, Panel, Tick, has_formula, pieces, plain_name

from .labels import alternative, drawable, label_of
from .wording import number, power_of_ten

WIDTH, HEIGHT, LEGEND_ROW = 4.0, 2.8, 0.2  # inches
AXIS, CHARACTER, EDGE = 0.32, 0.075, 0.15  # inches: an axis without its numbers, a character of these, a bare side
MATHTEXT = MathTextParser("path")
TICKS = 6  # intervals between the ticks of an axis, at most
STYLE = {
    "svg.hashsalt": "gen-core",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#6b7280",
    "axes.labelcolor": "#1f2937",
    "text.color": "#1f2937",
    "xtick.color": "#4b5563",
    "ytick.color": "#4b5563",
    "axes.grid": True,
    "axes.grid.which": "major",
    "grid.color": "#e5e7eb",
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "axes.titlesize": 9.5,
}
# Distinct for the common kinds of colour blindness, and dark enough on white (Okabe and Ito, 2008, darkened).
COLOURS = ("#0060a8", "#c25100", "#007a5a", "#a0437c", "#8a6d00", "#3c83a8", "#555555")
DASHES = ((0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (9, 3)))


def draw_panels(figure: Figure) -> list[str]:
    """Draw every panel of a figure.

    A label has one colour in all panels. Values that are missing, beyond 1e100, or not positive on a logarithmic axis
    are left out; the last are counted in the panel.

    Returns:
        One `<svg>` element per panel, without an XML head, for use inside an HTML page.
    """
    labels = dict.fromkeys(c.label for p in figure.panels for c in p.curves if c.label)
    colours = {label: COLOURS[place % len(COLOURS)] for place, label in enumerate(labels)}
    return [_panel(panel, colours) for panel in figure.panels]


def _panel(panel: Panel, colours: dict[str, str]) -> str:
    with matplotlib.style.context(["default", STYLE]), warnings.catch_warnings():
        # The browser has the glyphs that matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        canvas = Canvas(figsize=(WIDTH, HEIGHT))
        axes = canvas.subplots()
        # A logarithmic axis without a single point to show is an error in matplotlib: it stays linear then.
        points = [(x, y) for c in panel.curves for x, y in zip(c.x, c.y, strict=False) if _kept(x) and _kept(y)]
        xlog = panel.xscale == "log" and any(_kept(x, True) for x, _ in points)
        ylog = panel.yscale == "log" and any(_kept(x, xlog) and _kept(y, True) for x, y in points)
        left_out = 0
        for place, curve in enumerate(panel.curves):
            colour = colours.get(curve.label, "#7b8794" if curve.style == "faint" else COLOURS[place % len(COLOURS)])
            left_out += _curve(axes, curve, colour, xlog, ylog)
        _marks(axes, panel, xlog, ylog)
        _scales(axes, xlog, ylog)
        axes.set_xlabel(_label(panel.xlabel))
        axes.set_ylabel(_label(panel.ylabel))
        axes.set_title(_label(panel.title), loc="left", y=1.0)
        side = _right_side(axes, panel, ylog)
        if left_out:
            note = f"{left_out} not positive, not shown"
            axes.text(1.0, 1.0, note, transform=axes.transAxes, ha="right", va="bottom", fontsize=8, color="#6b7280")
        _lay_out(canvas, axes, _legend(canvas, axes), [label_of(tick.label) for tick in side])
        for text in canvas.findobj(Text):
            if has_formula(text.get_text()):
                text.set_path_effects([Normal()])  # draws outlines: not all of its glyphs are in a reader's fonts
        return _svg(canvas, alternative(panel))


def _curve(axes: Axes, curve: Curve, colour: str, xlog: bool, ylog: bool) -> int:
    """Draw one curve and its band; returns how many points a logarithmic axis leaves out."""
    x, y = _gaps(curve.x, xlog), _gaps(curve.y, ylog)
    size = min(len(x), len(y))
    looks = {
        "dashed": {"linestyle": "--", "linewidth": 1.5},
        "points": {"linestyle": "none", "marker": "o", "markersize": 3.5},
        "faint": {"linewidth": 0.7, "alpha": 0.35, "zorder": 1.5},
    }
    look = looks.get(curve.style, {"linewidth": 1.6})
    if size == 1 and "marker" not in look:
        look = {**look, "marker": "o", "markersize": 3.5}
    axes.plot(x[:size], y[:size], color=colour, label=_label(curve.label) or "_nolegend_", **look)
    low, high = _gaps(curve.low, ylog), _gaps(curve.high, ylog)
    if len(low) == len(high) == size and size:
        axes.fill_between(x[:size], low, high, color=colour, alpha=0.16, linewidth=0)
    pairs = zip(curve.x, curve.y, strict=False)
    return sum(_kept(a) and _kept(b) and not (_kept(a, xlog) and _kept(b, ylog)) for a, b in pairs)


def _marks(axes: Axes, panel: Panel, xlog: bool, ylog: bool) -> None:
    for place, mark in enumerate(panel.marks):
        if not _kept(mark.at, xlog if mark.axis == "x" else ylog):
            continue
        line = axes.axvline if mark.axis == "x" else axes.axhline
        dashes = DASHES[place % len(DASHES)]
        line(mark.at, color="#374151", linewidth=1.1, linestyle=dashes, label=_label(mark.label) or "_nolegend_")


def _scales(axes: Axes, xlog: bool, ylog: bool) -> None:
    for axis, log in ((axes.xaxis, xlog), (axes.yaxis, ylog)):
        if not log:
            axis.set_major_locator(MaxNLocator(nbins=TICKS, steps=[1, 2, 5, 10]))
            axis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 4)))
            continue
        (axes.set_xscale if axis is axes.xaxis else axes.set_yscale)("log", nonpositive="mask")
        ends = sorted(math.log10(end) for end in axis.get_view_interval() if end > 0)
        if len(ends) == 2 and ends[1] - ends[0] < 1.5:
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 3)))
        else:
            axis.set_major_locator(LogLocator(numticks=TICKS + 1))
            axis.set_major_formatter(FuncFormatter(_decade))
        axis.set_minor_locator(NullLocator())


def _right_side(axes: Axes, panel: Panel, ylog: bool) -> list[Tick]:
    """Label the right-hand axis, where the ticks are in view; returns those that are."""
    low, high = sorted(axes.get_ylim())
    there = [(tick.at, tick) for tick in panel.right if _kept(tick.at, ylog) and low <= tick.at <= high]
    ticks = [tick for _, tick in there]
    if not ticks:
        return []
    side = axes.secondary_yaxis("right")
    side.yaxis.set_minor_locator(NullLocator())
    side.set_yticks([at for at, _ in there], [_plain(tick.label) for tick in ticks])
    side.set_ylabel(_label(panel.right_label))
    return ticks


def _plain(text: str) -> str:
    """A label as plain text, in which matplotlib sees no formula."""
    return label_of(text).replace("$", r"\$")


def _label(text: str) -> str:
    """A label as matplotlib reads it: its formulas as mathtext; plain if it is long, or beyond mathtext."""
    plain = _plain(text)
    if not has_formula(text) or plain.endswith("…"):
        return plain
    parts = [f"${part}$" if formula else part.replace("$", r"\$") for formula, part in pieces(drawable(text))]
    try:
        MATHTEXT.parse("".join(parts))
    except ValueError:
        return plain
    return "".join(parts)


def _decade(value: float, _: int | None) -> str:
    return power_of_ten(round(math.log10(value))) if value > 0 else ""


def _legend(canvas: Canvas, axes: Axes) -> float:
    """Put a legend below the axes; returns its height in inches."""
    handles, labels = axes.get_legend_handles_labels()
    entries = dict(zip(reversed(labels), reversed(handles), strict=True))  # one entry per label: its first curve
    if not entries:
        return 0.0
    names = list(dict.fromkeys(labels))
    columns = 2 if len(names) > 1 and max(len(plain_name(name)) for name in names) <= 26 else 1
    rows = math.ceil(len(names) / columns)
    canvas.set_size_inches(WIDTH, HEIGHT + LEGEND_ROW * rows)
    legend = canvas.legend([entries[name] for name in names], names, loc="lower left", ncols=columns, borderaxespad=0.2)
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(None if (handle.get_alpha() or 1) >= 0.5 else 0.6)
    return LEGEND_ROW * rows + 0.06


def _lay_out(canvas: Canvas, axes: Axes, legend: float, side: list[str]) -> None:
    """Give the axes the room that their labels leave, above a legend of this height and beside labels on the right.

    The room is counted in characters: the page's font is not the one that matplotlib would measure, and measuring takes
    as long as drawing.
    """
    width, height = canvas.get_size_inches()
    ticks = axes.yaxis.get_major_formatter().format_ticks(list(axes.yaxis.get_majorticklocs()))
    left, right = (AXIS + CHARACTER * max(map(len, labels)) if labels else EDGE for labels in (ticks or [""], side))
    bottom, top = legend + 0.47, 0.25 if axes.get_title(loc="left") else 0.12
    canvas.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height)
    axes.xaxis.set_label_coords(0.5, -0.27 / (height - bottom - top))
    axes.yaxis.set_label_coords(-(left - 0.16) / (width - left - right), 0.5)


def _svg(canvas: Canvas, label: str) -> str:
    out = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    FigureCanvasSVG(canvas).print_svg(out, metadata=nothing)
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    # Ids of groups would repeat within a page and the style sheet would apply to all of it. Both are markup of
    # matplotlib's own: in a label "<" is escaped.
    svg = re.sub(r'<g id="[\w.]+">', "<g>", svg)
    # A hundredth of a point is enough, also for the outlines of letters.
    svg = re.sub(r'<path d="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path.group()), svg)
    svg = re.sub(r'<style type="text/css">.*?</style>', "", svg, flags=re.DOTALL)
    described = f'role="img" aria-label="{html.escape(label)}"'
    return re.sub(r'width="[^"]*" height="[^"]*"', lambda _: described, svg, count=1)


def _gaps(values: Sequence[float | None], log: bool) -> list[float]:
    return [v if v is not None and _kept(v, log) else math.nan for v in values]


def _kept(value: float | None, log: bool = False) -> TypeGuard[float]:
    return value is not None and math.isfinite(value) and abs(value) < 1e100 and (not log or value > 1e-300)
