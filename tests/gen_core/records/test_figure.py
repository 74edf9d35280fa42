"""A figure is checked where it is made: what may stand for numbers, and what each wrong part is told."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from gen_core import InvalidFigure
from gen_core.records import Curve, Figure, Mark, Panel, Reported, Tick, plain, read_case, sound_figure, write_json

CURVE = Curve(x=[1], y=[2], label="mean")
PANEL = Panel(xlabel="step", ylabel="loss", curves=[CURVE])


@pytest.mark.parametrize(
    "numbers",
    [
        [0, 1, 2],
        (0.0, 1.0, 2.0),
        range(3),
        (i for i in range(3)),
        np.arange(3),
        np.arange(3, dtype=np.float32),
        torch.arange(3),
        torch.arange(3.0, requires_grad=True),
        list(torch.arange(3.0)),
        [np.float32(0), np.int64(1), torch.tensor(2.0)],
    ],
    ids=lambda numbers: type(numbers).__name__,
)
def test_anything_of_one_dimension_becomes_a_list_of_floats(numbers):
    made = Curve(x=[1, 2, 3], y=numbers)
    assert made.y == [0.0, 1.0, 2.0]
    assert {type(value) for value in made.y} == {float}


def test_what_is_not_finite_is_a_gap():
    values = [math.nan, math.inf, -math.inf, None, 10**400, 1]
    for given in (values, tuple(values)):
        assert Curve(x=range(6), y=given).y == [None, None, None, None, None, 1.0]
    assert Curve(x=range(2), y=torch.tensor([torch.nan, 1.0])).y == [None, 1.0]
    assert (Mark(at=math.inf, label="").at, Tick(at=torch.tensor(2), label="").at) == (None, 2.0)


WRONG = [
    (
        lambda: Curve(x=range(8), y=[1.0] * 7, label="mean"),
        "curve 'mean' has 8 values of x, 7 values of y; expected as many of x and y, and of low and high or neither",
    ),
    (lambda: Curve(x=[1], y=[1], low=[0]), "curve '' has 1 values of x, 1 values of y, 1 values of low; expected"),
    (lambda: Curve(x=[1], y=[1], low=[0], high=[1, 2]), "2 values of high; expected"),
    (lambda: Curve(x="123", y=[1, 2, 3]), "x of curve '' are a str; expected a sequence of numbers"),
    (lambda: Curve(x=[1], y=1.0), "y of curve '' are a float; expected a sequence of numbers"),
    (lambda: Curve(x={1: 2}, y=[1]), "x of curve '' are a dict; expected a sequence of numbers"),
    (lambda: Curve(x=[1], y=["a"], label="m"), "y of curve 'm' at 0 is a str; expected a number or None"),
    (lambda: Curve(x=[1, 2], y=torch.ones(2, 3)), "y of curve '' at 0 is a list; expected a number (one dimension)"),
    (lambda: Curve(x=[1], y=[1j]), "y of curve '' at 0 is a complex; expected a number or None"),
    (lambda: Curve(x=[1], y=[1], style="dotted"), "style of curve '' is 'dotted'; expected 'line' or 'dashed' or"),
    (lambda: Curve(x=[1], y=[1], label=3), "label of curve 3 is a int; expected a string"),
    (lambda: Mark(at="a", label="limit"), "place of mark 'limit' is a str; expected a number or None"),
    (lambda: Mark(at=1, label="limit", axis="z"), "axis of mark 'limit' is 'z'; expected 'x' or 'y'"),
    (lambda: Tick(at=[1], label="bits"), "place of tick 'bits' is a list; expected a number (one dimension) or None"),
    (
        lambda: Panel(xlabel="x", ylabel="y", curves=CURVE, xscale="ln"),
        "xscale of panel 'y' is 'ln'; expected",
    ),
    (
        lambda: Panel(xlabel="x", ylabel="y", curves=[3], title="a"),
        "curves of panel 'a' hold a int; expected a list, each",
    ),
    (lambda: Panel(xlabel="x", ylabel=None, curves=[]), "ylabel of panel None is a NoneType; expected a string"),
    (
        lambda: Panel(xlabel="x", ylabel="y", curves=[], marks=[CURVE]),
        "marks of panel 'y' hold a Curve; expected",
    ),
    (lambda: Figure(title="t", panels=[CURVE]), "panels of figure 't' hold a Curve; expected a list, each a Panel"),
    (lambda: Figure(title=1, panels=[]), "title of figure 1 is a int; expected a string"),
    (lambda: Reported(what="e", paper="2", here=2.0), "here of reported 'e' is a float; expected a string"),
]


@pytest.mark.parametrize(("make", "message"), WRONG, ids=[message[:40] for _, message in WRONG])
def test_what_is_wrong_is_told_in_one_line_where_it_is_made(make, message):
    with pytest.raises(InvalidFigure) as caught:
        make()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_figure_is_read_as_it_was_written(case, figure, tmp_path):
    write_json(tmp_path / "case.json", case("a", "b", figure=figure))
    assert read_case(tmp_path / "case.json").figure == figure == sound_figure(figure)


def test_a_record_of_an_older_version_with_unequal_lengths_is_read_without_its_figure(case, tmp_path):
    figure = Figure(title="t", panels=[Panel(xlabel="x", ylabel="y", curves=[Curve(x=[1, 2], y=[1, 2], label="c")])])
    figure.panels[0].curves[0].y = [1.0]
    write_json(tmp_path / "case.json", case("a", "b", figure=figure))
    record = read_case(tmp_path / "case.json")
    assert (record.nodeid, record.verdict) == (case("a", "b").nodeid, case("a", "b").verdict)
    assert record.figure is None
    assert record.settings["figure"].startswith("not drawn: curve 'c' has 2 values of x, 1 values of y; expected")
    assert json.loads((tmp_path / "case.json").read_text())["figure"]["panels"][0]["curves"][0]["y"] == [1.0]


def test_a_figure_beyond_what_a_record_holds_is_refused():
    long = Curve(x=range(10**6), y=range(10**6))
    with pytest.raises(InvalidFigure, match=r"figure of 1 panels and \d+.\d MiB; expected at most 50 and 16"):
        sound_figure(Figure(title="t", panels=[Panel(xlabel="x", ylabel="y", curves=[long])]))
    with pytest.raises(InvalidFigure, match="figure gave a int; expected a gen_core"):
        sound_figure(3)
    assert plain(sound_figure(Figure(title="t", panels=[PANEL] * 50)))["title"] == "t"
