"""Verdicts keep the error rates that the README promises, for many shapes of values, by simulation."""

import numpy as np
import pytest
from scipy import stats

from gen_core.promise import SHAPES, Shape, exceeds, forms, main, rates

DRAWS, LEVEL = 1000, 0.01
ON_THE_LIMIT = {"normal", "Student's t, 3 df", "error on 1000 points"}
"""Shapes for which Student's t is as promised with the truth on the limit."""
CASES = [
    pytest.param(shape, *form, id=f"{shape.name}-{' of '.join(filter(None, form))}")
    for shape in SHAPES
    for form in forms(shape)
]


@pytest.mark.parametrize(("shape", "kind", "scale"), CASES)
def test_false_verdicts_are_as_rare_as_promised(shape: Shape, kind, scale):
    found = rates(shape, kind, level=LEVEL, draws=DRAWS, scale=scale)
    if kind != "mean" or shape.suits_mean:
        assert not exceeds(found.held_beyond, DRAWS, LEVEL)
        assert not exceeds(found.refuted_beyond, DRAWS, LEVEL)
    if kind != "mean" or shape.name in ON_THE_LIMIT:
        assert not exceeds(found.held, DRAWS, LEVEL)
        assert not exceeds(found.refuted, DRAWS, LEVEL)
    if shape.name.startswith("binary") and kind == "mean":
        assert found.declined == 1
    if shape.suits_mean:
        assert found.declined == 0


@pytest.mark.parametrize("shape", [s for s in SHAPES if s.suits_mean and "R^2" not in s.name], ids=lambda s: s.name)
def test_half_an_sd_beyond_the_limit_a_mean_keeps_the_level_of_a_whole_suite(shape: Shape):
    draws, level, rng = 400_000, 0.01 / 243, np.random.default_rng(0)
    many = shape.draw(rng, (400, 1000))
    false = np.zeros((2, draws), dtype=bool)
    x = shape.draw(rng, (draws, 16)) - many.mean()
    for n in (8, 16):  # later looks see less, and decide less often
        half = stats.t.isf(level / 4, n - 1) * x[:, :n].std(1, ddof=1) / n**0.5
        false[0] |= x[:, :n].mean(1) + half < -many.std() / 2
        false[1] |= x[:, :n].mean(1) - half > many.std() / 2
    for side in false:
        assert not exceeds(side.mean(), draws, level)


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
