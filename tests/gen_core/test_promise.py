"""Verdicts keep the error rates that the README promises, for many shapes of values, by simulation."""

import pytest

from gen_core.promise import SHAPES, Shape, exceeds, forms, main, rates

DRAWS, LEVEL = 1000, 0.01
SYMMETRIC = {"normal", "uniform", "Student's t, 3 df", "two modes, .5", "error on 1000 points"}
"""Shapes for which Student's t is as promised with the truth on the limit."""
CASES = [
    pytest.param(shape, *form, id=f"{shape.name}-{' of '.join(filter(None, form))}")
    for shape in SHAPES
    for form in forms(shape)
]


@pytest.mark.parametrize(("shape", "kind", "scale"), CASES)
def test_false_verdicts_are_as_rare_as_promised(shape: Shape, kind, scale):
    found = rates(shape, kind, level=LEVEL, draws=DRAWS, scale=scale)
    assert not exceeds(found.held_beyond, DRAWS, LEVEL)
    assert not exceeds(found.refuted_beyond, DRAWS, LEVEL)
    if kind != "mean" or shape.name in SYMMETRIC:
        assert not exceeds(found.held, DRAWS, LEVEL)
        assert not exceeds(found.refuted, DRAWS, LEVEL)
    if shape.name.startswith("binary") and kind == "mean":
        assert found.declined == 1
    if shape.smooth:
        assert found.declined == 0


@pytest.mark.parametrize(
    ("name", "scale"),
    [("lognormal, sigma .5", "log(x)"), ("R^2 of 8 points", "-log(1 - x)"), ("Beta(20, 1)", "logit(x)")],
)
def test_a_scale_takes_false_verdicts_off_the_side_to_which_values_are_skewed(name, scale):
    (shape,) = (shape for shape in SHAPES if shape.name == name)
    plain, scaled = (rates(shape, "mean", level=LEVEL, draws=DRAWS, scale=each) for each in ("", scale))
    before, after = (plain.held, scaled.held) if name.startswith("log") else (plain.refuted, scaled.refuted)
    assert exceeds(before, DRAWS, LEVEL)  # the shape is skewed enough for this to be a test
    assert not exceeds(after, DRAWS, LEVEL)


def test_the_table_is_printed(capsys):
    assert main(["--draws", "100", "-k", "R^2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[33:59].strip() for line in lines[3:]] == ["mean", "mean of -log(1 - x)", "median", "share of .75"]
    assert "Promised per side: 0.001" in lines[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-k", "square"], "no shape has 'square' in its name; expected one of normal, uniform"),
        (["--level", "0.5"], "--level 0.5, --draws 20000; expected 0 < P <= 0.1 and N >= 100"),
        (["--draws", "3"], "--draws 3; expected"),
    ],
)
def test_a_bad_argument_is_named(arguments, message, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert message in capsys.readouterr().err
